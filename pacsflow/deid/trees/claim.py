"""A folder of cleaned files belongs to one profile and one key, and to one run at a time."""

import hmac
import json
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import platformdirs

from pacsflow.deid.trees.place import OURS
from pacsflow.errors import LedgerError
from pacsflow.staging import PRIVATE, sync, write_text
from pacsflow.system import try_lock

_NOTE: Final = "deid.json"
_HALF: Final = re.compile(r"([0-9a-f]{32}|deid\.json)\.part")
"""As `TreeCleaner` and this module name what is half-written: no other name is swept away."""


@contextmanager
def claimed(folder: Path, key: bytes, fingerprint: str) -> Iterator[bool]:
    """The folder for this run alone; True where an earlier run of the same profile and key worked in it.

    Raises LedgerError where another run is at it, or it was begun under another profile or key.
    """
    ours = folder / OURS
    ours.mkdir(parents=True, exist_ok=True)
    with (ours / "lock").open("a") as lock:
        if not try_lock(lock):
            raise LedgerError("another run writes to this folder", fix="wait for its end")
        for leftover in ours.glob("*.part"):
            if _HALF.fullmatch(leftover.name):
                leftover.unlink(missing_ok=True)
        yield _known(ours, fingerprint, _check(key))


def _check(key: bytes) -> str:
    return hmac.digest(key, b"pacsflow deid tree", "sha256").hex()[:16]


def checks() -> Path:
    """Where it stands on this machine which key a folder was cleaned under: never in the folder, which is handed on."""
    return platformdirs.user_data_path("pacsflow", appauthor=False) / "trees"


def _known(ours: Path, fingerprint: str, check: str) -> bool:
    """Whether an earlier run worked in the folder. Raises LedgerError where its profile or key was another one."""
    note = ours / _NOTE
    before = json.loads(note.read_text("utf-8")) if note.exists() else None
    name = uuid.UUID(str((before or {}).get("tree") or uuid.uuid4())).hex
    place = checks() / name
    known = (before or {}).get("key_check") or (place.read_text("ascii") if before and place.exists() else check)
    if before and (before["profile"] != fingerprint or known != check):
        raise LedgerError(
            "the folder was begun under another profile or key", fix="put them back, or name another folder"
        )
    if not before or "key_check" in before or not place.exists():
        checks().mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(place, check, PRIVATE)
        _write(note, {"profile": fingerprint, "tree": name})
    return before is not None


def _write(note: Path, says: dict[str, str]) -> None:
    temporary = note.with_name(f"{_NOTE}.part")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(says, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(note)
    sync(note.parent)
