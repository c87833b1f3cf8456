"""Destination `folder`: files below a path, laid out by a template.

A name of the layout belongs to the first who claims it (`.pacsflow/claims` below the folder); another
series, or another patient, gets a digest behind its name. Series of one study that would share a name
all get one, so that their names do not hang on the order of delivery.
"""

import errno
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder
from pacsflow.export.contract import Target as Destination
from pacsflow.export.disk import first_owner, hashed, opened, put, sweep
from pacsflow.export.layout import folder_of
from pacsflow.export.names import alphanumeric, component, short_digest
from schemas.export import Folder, Target
from schemas.layout import check_layout

_CLAIMS = (".pacsflow", "claims")
_PATIENT = "\0patient"
_STEM = "image"
_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ENETDOWN, errno.EHOSTDOWN}
Parts = tuple[str, ...]


def open_target(settings: Target, workdir: Path) -> Destination:
    """The folder that `settings` name; made with its first delivery. Raises TargetError for a bad layout."""
    if not isinstance(settings, Folder):
        raise TargetError(f"not a folder: {settings.kind}")
    if problem := check_layout(settings.layout):
        raise TargetError(f"layout: {problem}", remedy="correct `layout` in export.yaml")
    return FolderTarget(Path(settings.path.replace("${project.workdir}", str(workdir))), settings)


class FolderTarget:
    """Studies below one folder. Any number of processes may deliver at once."""

    def __init__(self, root: Path, settings: Folder) -> None:
        self._root = root
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`."""
        with _own_words():
            self._root.mkdir(parents=True, exist_ok=True)
            files = [f for series, place in self._places(study) for f in self._put(series, place)]
        return Delivered(tuple(sorted(files)))

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with _own_words():
            return [path for path, digest, size in delivered.files if self._facts(path) != (digest, size)]

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`."""
        with _own_words():
            for path in paths:
                *parts, name = path.split("/")
                with suppress(FileNotFoundError), opened(self._root, tuple(parts), make=False) as folder:
                    os.unlink(name, dir_fd=folder)

    def _places(self, study: StudyFolder) -> list[tuple[SeriesFiles, Parts]]:
        """The folder of each series. Series of one study that would share a name all carry a digest."""
        wanted = []
        for series in sorted(study.series, key=lambda s: s.series_uid):
            patient = self._claim((_PATIENT, alphanumeric(series.patient) or "unknown"), series.patient)[-1]
            wanted.append((series, folder_of(self._settings.layout, series, patient=patient, rows=study.rows)))
        shared = Counter(_folded(place) for _, place in wanted)
        return [
            (series, self._claim(_marked(place, series) if shared[_folded(place)] > 1 else place, series.series_uid))
            for series, place in wanted
        ]

    def _claim(self, place: Parts, owner: str) -> Parts:
        """`place`, or where another owner has it, `place` with a digest of the owner."""
        for length in (0, 6, 16, 64):
            name = (*place[:-1], f"{place[-1]}_{short_digest(owner, length)}" if length else place[-1])
            if self._is_owner(short_digest("/".join(_folded(name)), 32), short_digest(owner, 32)):
                return name
        raise TargetError("a folder of the layout belongs to another series")

    def _is_owner(self, claim: str, owner: str) -> bool:
        """Whether `owner` is the first who claimed."""
        with opened(self._root, _CLAIMS) as folder:
            return first_owner(folder, claim, owner.encode()) == owner.encode()

    def _put(self, series: SeriesFiles, place: Parts) -> Iterator[tuple[str, str, int]]:
        with opened(self._root, place) as folder:
            sweep(folder)
            for name, source in self._named(series, place[-1]):
                digest, size = put(folder, name, source)
                yield "/".join((*place, name)), digest, size
            os.fsync(folder)

    def _named(self, series: SeriesFiles, leaf: str) -> Iterator[tuple[str, Path]]:
        if self._settings.dicom:
            yield from ((f"{component(uid)}.dcm", path) for uid, path in series.dicom)
        if self._settings.nifti:
            yield from ((leaf + path.name.removeprefix(_STEM), path) for path in series.converted)

    def _facts(self, path: str) -> tuple[str, int] | None:
        *parts, name = path.split("/")
        try:
            with opened(self._root, tuple(parts), make=False) as folder:
                return hashed(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder))
        except (FileNotFoundError, NotADirectoryError, TargetError):
            return None


def _marked(place: Parts, series: SeriesFiles) -> Parts:
    return (*place[:-1], f"{place[-1]}_{short_digest(series.series_uid)}")


def _folded(place: Parts) -> Parts:
    """As a file system sees it that takes upper and lower case for the same."""
    return tuple(part.casefold() for part in place)


@contextmanager
def _own_words() -> Iterator[None]:
    """Errors of the disk without their paths, which may name a patient."""
    try:
        yield
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else type(error).__name__
        raise TargetError(f"folder: {words}", transient=error.errno in _PASSING) from None
