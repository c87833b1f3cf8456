"""A private place for temporary files: what a library writes may name a patient, and may be left behind.

openpyxl, for one, puts every sheet of a workbook into a temporary file first.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from pacsflow.system import lock as lock_file
from pacsflow.system import try_lock

_SAYS = "a temporary place of pacsflow\n"
"""What marks a place, in its lock, as ours: no other is ever deleted."""
_places: list[str | None] = []
"""What TMPDIR was before, and the places in use since, the newest last."""


@contextmanager
def apart(folder: Path) -> Iterator[Path]:
    """A place below `folder` (0700) that goes at the end; what killed processes left of theirs goes now."""
    place, lock = _taken(folder)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.close()


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A place as `apart` gives, where temporary files go meanwhile: of this process and of those it starts."""
    with apart(folder) as place:
        yield from _used(place)


def _used(place: Path) -> Iterator[Path]:
    if not _places:
        _places.append(os.environ.get("TMPDIR"))
    _places.append(str(place))
    _point_to(str(place))
    try:
        yield place
    finally:
        _places.remove(str(place))
        _point_to(_places[-1])
        if len(_places) == 1:
            _places.clear()


def _point_to(place: str | None) -> None:
    if place is None:
        os.environ.pop("TMPDIR", None)
    else:
        os.environ["TMPDIR"] = place
    tempfile.tempdir = None  # it is computed again, from the environment


def _taken(folder: Path) -> tuple[Path, TextIO]:
    """A new place, and its lock, which is released when the process ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("w") as door:
        lock_file(door)
        for other in folder.glob("*/lock"):
            with suppress(FileNotFoundError, PermissionError), other.open("r+") as lock:
                if try_lock(lock) and lock.read(len(_SAYS) + 1) == _SAYS and not other.parent.is_symlink():
                    shutil.rmtree(other.parent, ignore_errors=True)
        place = Path(tempfile.mkdtemp(dir=folder, prefix=""))
        lock = (place / "lock").open("w")
        lock_file(lock)
        lock.write(_SAYS)
        lock.flush()
    return place, lock
