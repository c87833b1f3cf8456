"""Destination `folder`: files below a path, laid out by a template."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, SeriesFiles, StudyFolder, Target
from pacsflow.export.disk import MARK, hashed, opened, own_words, put, sweep, unmarked
from pacsflow.export.placing import Parts, claims_below, named_files, places
from pacsflow.system import NOFOLLOW
from schemas.export import Folder
from schemas.training import TRAINING


def open_folder(settings: Folder) -> Target:
    """The destination of a folder: by a template, or a dataset to train on."""
    if settings.layout in TRAINING:
        from pacsflow.export.training import TrainingTarget

        return TrainingTarget(settings)
    return FolderTarget(settings)


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
            files = [f for series, place in laid_out for f in self._put(series, place, study.written)]
        return Delivered(tuple(sorted(files)))

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words("folder"):
            return [path for path, digest, size in delivered.files if self._facts(path) != (digest, size)]

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`."""
        with own_words("folder"):
            found = [path for path in paths if self._stands(path)]
            if paths and not found and not (self._root / MARK).is_dir():
                raise unmarked("folder")
            return found

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`. The folders that are left empty go too."""
        with own_words("folder"):
            for path in paths:
                *parts, name = path.split("/")
                with suppress(FileNotFoundError), opened(self._root, tuple(parts), make=False) as folder:
                    os.unlink(name, dir_fd=folder)
            for place in sorted({tuple(path.split("/")[:-1]) for path in paths}, reverse=True):
                self._clear(place)

    def _clear(self, place: Parts) -> None:
        """Remove a folder and those around it, as far as they are empty."""
        with suppress(OSError, TargetError):  # the first that is not empty ends it
            while place:
                with opened(self._root, place[:-1], make=False) as around:
                    os.rmdir(place[-1], dir_fd=around)
                place = place[:-1]

    def _stands(self, path: str) -> bool:
        *parts, name = path.split("/")
        try:
            with opened(self._root, tuple(parts), make=False) as folder:
                os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except TargetError:  # a link stands where a folder was: what is behind it is not touched, and may be there
            return True
        return True

    def _put(self, series: SeriesFiles, place: Parts, ours: frozenset[str]) -> Iterator[tuple[str, str, int]]:
        with opened(self._root, place) as folder:
            sweep(folder)
            for name, source in named_files(series, place[-1], self._settings):
                digest, size = put(folder, name, source, ours=ours)
                yield "/".join((*place, name)), digest, size
            os.fsync(folder)

    def _facts(self, path: str) -> tuple[str, int] | None:
        *parts, name = path.split("/")
        try:
            with opened(self._root, tuple(parts), make=False) as folder:
                return hashed(os.open(name, os.O_RDONLY | NOFOLLOW, dir_fd=folder))
        except (FileNotFoundError, NotADirectoryError, TargetError):
            return None
