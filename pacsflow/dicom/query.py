"""C-ECHO and C-FIND: all answers or an error (PS3.4 A.4, C.4.1)."""

import time
from collections.abc import Mapping

from pydicom import Dataset

from pacsflow.dicom import identifier
from pacsflow.dicom.association import associate
from pacsflow.dicom.channel import Ask, Channel, Response, conversation
from pacsflow.dicom.contexts import PATIENT_ROOT, STUDY_ROOT, VERIFICATION
from pacsflow.dicom.contract import Level
from pacsflow.dicom.status import NARROWER, SUCCESS, Category, categorise, status_error, told
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode


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
    with conversation(channel, Ask("C-ECHO", VERIFICATION, context_id)):
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
    with conversation(channel, Ask("C-FIND", sop_class, context_id, request)):
        answers, status = _listen(channel, node.timeouts.response)
    error = _refusal(status, len(answers))
    if error and not error.answers:
        raise error
    decoded = [identifier.decode(answer, character_set=node.character_set, syntax=syntax) for answer in answers]
    if error:
        error.partial = decoded
        raise error
    return decoded


def _refusal(status: int, answers: int) -> PacsError | None:
    """Why a C-FIND that ended with a status did not give all its answers; None where it did."""
    if categorise(status) is Category.SUCCESS:
        return None
    if categorise(status) is not Category.WARNING:
        return status_error("C-FIND", status, so_far=answers)
    return PacsPermanentError(
        f"the node cut its answers after {answers}: C-FIND ended with status {told(status)}",
        remedy=NARROWER,
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
        remedy="ask the PACS administrator to permit this AE title to query (C-FIND, Study Root)",
    )


def _listen(channel: Channel, patience: float) -> tuple[list[bytes | memoryview], int]:
    answers: list[bytes | memoryview] = []
    while True:
        response = channel.hear(patience)
        if not isinstance(response, Response):
            raise PacsTransientError("the node sent an instance in answer to a query")
        if categorise(response.status) is not Category.PENDING:
            return answers, response.status
        if not response.identifier:
            raise PacsTransientError("the node sent an answer without content")
        answers.append(response.identifier)
