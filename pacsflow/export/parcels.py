"""A study as one thing below a folder: its name, claimed, and its appearance under it in one moment."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import MARK, aside, facts_of, hashed, opened, own_words, temporary_name, unmarked
from pacsflow.export.names import component, plain, short_digest
from pacsflow.export.placing import claimed, claims_below
from pacsflow.scratch import apart
from pacsflow.staging import sync
from pacsflow.system import NOFOLLOW
from pacsflow.system import lock as lock_file
from schemas.export import Archive, BidsDataset, Dicomdir, Folder

HALVES = (MARK, "temporary")
"""Where below a destination things are made that appear there when they are whole."""
MADE = (MARK, "made")
"""Where below a destination stands what was made there under which name: nothing else is ever replaced."""


class Parcels:
    """What targets have in common that write below a folder what they alone write there: each file is theirs."""

    kind: ClassVar[str]

    def __init__(self, settings: Archive | BidsDataset | Dicomdir | Folder) -> None:
        self._root = Path(settings.path)

    @contextmanager
    def appearing(self, name: str) -> Iterator[Path]:
        """See `appearing`. What killed processes left half made goes first."""
        made = _Made(self._root, name)
        with (
            apart(self._root.joinpath(*HALVES)) as folder,
            appearing(self._root / name, folder / name, is_ours=made.holds) as half,
        ):
            yield half
            made.note(half)

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words(self.kind):
            return [path for path, *known in delivered.files if facts(self._root, path) != tuple(known)]

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`."""
        with own_words(self.kind):
            found = [path for path in paths if os.path.lexists(self._root / path)]
            if paths and not found and not (self._root / MARK).is_dir():
                raise unmarked(self.kind)
            return found

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. The folders that are left empty go too."""
        with own_words(self.kind):
            for path in paths:
                (self._root / path).unlink(missing_ok=True)
                with suppress(OSError):  # the first that is not empty ends it
                    for folder in Path(path).parents[:-1]:
                        (self._root / folder).rmdir()


class _Made:
    """What was made below `root` under `name`, by its digest, noted before it appears."""

    def __init__(self, root: Path, name: str) -> None:
        self._note = root.joinpath(*MADE, short_digest(name, 32))

    def note(self, half: Path) -> None:
        """Record on disk that `half` is ours."""
        self._note.parent.mkdir(parents=True, exist_ok=True)
        with self._note.open("a", encoding="ascii") as stream:
            stream.write(f"{_digest(half)}\n")
            stream.flush()
            os.fsync(stream.fileno())

    def holds(self, place: Path) -> bool:
        """Whether the file at `place` is the one that was made there."""
        return self._note.is_file() and _digest(place) in self._note.read_text("ascii", "replace").split()


def _digest(place: Path) -> str:
    """Digest of a file, or of all files in a folder with their names; '' for anything else."""
    if place.is_symlink() or not place.exists():
        return ""
    if place.is_file():
        return facts_of(place)[0]
    found = sorted((str(path.relative_to(place)), path) for path in place.rglob("*") if not path.is_dir())
    if any(path.is_symlink() or not path.is_file() for _, path in found):
        return ""
    return hashlib.sha256(repr([(name, facts_of(path)) for name, path in found]).encode()).hexdigest()


def name_of(study: StudyFolder, root: Path) -> str:
    """The study's own name below `root`: pseudonym and session; where another study has it, with a digest."""
    series = study.first
    name = component(f"{plain(series.patient) or 'unknown'}_{series.session or short_digest(series.study_uid, 8)}")
    root.mkdir(parents=True, exist_ok=True)
    return claimed((name,), series.study_uid, claims_below(root))[-1]


@contextmanager
def alone(root: Path, name: str) -> Iterator[None]:
    """A lock below `root` that ends with the process: for what belongs to all studies of a dataset."""
    with opened(root, (MARK,)) as folder:
        lock = os.open(name, os.O_CREAT | os.O_RDWR | NOFOLLOW, 0o600, dir_fd=folder)
        with os.fdopen(lock, "r+b") as stream:
            lock_file(stream)
            yield


@contextmanager
def appearing(
    place: Path, half: Path | None = None, *, is_ours: Callable[[Path], bool] = lambda _: False
) -> Iterator[Path]:
    """A temporary place, which takes the name `place` when all went well. It is `half`, else one beside `place`.

    What stood at `place` goes where it `is_ours`, or has the same content; anything else is kept under another name.
    """
    half = half or place.with_name(temporary_name())
    before = half.with_name(temporary_name())
    try:
        yield half
        _sync(half)
        if os.path.lexists(place) and not is_ours(place) and _digest(place) != _digest(half):
            place.rename(place.with_name(aside(place.name)))
        elif place.is_dir():
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
        return hashed(os.open(root / path, os.O_RDONLY | NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        return None
