"""Destination `folder`: files below a path, laid out by a template."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder
from pacsflow.export.disk import hashed, opened, own_words, put, sweep
from pacsflow.export.placing import Parts, claims_below, named_files, places
from schemas.export import Folder


class FolderTarget:
    """Studies below one folder. Any number of processes may deliver at once."""

    def __init__(self, settings: Folder) -> None:
        self._root = Path(settings.path)
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`."""
        with own_words("folder"):
            self._root.mkdir(parents=True, exist_ok=True)
            laid_out = places(study, self._settings.layout, claims_below(self._root))
            files = [f for series, place in laid_out for f in self._put(series, place)]
        return Delivered(tuple(sorted(files)))

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words("folder"):
            return [path for path, digest, size in delivered.files if self._facts(path) != (digest, size)]

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`."""
        with own_words("folder"):
            for path in paths:
                *parts, name = path.split("/")
                with suppress(FileNotFoundError), opened(self._root, tuple(parts), make=False) as folder:
                    os.unlink(name, dir_fd=folder)

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
