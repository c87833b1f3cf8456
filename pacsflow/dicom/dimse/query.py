"""C-ECHO and C-FIND: all answers or an error (PS3.4 A.4, C.4.1)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydicom import Dataset

from pacsflow.dicom.advice import NARROWER
from pacsflow.dicom.budget import Budget
from pacsflow.dicom.contract import Level
from pacsflow.dicom.dimse import identifier
from pacsflow.dicom.dimse.association import associate
from pacsflow.dicom.dimse.channel import Channel, PduExchange, Response, conversation
from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT, VERIFICATION
from pacsflow.dicom.status import SUCCESS, Category, categorise, status_error, told
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

_UNIQUE = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}


def echo(node: PacsNode) -> float:
    """Seconds between a C-ECHO and its response. Raises PacsTransientError, PacsPermanentError."""
    channel = associate(node, verify=True)
    try:
        return echo_on(channel, node)
    finally:
        channel.release()


def echo_on(channel: Channel, node: PacsNode) -> float:
    """Seconds a C-ECHO takes on an open association. Raises PacsTransientError, PacsPermanentError."""
    context_id, _ = channel.context(VERIFICATION) or (1, "")
    begin = time.perf_counter()
    with conversation(channel, PduExchange("C-ECHO", VERIFICATION, context_id, budget=Budget(node.timeouts))):
        response = channel.hear(node.timeouts.response)
        seconds = time.perf_counter() - begin
    if not isinstance(response, Response):
        raise PacsTransientError("the node sent an instance in answer to a C-ECHO")
    if response.status != SUCCESS:
        raise status_error("C-ECHO", response.status)
    return seconds


def find(channel: Channel, level: Level, keys: Mapping[str, str], *, node: PacsNode) -> list[Dataset]:
    """All answers to one C-FIND; the channel is aborted where the conversation is lost."""
    sop_class, (context_id, syntax) = find_model(channel, level)
    request = identifier.encode(keys, level=level, character_set=node.character_set, syntax=syntax)
    budget = Budget(node.timeouts)
    with conversation(channel, PduExchange("C-FIND", sop_class, context_id, request, budget=budget)):
        heard = _listen(channel, node.timeouts.response, budget)
    error = _refusal(heard)
    if error and not error.answers:
        raise error
    decoded = [identifier.decode(answer, character_set=node.character_set, syntax=syntax) for answer in heard.answers]
    if heard.last:
        last = identifier.decode(heard.last, character_set=node.character_set, syntax=syntax)
        decoded += [last] if str(last.get(_UNIQUE[level]) or "") else []
    if error:
        error.partial = decoded
        raise error
    return decoded


@dataclass
class _Heard:
    """What came of a C-FIND. `last`: an identifier in the final response; `hollow`: responses that brought none."""

    answers: list[bytes | memoryview] = field(default_factory=list)
    status: int = SUCCESS
    last: bytes | memoryview = b""
    hollow: int = 0


def _refusal(heard: _Heard) -> PacsError | None:
    """Why a C-FIND that ended with a status did not give all its answers; None where it did."""
    status, answers = heard.status, len(heard.answers)
    if heard.hollow and not answers:
        return PacsTransientError("the node sent an answer without content")
    if categorise(status) is Category.SUCCESS and not heard.hollow:
        return None
    if categorise(status) not in (Category.WARNING, Category.SUCCESS):
        return status_error("C-FIND", status, so_far=answers)
    why = "an answer without content" if heard.hollow else f"status {told(status)}"
    return PacsPermanentError(
        f"the node cut its answers after {answers}: C-FIND ended with {why}",
        fix=NARROWER,
        status=status,
        answers=answers,
    )


def find_model(channel: Channel, level: Level) -> tuple[str, tuple[int, str]]:
    """SOP class, context id and transfer syntax to ask `level` by: the Study Root where it is possible and accepted.

    Raises PacsPermanentError where the node accepts neither root.
    """
    models = (PATIENT_ROOT,) if level == "PATIENT" else (STUDY_ROOT, PATIENT_ROOT)
    for model in models:
        context = channel.context(model.find)
        if context is not None:
            return model.find, context
    raise PacsPermanentError(
        f"the node accepts no C-FIND at {level} level",
        fix="ask the PACS administrator to permit this AE title to query (C-FIND, Study Root)",
    )


def _listen(channel: Channel, patience: float, budget: Budget) -> _Heard:
    """All responses. Raises PacsPermanentError where they are more than are held: in halves they may not be."""
    heard = _Heard()
    while True:
        response = channel.hear(patience)
        if not isinstance(response, Response):
            raise PacsTransientError("the node sent an instance in answer to a query")
        if categorise(response.status) is not Category.PENDING:
            heard.status = response.status
            heard.last = response.identifier if response.status == SUCCESS else b""
            return heard
        budget.answer(response.identifier)
        if response.identifier:
            heard.answers.append(response.identifier)
        else:
            heard.hollow += 1
