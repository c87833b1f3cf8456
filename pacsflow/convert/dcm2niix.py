"""Conversion by dcm2niix, the program of the PyPI package (Debian's is older and wrong on some data)."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dcm2niix
import numpy as np
from nibabel import Nifti1Image

from pacsflow.children import confined_command
from pacsflow.convert.contract import STEM, TIMEOUT, Geometry
from pacsflow.convert.fragments import written_whole
from pacsflow.convert.frames import header_of
from pacsflow.convert.sidecar import TEXTS, cleaned
from pacsflow.errors import ConverterStoppedError, RefusalError
from pacsflow.system import STOPS

_NO_IMAGES = 2
_WITH_DOUBTS = frozenset({1, 8})
"""Exit codes with which it may have written files: something was odd, or a volume not complete."""
_SPEAKS = re.compile(r"^(Warning|Error)\b|missing|DUPLICATES|not supported|unsupported", re.IGNORECASE)
_ROUTINE = ("Patient Position", "Empty protocol name", "Unable to determine manufacturer", "hint: export as classic")
_PRIVATE = (re.compile(r"'[^']*'|\"[^\"]*\""), re.compile(r"(?<!\w)/\S+"))


def convert(files: Sequence[Path], folder: Path, geometry: Geometry, options: Sequence[str] = ()) -> list[str]:
    """See `Converter`. Refusals: no-image, converter-timeout, converter-error; ConverterStoppedError when killed."""
    source = folder.parent / "in"
    source.mkdir()
    for number, path in enumerate(files):
        place = source / f"{number:06}.dcm"
        if not written_whole(path, place):
            place.symlink_to(path.resolve())
    said = _run(source, folder, geometry, options)
    header = header_of(files[0], TEXTS)
    texts = {key: str(header.get(key) or "") for key in TEXTS}
    for path in folder.glob("*.json"):
        facts = cleaned(_sidecar(path), texts)
        path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return warnings(said)


def _sidecar(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8", errors="replace")))
    except (TypeError, ValueError):
        raise RefusalError("converter-error", "dcm2niix wrote a sidecar that is no JSON") from None


def _confined(source: Path, folder: Path) -> list[str]:
    """What has a program read the images, write to the folder, and nothing else."""
    read = [Path(dcm2niix.bin), source.absolute(), *_targets(source)]
    return confined_command(read=read, write=[folder.absolute(), source.parent.absolute()])


def _targets(source: Path) -> list[Path]:
    """Where links of a folder of images lead to."""
    return list({file.resolve().parent for file in source.iterdir()}) if source.is_dir() else []


def _run(source: Path, folder: Path, geometry: Geometry, options: Sequence[str]) -> str:
    command = [dcm2niix.bin, "-g", "i", "-z", "y", "-b", "y", "-ba", "y", "-c", "", "-d", "0", "-f", STEM]
    try:
        done = subprocess.run(
            [*_confined(source, folder), *command, *options, "-o", str(folder.absolute()), str(source.absolute())],
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: a converter that it stops has refused nothing
            env={"HOME": str(source.parent.absolute()), "LC_ALL": "C"},
            cwd=source.parent,
        )
    except subprocess.TimeoutExpired:
        raise RefusalError("converter-timeout", f"dcm2niix took more than {TIMEOUT:.0f} s") from None
    if done.returncode == _NO_IMAGES:
        raise RefusalError("no-image", "dcm2niix found no image it can convert")
    if -done.returncode in STOPS:
        raise ConverterStoppedError("dcm2niix was stopped", fix="run again, with more memory if that was it")
    doubts = ""
    if done.returncode:
        if geometry != "warn" or done.returncode not in _WITH_DOUBTS or not _readable(folder):
            raise RefusalError("converter-error", f"dcm2niix ended with exit code {done.returncode}")
        doubts = f"Warning: ended with exit code {done.returncode}; the files that it wrote were taken\n"
    return doubts + (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")


def _readable(folder: Path) -> bool:
    """Whether it wrote images, and each can be read to its end."""
    images = [*folder.glob("*.nii.gz")]
    try:
        return bool(images) and all(np.asanyarray(Nifti1Image.from_filename(path).dataobj).size for path in images)
    except Exception:  # noqa: BLE001 what is broken off fails in many ways
        return False


def warnings(said: str) -> list[str]:
    """The sentences of dcm2niix's output that matter, without quoted texts and paths."""
    lines = [line.strip() for line in said.splitlines() if _SPEAKS.search(line)]
    kept = [line for line in lines if not any(word in line for word in _ROUTINE)]
    for pattern in _PRIVATE:
        kept = [pattern.sub("…", line) for line in kept]
    return [f"dcm2niix: {line}" for line in dict.fromkeys(kept)]
