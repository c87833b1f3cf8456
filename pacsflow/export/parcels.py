"""A study as one thing below a folder: its name, claimed, and its appearance under it in one moment."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import StudyFolder
from pacsflow.export.disk import first_owner, hashed, opened, temporary_name
from pacsflow.export.names import alphanumeric, component, plain, short_digest
from pacsflow.export.placing import CLAIMS


def name_of(study: StudyFolder, root: Path) -> str:
    """The study's own name below `root`: pseudonym and session; where another study has it, with a digest."""
    series = min(study.series, key=lambda one: one.series_uid)
    session = alphanumeric(series.study_date) + alphanumeric(series.study_time.partition(".")[0])
    name = component(f"{plain(series.patient) or 'unknown'}_{session or short_digest(series.study_uid, 8)}")
    root.mkdir(parents=True, exist_ok=True)
    owner = short_digest(series.study_uid, 32).encode()
    with opened(root, CLAIMS) as folder:
        for length in (0, 6, 16, 64):
            own = f"{name}_{short_digest(series.study_uid, length)}" if length else name
            if first_owner(folder, short_digest(own.casefold(), 32), owner) == owner:
                return own
    raise TargetError("the study's name belongs to another study")


@contextmanager
def appearing(place: Path) -> Iterator[Path]:
    """A temporary place beside `place`, which takes its name when all went well, and that of what stood there."""
    half = place.with_name(temporary_name())
    try:
        yield half
        for folder, _, names in os.walk(half) if half.is_dir() else [(str(half.parent), [], [half.name])]:
            for name in names:
                _sync(Path(folder, name))
        if place.is_dir():
            gone = place.with_name(temporary_name())
            place.rename(gone)
            shutil.rmtree(gone)
        half.replace(place)
        _sync(place.parent)
    finally:
        if half.is_dir():
            shutil.rmtree(half)
        half.unlink(missing_ok=True)


def facts(root: Path, path: str) -> tuple[str, int] | None:
    """SHA-256 and size of a file below `root`; None where there is none."""
    try:
        return hashed(os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        return None


def missing(root: Path, files: Sequence[tuple[str, str, int]]) -> list[str]:
    """The paths of a delivery that are not there, or differ."""
    return [path for path, digest, size in files if facts(root, path) != (digest, size)]


def removed(root: Path, paths: Sequence[str]) -> None:
    """Take files away, and the folders below `root` that they leave empty."""
    for path in paths:
        (root / path).unlink(missing_ok=True)
        for folder in (root / path).parents:
            if folder == root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
