"""Destination `dicom`: a DICOM node, by C-STORE; what arrived is asked back by C-FIND and compared by UID."""

from collections.abc import Sequence

from pacsflow.errors import TargetError
from pacsflow.export.contract import Delivered, StudyFolder
from pacsflow.export.leftovers import refuse_leftovers
from pacsflow.export.storing import held, instance, send
from pacsflow.wording import counted
from schemas.export import Dicom


class NodeTarget:
    """Studies at a DICOM node. A path of a delivery is study/series/instance, by UID."""

    def __init__(self, settings: Dicom) -> None:
        self._settings = settings

    def deliver(self, study: StudyFolder) -> Delivered:
        """See `Target`. What the node has already is not sent again, where it can be asked.

        Raises TargetError where it cannot be delivered.
        """
        if not study.instances:
            return Delivered(())
        files = study.instances
        delivered = Delivered.of(files)
        absent = self.verify(delivered) if self._settings.query_back else list(files)
        send(self._settings, [instance(files[name]) for name in absent])
        if absent and (missing := self.verify(delivered)):
            raise TargetError(
                f"dicom: {len(missing)} of {counted(len(files), 'instance was', 'instances were')} sent, and "
                f"the node does not list them",
                fix="look at the node's log; `query_back: false` where it cannot be asked",
                transient=True,
            )
        return delivered

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """See `Target`. Compared by UID; nothing is missing where the node cannot be asked."""
        if not self._settings.query_back:
            return []
        names = [path.split("/") for path, *_ in delivered.files]
        there = held(self._settings, sorted({(study, series) for study, series, _ in names}))
        return ["/".join(name) for name in names if name[2] not in there]

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """See `Target`. Compared by UID."""
        absent = set(self.verify(Delivered(tuple((path, "", 0) for path in paths))))
        return [path for path in paths if path not in absent]

    def remove(self, paths: Sequence[str]) -> None:
        """Raises TargetError where some are still there: DICOM has no way to take an instance back."""
        if paths and self._settings.query_back:
            refuse_leftovers(self, paths)
