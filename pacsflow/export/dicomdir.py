"""Destination `dicomdir`: a DICOM file-set per study, ready for a medium."""

import os
from collections.abc import Sequence
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.contract import Target as Destination
from pacsflow.export.file_set import NAMES, write_file_set, write_names
from pacsflow.export.folder import own_words
from pacsflow.export.parcels import appearing, facts, missing, name_of, removed
from schemas.export import Dicomdir, Target


def open_target(settings: Target, workdir: Path) -> Destination:
    """The file-sets that `settings` describe."""
    if not isinstance(settings, Dicomdir):
        raise TargetError(f"no file-set: {settings.kind}")
    return FileSetTarget(Path(settings.path.replace("${project.workdir}", str(workdir))))


class FileSetTarget:
    """Studies as file-sets below one folder, each with a map of its names beside it."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`."""
        uids = {path: uid for series in study.series for uid, path in series.dicom}
        with own_words("file-set"):
            name = name_of(study, self._root)
            with appearing(self._root / name) as half:
                placed = write_file_set(uids, half)
                wrong = [
                    path for path, source in placed.items() if facts(half, path) != facts(source.parent, source.name)
                ]
                if wrong or len(placed) != len(uids):
                    raise TargetError("a file-set read back differs from what was written", transient=True)
            names = f"{name}.{NAMES}"
            with appearing(self._root / names) as half:
                write_names(((path, uids[source]) for path, source in placed.items()), half)
            return Delivered(tuple(sorted(self._files(name, names))))

    def _files(self, name: str, names: str) -> list[tuple[str, str, int]]:
        paths = [os.path.relpath(p, self._root) for p in (self._root / name).rglob("*") if p.is_file()]
        return [(path, *found) for path in (*paths, names) if (found := facts(self._root, path))]

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`."""
        with own_words("file-set"):
            return missing(self._root, delivered.files)

    def remove(self, paths: Sequence[str]) -> None:
        """See `Target`."""
        with own_words("file-set"):
            removed(self._root, paths)
