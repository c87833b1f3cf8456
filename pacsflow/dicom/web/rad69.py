"""RAD-69, Retrieve Imaging Document Set: a list of instances by SOAP, answered as one multipart stream.

IHE RAD TF-2 4.69. The request is dicomtrolley's; the answer is read here, as it comes.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from dicomtrolley.parsing import DICOMParseTree
from dicomtrolley.xml_templates import RAD69_SOAP_REQUEST_TEMPLATE
from jinja2 import Environment

from pacsflow.dicom.contract import Lane, Outcome, Request, Sink
from pacsflow.dicom.dimse.contexts import TRANSFER_SYNTAXES
from pacsflow.dicom.one_by_one import merge
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.web.connection import Connection, HttpRequest
from pacsflow.dicom.web.instances import WARNING, take
from pacsflow.dicom.web.lane import FetchingLane
from pacsflow.dicom.web.multipart import Part, boundary, parts
from pacsflow.errors import PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

PER_REQUEST = 500
"""Instances asked for at once."""
_SOAP = "application/soap+xml"
_MOST_SOAP = 16 << 20
_ERROR = re.compile(rb"<(?:\w+:)?RegistryError[\s>/]")
_CODE = re.compile(rb'errorCode="(XDS[A-Za-z]{1,60})"')
_NOT_RIGHT = 0x0117
_MISSING = {"XDSMissingDocument", "XDSDocumentUniqueIdError"}


def open_lane(node: PacsNode) -> Lane:
    """A lane to `node`; the connection is opened by the first request."""
    return Rad69Lane(Connection(node, "rad69"))


class Rad69Lane(FetchingLane):
    """A lane that fetches instances only."""

    name = "RAD69"

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`; it names them, and their series."""
        uids = iter(request.sop_uids)
        chunks = iter(lambda: tuple(islice(uids, PER_REQUEST)), ())
        return merge(self._post(replace(request, sop_uids=chunk), sink) for chunk in chunks)

    def _post(self, request: Request, sink: Sink) -> Outcome:
        ask = HttpRequest(
            "a retrieval", accept="multipart/related, application/soap+xml", body=_body(request), content_type=_SOAP
        )
        with self._connection.answer(ask) as response:
            mark, pieces = boundary(response.headers.get("Content-Type", "")), self._connection.pieces(response)
            if mark is None:
                return _missing(b"".join(_limited(pieces)), len(request.sop_uids))
            found = parts(pieces, mark)
            soap = next(found, None)
            said = b"".join(_limited(soap.content)) if soap else b""
            outcome = take(_images(found), sink, self._connection.budget)
        if not outcome.completed and _CODE.search(said):
            return _missing(said, len(request.sop_uids))
        failed = max(outcome.failed, len(_ERROR.findall(said)))
        return replace(outcome, status=WARNING if failed else SUCCESS, failed=failed)


def _images(found: Iterator[Part]) -> Iterator[Part]:
    return (part for part in found if part.content_type == "application/dicom")


def _limited(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _MOST_SOAP:
            raise PacsPermanentError(f"the service's SOAP answer has more than {_MOST_SOAP >> 20} MB")
        yield piece


def _missing(soap: bytes, asked: int) -> Outcome:
    """What an answer without images says: none of these is there, or an error of the service."""
    codes = {code.decode() for code in _CODE.findall(soap)}
    if codes and codes <= _MISSING:
        return Outcome(WARNING, failed=asked)
    if codes:
        raise PacsPermanentError(
            f"the service refuses the retrieval: {', '.join(sorted(codes))}",
            fix="ask the PACS administrator what RAD69 needs",
            status=_NOT_RIGHT,
        )
    raise PacsTransientError(
        "the service's answer is neither images nor an error of RAD69",
        fix="check the address of `rad69` in pacs.yaml",
    )


def _body(request: Request) -> bytes:
    """The SOAP envelope that asks for the instances of one series."""
    tree = DICOMParseTree()
    for uid in request.sop_uids:
        tree.insert(
            data=[],
            study_uid=request.study_uid,
            series_uid=request.series_uids[0],
            instance_uid=uid,
        )
    template = Environment(autoescape=True).from_string(RAD69_SOAP_REQUEST_TEMPLATE)
    text = template.render(uuid=uuid.uuid4(), studies=tree.as_studies(), transfer_syntax_list=TRANSFER_SYNTAXES)
    return text.encode("utf-8")


over = Rad69Lane
