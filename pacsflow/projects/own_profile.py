"""A profile for a folder tree that was given none: beside its key and vault, where only their owner can read."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

import platformdirs

from pacsflow.staging import PRIVATE, half_beside, sync

_PROFILE = """\
# Made by `pacsflow deid` without --profile. Kept beside it: the key, and the vault that links patients and pseudonyms.
base: ps3.15-basic
options: [clean-descriptors, retain-patient-characteristics, retain-longitudinal-full-dates]
private: {{keep: [ps3.15-safe, siemens-csa-for-nifti, ge-for-nifti, philips-for-nifti, uih-for-nifti]}}
key: ${{file:{key}}}
"""


def own_profile(target: Path) -> Path:
    """The folder of `deid.yaml`, key and vault for results in `target`: always the same, made where absent."""
    name = hashlib.sha256(os.fsencode(target.resolve())).hexdigest()[:12]
    folder = platformdirs.user_data_path("pacsflow", appauthor=False) / "deid" / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _once(folder / "key", f"{secrets.token_hex(32)}\n")
    _once(folder / "deid.yaml", _PROFILE.format(key=folder / "key"))
    return folder


def _once(file: Path, text: str) -> None:
    """The file with its text, unless it is there: under its name only when whole."""
    if file.exists():
        return
    with half_beside(file, PRIVATE) as half, suppress(FileExistsError):  # another process was first
        half.write_text(text, encoding="utf-8")
        sync(half)
        os.link(half, file)
