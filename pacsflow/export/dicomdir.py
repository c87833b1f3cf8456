"""Destination `dicomdir`: a DICOM file-set per study, ready for a medium."""

import os

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.disk import own_words
from pacsflow.export.file_set import NAMES, write_file_set, write_names
from pacsflow.export.parcels import Parcels, facts, name_of


class FileSetTarget(Parcels):
    """Studies as file-sets below one folder, each with a map of its names beside it."""

    kind = "file-set"

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. Raises TargetError where it cannot be delivered."""
        uids = {path: uid for series in study.series for uid, path in series.dicom}
        if not uids:
            return Delivered(())
        with own_words(self.kind):
            name = name_of(study, self._root)
            with self.appearing(name) as half:
                placed = write_file_set(uids, half)
                if alike := len(uids) - len(placed):
                    raise TargetError(
                        f"file-set: images with the SOP Instance UID of another: {alike}",
                        fix="leave one of their series out: a file-set holds only one of them",
                    )
            names = f"{name}.{NAMES}"
            with self.appearing(names) as half:
                write_names(((path, uids[source]) for path, source in placed.items()), half)
            return Delivered(tuple(sorted(self._files(name, names))))

    def _files(self, name: str, names: str) -> list[tuple[str, str, int]]:
        paths = [os.path.relpath(p, self._root) for p in (self._root / name).rglob("*") if p.is_file()]
        return [(path, *found) for path in (*paths, names) if (found := facts(self._root, path))]
