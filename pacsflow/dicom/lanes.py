"""The door of the room: a node's protocols decide which modules open the lane."""

from collections.abc import Mapping
from importlib import import_module

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level, Outcome, Request, Sink
from pacsflow.dicom.itemized import by_instance
from pacsflow.errors import PacsPermanentError
from schemas.pacs import FETCHING, FINDING, PacsNode, Protocol

PROTOCOLS: dict[str, str] = {
    "dimse": "pacsflow.dicom.dimse",
    "dicomweb": "pacsflow.dicom.web.dicomweb",
    "wado-uri": "pacsflow.dicom.web.wado_uri",
    "mint": "pacsflow.dicom.web.mint",
    "rad69": "pacsflow.dicom.web.rad69",
}


def open_lane(node: PacsNode, *, calling_aet: str = "") -> Lane:
    """A lane to `node`, with another calling AE title where one is given.

    Nothing is sent before the first request. Raises PacsPermanentError where a protocol cannot do what is asked.
    """
    called_by = node.model_copy(update={"calling_aet": calling_aet}) if calling_aet else node
    if node.finds_by not in FINDING or node.fetches_by not in FETCHING:
        raise PacsPermanentError(
            f"node {node.name} cannot be queried by {node.finds_by} and fetched from by {node.fetches_by}",
            remedy=f"set `find` in pacs.yaml to one of {', '.join(FINDING)}, and `fetch.method`",
        )
    finding = _opened(called_by, node.finds_by)
    if node.finds_by == node.fetches_by:
        return finding
    return Apart(finding, _opened(called_by, node.fetches_by), one_by_one=node.fetches_listed)


def _opened(node: PacsNode, protocol: Protocol) -> Lane:
    lane: Lane = import_module(PROTOCOLS[protocol]).open_lane(node)
    return lane


class Apart:
    """A lane that asks in one protocol and fetches in another."""

    def __init__(self, finding: Lane, fetching: Lane, *, one_by_one: bool) -> None:
        self._finding, self._fetching, self._one_by_one = finding, fetching, one_by_one

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query, or an error."""
        return self._finding.find(level, keys)

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`, listed first where only single ones can be asked for."""
        if not self._one_by_one:
            return self._fetching.fetch(request, sink)
        return by_instance(request, self.find, lambda listed: self._fetching.fetch(listed, sink))

    def close(self) -> None:
        """Release both."""
        self._finding.close()
        self._fetching.close()
