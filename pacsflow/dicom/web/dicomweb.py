"""DICOMweb: queries by QIDO-RS, retrievals by WADO-RS, the answer's parts taken as they come (PS3.18 10.4, 10.6)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import cast

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level, Outcome, Request, Sink
from pacsflow.dicom.one_by_one import alone, merge
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.web import qido
from pacsflow.dicom.web.connection import Connection, HttpRequest
from pacsflow.dicom.web.instances import WARNING, check_type, take
from pacsflow.dicom.web.lane import WebLane
from pacsflow.dicom.web.multipart import Part, boundary, parts
from pacsflow.errors import PacsError, PacsPermanentError
from schemas.pacs import PacsNode

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
"""As they are stored: nothing is transcoded for us."""
_ANY_FORM = 'multipart/related; type="application/dicom"'
"""As the service likes, which is Explicit VR Little Endian where it says nothing else (PS3.18 8.7.3.5.2)."""
TRANSCODING: set[str] = set()
"""Addresses of services that answered 406 to `transfer-syntax=*`, and gave images without it."""
_PARTIAL = 206
_NOT_ACCEPTABLE = 406
_NOT_AS_A_WHOLE = frozenset({404, 406, 413, 501})
"""Refusals of a study or series that say nothing of what is below it."""
_NO_LIST = frozenset({400, 404, 405, 406, 501})
"""Refusals of a query for instances by services that may give the headers of a series."""
LOG = logging.getLogger(__name__)


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
        """All answers to a query, or an error.

        Where a service answers no query for the instances of a series, its headers are the list, if it gives them.
        """
        try:
            found, refusal = qido.find(self._connection, level, keys), None
        except PacsPermanentError as error:
            found, refusal = [], error
        if not found and qido.of_one_series(level, keys) and (refusal is None or refusal.http in _NO_LIST):
            with suppress(PacsPermanentError):
                return qido.metadata(self._connection, keys)
        if refusal is not None:
            raise refusal
        return found

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`: one request per study, series or instance.

        A study or series that the service does not give as a whole is asked for by its series or instances.
        """
        paths = tuple(_paths(request))
        if len(paths) == 1:
            return self._get_or_below(paths[0], sink)
        return merge(alone(paths, lambda path: self._get_or_below(path, sink)))

    def _get_or_below(self, path: str, sink: Sink) -> Outcome:
        try:
            return self._get_in_any_form(path, sink)
        except PacsPermanentError as refusal:
            if refusal.http not in _NOT_AS_A_WHOLE or "/instances/" in path:
                raise
            below = self._below(path)
            if not below:
                raise
        return merge(alone(below, lambda one: self._get_or_below(one, sink)))

    def _below(self, path: str) -> list[str]:
        """Paths of the series of a study, or of the instances of a series; none where the service lists none."""
        _, _, study, *rest = path.split("/")
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": rest[1] if rest else ""}
        level, name = ("IMAGE", "SOPInstanceUID") if rest else ("SERIES", "SeriesInstanceUID")
        try:
            found = qido.find(self._connection, cast("Level", level), {**keys, name: ""})
        except PacsError:
            return []
        kind = "instances" if rest else "series"
        return [f"{path}/{kind}/{uid}" for uid in sorted({str(one.get(name) or "") for one in found} - {""})]

    def _get_in_any_form(self, path: str, sink: Sink) -> Outcome:
        """As it is stored; where the service does not know how to ask for that, as it gives it, from then on."""
        address = self._connection.address
        if address in TRANSCODING:
            return self._get(path, sink, _ANY_FORM)
        try:
            return self._get(path, sink, _ACCEPT)
        except PacsPermanentError as refusal:
            if refusal.http != _NOT_ACCEPTABLE:
                raise
            try:
                outcome = self._get(path, sink, _ANY_FORM)
            except PacsPermanentError:
                raise refusal from None
        TRANSCODING.add(address)
        LOG.warning("a service does not give images as they are stored (HTTP 406): they come as it transcodes them")
        return outcome

    def _get(self, path: str, sink: Sink, accept: str) -> Outcome:
        with self._connection.answer(HttpRequest("a retrieval", path, accept=accept)) as response:
            mark, pieces = boundary(response.headers.get("Content-Type", "")), self._connection.pieces(response)
            if mark is None:
                check_type(response)
            # some services give one instance as a file, and not as a part
            found = parts(pieces, mark) if mark else iter([Part("application/dicom", pieces)])
            outcome = take(found, sink, self._connection.budget)
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


over, one = DicomwebLane, qido.one
