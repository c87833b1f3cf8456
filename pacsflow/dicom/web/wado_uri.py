"""WADO-URI: one instance per request (PS3.18 9.4); what a study holds is asked elsewhere."""

from pacsflow.dicom.contract import Lane, Outcome, Request, Sink
from pacsflow.dicom.one_by_one import alone, merge
from pacsflow.dicom.web.connection import Connection, HttpRequest
from pacsflow.dicom.web.instances import check_type, take
from pacsflow.dicom.web.lane import FetchingLane
from pacsflow.dicom.web.multipart import Part
from schemas.pacs import PacsNode

_DICOM = "application/dicom"


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the connection is opened by the first request."""
    return WadoUriLane(Connection(node, "wado-uri"))


class WadoUriLane(FetchingLane):
    """A lane that fetches instances only."""

    name = "WADO-URI"

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`; it names them, and their series."""
        study, series = request.study_uid, request.series_uids[0]
        return merge(alone(request.sop_uids, lambda uid: self._get((study, series, uid), sink)))

    def _get(self, uids: tuple[str, str, str], sink: Sink) -> Outcome:
        names = ("studyUID", "seriesUID", "objectUID")
        params = [("requestType", "WADO"), *zip(names, uids, strict=True), ("contentType", _DICOM)]
        with self._connection.answer(HttpRequest("a retrieval", params=params, accept=_DICOM)) as response:
            check_type(response)
            return take(iter([Part(_DICOM, self._connection.pieces(response))]), sink, self._connection.budget)


over = WadoUriLane
