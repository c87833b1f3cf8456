"""Destination `folder`: files below a path, laid out by a template."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder
from pacsflow.export.contract import Target as Destination
from pacsflow.export.disk import first_owner, hashed, opened, put, sweep
from pacsflow.export.placing import CLAIMS, Parts, named_files, places
from schemas.export import Folder, Target
from schemas.layout import check_layout

_PASSING = {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ENETDOWN, errno.EHOSTDOWN}


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
        with own_words():
            self._root.mkdir(parents=True, exist_ok=True)
            laid_out = places(study, self._settings.layout, self._is_owner)
            files = [f for series, place in laid_out for f in self._put(series, place)]
        return Delivered(tuple(sorted(files)))

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words():
            return [path for path, digest, size in delivered.files if self._facts(path) != (digest, size)]

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`."""
        with own_words():
            for path in paths:
                *parts, name = path.split("/")
                with suppress(FileNotFoundError), opened(self._root, tuple(parts), make=False) as folder:
                    os.unlink(name, dir_fd=folder)

    def _is_owner(self, claim: str, owner: str) -> bool:
        """Whether `owner` is the first who claimed."""
        with opened(self._root, CLAIMS) as folder:
            return first_owner(folder, claim, owner.encode()) == owner.encode()

    def _put(self, series: SeriesFiles, place: Parts) -> Iterator[tuple[str, str, int]]:
        with opened(self._root, place) as folder:
            sweep(folder)
            for name, source in named_files(series, place[-1], self._settings):
                digest, size = put(folder, name, source)
                yield "/".join((*place, name)), digest, size
            os.fsync(folder)

    def _facts(self, path: str) -> tuple[str, int] | None:
        *parts, name = path.split("/")
        try:
            with opened(self._root, tuple(parts), make=False) as folder:
                return hashed(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder))
        except (FileNotFoundError, NotADirectoryError, TargetError):
            return None


@contextmanager
def own_words(kind: str = "folder") -> Iterator[None]:
    """Errors of the disk without their paths, which may name a patient."""
    try:
        yield
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else type(error).__name__
        raise TargetError(f"{kind}: {words}", transient=error.errno in _PASSING) from None
