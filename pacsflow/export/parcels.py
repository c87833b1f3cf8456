"""A study as one thing below a folder: its name, claimed, and its appearance under it in one moment."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import hashed, own_words, temporary_name
from pacsflow.export.names import component, plain, short_digest
from pacsflow.export.placing import claimed, claims_below
from pacsflow.scratch import apart
from pacsflow.staging import sync
from schemas.export import Archive, BidsDataset, Dicomdir

HALVES = (".pacsflow", "temporary")
"""Where below a destination things are made that appear there when they are whole."""


class Parcels:
    """What targets have in common that write below a folder what they alone write there: each file is theirs."""

    kind: ClassVar[str]

    def __init__(self, settings: Archive | BidsDataset | Dicomdir) -> None:
        self._root = Path(settings.path)

    @contextmanager
    def appearing(self, name: str) -> Iterator[Path]:
        """See `appearing`. What killed processes left half made goes first."""
        with apart(self._root.joinpath(*HALVES)) as folder, appearing(self._root / name, folder / name) as half:
            yield half

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words(self.kind):
            return [path for path, *known in delivered.files if facts(self._root, path) != tuple(known)]

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. The folders that are left empty go too."""
        with own_words(self.kind):
            for path in paths:
                (self._root / path).unlink(missing_ok=True)
                with suppress(OSError):  # the first that is not empty ends it
                    for folder in Path(path).parents[:-1]:
                        (self._root / folder).rmdir()


def name_of(study: StudyFolder, root: Path) -> str:
    """The study's own name below `root`: pseudonym and session; where another study has it, with a digest."""
    series = study.first
    name = component(f"{plain(series.patient) or 'unknown'}_{series.session or short_digest(series.study_uid, 8)}")
    root.mkdir(parents=True, exist_ok=True)
    return claimed((name,), series.study_uid, claims_below(root))[-1]


@contextmanager
def appearing(place: Path, half: Path | None = None) -> Iterator[Path]:
    """A temporary place, which takes the name `place` when all went well, and that of what stood there.

    It is `half`, else one beside `place`.
    """
    half = half or place.with_name(temporary_name())
    before = half.with_name(temporary_name())
    try:
        yield half
        _sync(half)
        if place.is_dir():
            place.rename(before)
        half.replace(place)
        sync(place.parent)
    finally:
        for left in (before, half):
            if left.is_dir():
                shutil.rmtree(left)
            left.unlink(missing_ok=True)


def _sync(place: Path) -> None:
    """Have a file, or a folder with all that is in it, on disk."""
    for folder, _, names in os.walk(place):
        for name in (*names, "."):
            sync(Path(folder, name))
    if place.is_file():
        sync(place)


def facts(root: Path, path: str) -> tuple[str, int] | None:
    """SHA-256 and size of a file below `root`; None where there is none."""
    try:
        return hashed(os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        return None
