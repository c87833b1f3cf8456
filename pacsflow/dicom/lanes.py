"""The door of the room: a node's protocol decides which module opens the lane."""

from importlib import import_module

from pacsflow.dicom.contract import Lane
from pacsflow.errors import PacsPermanentError
from schemas.pacs import PacsNode

PROTOCOLS = {"dimse": "pacsflow.dicom.dimse"}


def open_lane(node: PacsNode, *, calling_aet: str = "") -> Lane:
    """A lane to `node`, with another calling AE title where one is given.

    Nothing is sent before the first request. Raises PacsPermanentError for a protocol that is not known here.
    """
    module = PROTOCOLS.get(node.protocol)
    if module is None or node.find not in (None, node.protocol):
        raise PacsPermanentError(
            f"protocol {node.protocol} (queries: {node.find or node.protocol}) is not known here",
            remedy=f"set `protocol` in pacs.yaml to one of: {', '.join(PROTOCOLS)}",
        )
    called_by = node.model_copy(update={"calling_aet": calling_aet}) if calling_aet else node
    lane: Lane = import_module(module).open_lane(called_by)
    return lane
