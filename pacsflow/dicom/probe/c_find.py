"""Queries of a visit by C-FIND (PS3.4 C.4.1), broken off where enough was heard."""

from collections.abc import Mapping
from io import BytesIO

from pydicom.filereader import read_dataset
from pydicom.uid import UID

from pacsflow.dicom.budget import Budget
from pacsflow.dicom.contract import Level
from pacsflow.dicom.dimse import identifier
from pacsflow.dicom.dimse.channel import Channel, PduExchange, Response, conversation
from pacsflow.dicom.dimse.query import find_model
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.status import SUCCESS, Category, categorise, told
from pacsflow.errors import PacsTransientError

_CHARACTER_SET = 0x00080005


class _EnoughError(Exception):
    """Enough answers have come."""


def ask(visit: Visit, level: Level, keys: Mapping[str, str], *, most: int) -> Answers:
    """The first `most` answers and one more, whatever the final status; then the association is aborted."""
    channel, asked_in = visit.channel(), visit.node.character_set
    sop_class, (context_id, syntax) = find_model(channel, level)
    request = identifier.encode(keys, level=level, character_set=asked_in, syntax=syntax)
    visit.requests["queries"] += 1
    heard: list[bytes | memoryview] = []
    status = SUCCESS
    try:
        budget = Budget(visit.node.timeouts)
        with conversation(channel, PduExchange("C-FIND", sop_class, context_id, request, budget=budget)):
            status = _listen(channel, heard, budget, most=most, patience=visit.node.timeouts.response)
    except _EnoughError:
        visit.lost()
    visit.character_sets.update(_character_set(answer, syntax) for answer in heard)
    found = tuple(identifier.decode(answer, character_set=asked_in, syntax=syntax) for answer in heard)
    refusal = "" if categorise(status) is Category.SUCCESS else told(status)
    return Answers(found, whole=len(heard) <= most, refusal=refusal, status=status if refusal else None)


def _listen(channel: Channel, heard: list[bytes | memoryview], budget: Budget, *, most: int, patience: float) -> int:
    while True:
        response = channel.hear(patience)
        if not isinstance(response, Response):
            raise PacsTransientError("the node sent an instance in answer to a query")
        if categorise(response.status) is not Category.PENDING:
            return response.status
        budget.answer(response.identifier)
        heard.append(bytes(response.identifier))
        if len(heard) > most:
            raise _EnoughError


def _character_set(answer: bytes | memoryview, syntax: str) -> str:
    """The character set an answer names; '' where it names none."""
    uid = UID(syntax)
    try:
        named = read_dataset(BytesIO(answer), uid.is_implicit_VR, uid.is_little_endian, specific_tags=[_CHARACTER_SET])
        value = named.get("SpecificCharacterSet") or ""
    except Exception:  # noqa: BLE001 - reported where the whole answer is decoded
        return ""
    return value if isinstance(value, str) else "\\".join(value)
