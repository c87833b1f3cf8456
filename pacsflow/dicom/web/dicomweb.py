"""DICOMweb: queries by QIDO-RS, retrievals by WADO-RS, the answer's parts taken as they come (PS3.18 10.4, 10.6)."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level, Outcome, Request, Sink
from pacsflow.dicom.retrieve import alone, merge
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.web import qido
from pacsflow.dicom.web.connection import Ask, Connection
from pacsflow.dicom.web.instances import WARNING, take
from pacsflow.dicom.web.lane import WebLane
from pacsflow.dicom.web.multipart import Part, boundary, parts
from schemas.pacs import PacsNode

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
"""As they are stored: nothing is transcoded for us."""
_PARTIAL = 206


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the connection is opened by the first request."""
    return DicomwebLane(Connection(node, "dicomweb"))


def greet(node: PacsNode) -> None:
    """Whether the service answers a query. Raises PacsError, SecretError."""
    with closing(Connection(node, "dicomweb")) as connection:
        qido.one(connection)


class DicomwebLane(WebLane):
    """A lane over HTTP; the service sees one request at a time from it."""

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query, or an error."""
        return qido.find(self._connection, level, keys)

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`: one request per study, series or instance."""
        paths = tuple(_paths(request))
        if len(paths) == 1:
            return self._get(paths[0], sink)
        return merge(alone(paths, lambda path: self._get(path, sink)))

    def _get(self, path: str, sink: Sink) -> Outcome:
        with self._connection.answer(Ask("a retrieval", path, accept=_ACCEPT)) as response:
            mark, pieces = boundary(response.headers.get("Content-Type", "")), self._connection.pieces(response)
            # some services give one instance as a file, and not as a part
            found = parts(pieces, mark) if mark else iter([Part("application/dicom", pieces)])
            outcome = take(found, sink)
        partial = response.status_code == _PARTIAL and outcome.status == SUCCESS
        return replace(outcome, status=WARNING, failed=1) if partial else outcome


def _paths(request: Request) -> Iterator[str]:
    study = f"/studies/{request.study_uid}"
    if request.sop_uids:
        series = f"/series/{request.series_uids[0]}" if request.series_uids else ""
        yield from (f"{study}{series}/instances/{uid}" for uid in request.sop_uids)
    elif request.series_uids:
        yield from (f"{study}/series/{uid}" for uid in request.series_uids)
    else:
        yield study
