"""C-GET and C-MOVE: one request, and a Request of several (PS3.4 C.4.2, C.4.3)."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TypeVar

from pacsflow.dicom.budget import Budget
from pacsflow.dicom.contract import Level, Outcome, Received, Request, Sink
from pacsflow.dicom.dimse import identifier
from pacsflow.dicom.dimse.broken import SilenceError
from pacsflow.dicom.dimse.channel import Channel, Incoming, PduExchange, Response, conversation
from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT
from pacsflow.dicom.dimse.storage import Waiting
from pacsflow.dicom.one_by_one import alone, merge
from pacsflow.dicom.status import SUCCESS, Category, categorise, status_error
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from schemas.pacs import PacsNode

UIDS_PER_REQUEST = 200
"""A list of UIDs must stay below 64 KB (PS3.5 7.1.2); 200 of them are 13 KB at most."""
_GLANCE = 0.5
_LATE = 10.0
_QUIET = 2.0
"""Seconds waited for images that the node counted and did not send: with an association open, and with none."""


T = TypeVar("T")
Once = Callable[[Level, Mapping[str, str]], Outcome]


def retrieve(request: Request, once: Once) -> Outcome:
    """Have everything in `request` sent, with as few requests as the node understands."""
    level, keys, keyword, uids = _parts(request)
    chunks = (uids[start : start + UIDS_PER_REQUEST] for start in range(0, len(uids), UIDS_PER_REQUEST))
    return merge(_together_or_alone(level, keys, keyword=keyword, uids=chunk, once=once) for chunk in chunks)


def _parts(request: Request) -> tuple[Level, dict[str, str], str, tuple[str, ...]]:
    keys = {"PatientID": request.patient_id} if request.patient_id else {}
    keys["StudyInstanceUID"] = request.study_uid
    if request.sop_uids:
        if len(request.series_uids) == 1:
            keys["SeriesInstanceUID"] = request.series_uids[0]
        return "IMAGE", keys, "SOPInstanceUID", request.sop_uids
    if request.series_uids:
        return "SERIES", keys, "SeriesInstanceUID", request.series_uids
    return "STUDY", keys, "StudyInstanceUID", (request.study_uid,)


def _together_or_alone(
    level: Level, keys: Mapping[str, str], *, keyword: str, uids: tuple[str, ...], once: Once
) -> Outcome:
    """One request with a list of UIDs; one by one where the node refuses lists, or does nothing with them."""
    if len(uids) == 1:
        return once(level, {**keys, keyword: uids[0]})
    try:
        outcome = once(level, {**keys, keyword: "\\".join(uids)})
    except PacsError as error:
        if error.status is None:
            raise
    else:
        if outcome.completed or outcome.failed or outcome.warning:
            return outcome
    return merge(alone(uids, lambda uid: once(level, {**keys, keyword: uid})))


def get(channel: Channel, sink: Sink, *, node: PacsNode) -> Once:
    """C-GET on `channel`. A status of failure from `sink` goes to the node, and the others still come."""
    sop_class, context = _model(channel, [STUDY_ROOT.get, PATIENT_ROOT.get], "C-GET")

    def once(level: Level, keys: Mapping[str, str]) -> Outcome:
        request = _identifier(_unique(keys, sop_class), level, node=node, syntax=context[1])
        budget = Budget(node.timeouts)
        ask = PduExchange("C-GET", sop_class, context[0], request, budget=budget)
        with conversation(channel, ask):
            last = Response(SUCCESS)
            while True:
                message = channel.hear(node.timeouts.response)
                if isinstance(message, Incoming):
                    channel.answer(message, _taken(message.received, sink, budget))
                    del message  # or two instances were in memory at once
                    continue
                last = _counted(message, last)
                if categorise(message.status) is not Category.PENDING:
                    break
                budget.check()
        return _outcome("C-GET", last)

    return once


def move(channel: Channel, destination: str, *, node: PacsNode, waiting: Waiting | None) -> Once:
    """C-MOVE to `destination`: ours where `waiting` is given, another's where not."""
    sop_class, context = _model(channel, [STUDY_ROOT.move, PATIENT_ROOT.move], "C-MOVE")

    def once(level: Level, keys: Mapping[str, str]) -> Outcome:
        request = _identifier(_unique(keys, sop_class), level, node=node, syntax=context[1])
        budget = Budget(node.timeouts)
        ask = PduExchange("C-MOVE", sop_class, context[0], request, destination, budget)
        before = waiting.received if waiting else 0
        if waiting:
            waiting.message_id, waiting.budget = ask.message_id, budget
            waiting.last = time.monotonic()
        with conversation(channel, ask):
            last = _attend(channel, waiting, node.timeouts.response, budget)
        if waiting:
            _stragglers(waiting, before + last.completed + last.warning, patience=min(_LATE, node.timeouts.response))
        return _outcome("C-MOVE", last)

    return once


def _taken(received: Received, sink: Sink, budget: Budget) -> int:
    """What the sink says to an instance; only the first of its name is progress, and our own time is not the node's."""
    budget.instance(received.sop_instance_uid)
    with budget.ours() if received.rest is None else nullcontext():
        return sink(received)


def _attend(channel: Channel, waiting: Waiting | None, patience: float, budget: Budget) -> Response:
    """The final response; nothing said and nothing received for `patience` seconds is silence.

    Of a C-MOVE to another AE nobody sees the instances: there what its responses count is progress.
    """
    last, heard = Response(SUCCESS), time.monotonic()
    while True:
        if waiting and waiting.error:
            raise waiting.error
        budget.check()
        try:
            message = channel.hear(min(_GLANCE, patience))
        except SilenceError:
            since = max(heard, waiting.last, waiting.touched()) if waiting else heard
            if time.monotonic() - since > patience:
                raise SilenceError(f"the node said nothing for {patience:g} s") from None
            continue
        if isinstance(message, Incoming):
            raise PacsTransientError("the node sent an instance on the association of a C-MOVE")
        last, heard = _counted(message, last), time.monotonic()
        if waiting is None:
            budget.instance(f"{last.completed} {last.failed} {last.warning}")
        if categorise(message.status) is not Category.PENDING:
            return last


def _stragglers(waiting: Waiting, expected: int, *, patience: float) -> None:
    """Give instances that come after the final response the time to arrive, less where no association is open."""
    said = time.monotonic()
    while waiting.received < expected:
        now = time.monotonic()
        quiet = now - max(said, waiting.last) > _QUIET and not waiting.connected()
        if quiet or now - said > patience:
            break
        time.sleep(0.01)
    if waiting.error:
        raise waiting.error


def _model(channel: Channel, sop_classes: list[str], operation: str) -> tuple[str, tuple[int, str]]:
    for sop_class in sop_classes:
        context = channel.context(sop_class)
        if context is not None:
            return sop_class, context
    raise PacsPermanentError(
        f"the node accepts no {operation}",
        fix=f"ask the PACS administrator to permit this AE title to retrieve by {operation}, "
        "or set another `fetch.method`",
    )


def _unique(keys: Mapping[str, str], sop_class: str) -> dict[str, str]:
    """The keys that are unique keys of the model: the patient only in the Patient Root (PS3.4 C.4.3.1.3)."""
    patient = sop_class in (PATIENT_ROOT.get, PATIENT_ROOT.move)
    return {keyword: value for keyword, value in keys.items() if patient or keyword != "PatientID"}


def _identifier(keys: Mapping[str, str], level: Level, *, node: PacsNode, syntax: str) -> bytes:
    return identifier.encode(keys, level=level, character_set=node.character_set, syntax=syntax)


def _counted(response: Response, before: Response) -> Response:
    """`response`, with the numbers of the one before where it brings none."""
    if response.completed or response.failed or response.warning:
        return response
    return replace(response, completed=before.completed, failed=before.failed, warning=before.warning)


def _outcome(operation: str, last: Response) -> Outcome:
    """What the final response says; a failure with nothing done at all is an error, also a lasting one of all."""
    sent, category = last.completed + last.warning, categorise(last.status)
    told = bool(sent + last.failed) and category is not Category.CANCELLED
    if category in (Category.SUCCESS, Category.WARNING) or (told and (sent or category is not Category.PERMANENT)):
        return Outcome(last.status, last.completed, last.failed, last.warning)
    raise status_error(operation, last.status)
