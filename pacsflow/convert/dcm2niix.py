"""Conversion by dcm2niix, the program of the PyPI package (Debian's is older and wrong on some data)."""

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dcm2niix

from pacsflow.convert.contract import STEM, STOPS, TIMEOUT, Geometry
from pacsflow.convert.frames import header_of
from pacsflow.convert.sidecar import TEXTS, cleaned
from pacsflow.errors import ConverterStoppedError, RefusalError

_NO_IMAGES = 2
_SPEAKS = re.compile(r"^(Warning|Error)\b|missing|DUPLICATES|not supported|unsupported", re.IGNORECASE)
_ROUTINE = ("Patient Position", "Empty protocol name", "Unable to determine manufacturer", "hint: export as classic")
_PRIVATE = (re.compile(r"'[^']*'|\"[^\"]*\""), re.compile(r"(?<!\w)/\S+"))


def convert(files: Sequence[Path], folder: Path, geometry: Geometry) -> list[str]:
    """See `Converter`. Refusals: no-image, converter-timeout, converter-error; ConverterStoppedError when killed."""
    del geometry  # dcm2niix has no checks to switch off
    source = folder.parent / "in"
    source.mkdir()
    for number, path in enumerate(files):
        (source / f"{number:06}.dcm").symlink_to(path.resolve())
    said = _run(source, folder)
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


def _run(source: Path, folder: Path) -> str:
    command = [dcm2niix.bin, "-g", "i", "-z", "y", "-b", "y", "-ba", "y", "-c", "", "-d", "0", "-f", STEM]
    try:
        done = subprocess.run(
            [*command, "-o", str(folder), str(source)],
            capture_output=True,
            check=False,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: a converter that it stops has refused nothing
            env={"HOME": str(source.parent), "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise RefusalError("converter-timeout", f"dcm2niix took more than {TIMEOUT:.0f} s") from None
    if done.returncode == _NO_IMAGES:
        raise RefusalError("no-image", "dcm2niix found no image it can convert")
    if -done.returncode in STOPS:
        raise ConverterStoppedError("dcm2niix was stopped", remedy="run again, with more memory if that was it")
    if done.returncode:
        raise RefusalError("converter-error", f"dcm2niix ended with exit code {done.returncode}")
    return (done.stdout + b"\n" + done.stderr).decode("utf-8", "replace")


def warnings(said: str) -> list[str]:
    """The sentences of dcm2niix's output that matter, without quoted texts and paths."""
    lines = [line.strip() for line in said.splitlines() if _SPEAKS.search(line)]
    kept = [line for line in lines if not any(word in line for word in _ROUTINE)]
    for pattern in _PRIVATE:
        kept = [pattern.sub("…", line) for line in kept]
    return [f"dcm2niix: {line}" for line in dict.fromkeys(kept)]
