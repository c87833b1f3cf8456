"""Instances out of web answers into a sink, counted: what a retrieval gave, and what it said it could not give."""

from collections.abc import Iterator
from dataclasses import replace

import httpx

from pacsflow.dicom.budget import Budget
from pacsflow.dicom.contract import Outcome, Received, Sink
from pacsflow.dicom.status import SUCCESS
from pacsflow.dicom.web.multipart import Part
from pacsflow.dicom.web.part10 import NoFileError, received
from pacsflow.dicom.web.refusal import named_type
from pacsflow.errors import BrokenError, PacsTransientError

WARNING = 0xB000
"""Sub-operations complete, one or more failures (PS3.4 C.4.2.1.5)."""


def check_type(response: httpx.Response) -> None:
    """Raise PacsTransientError where what came instead of images says that it is a text, as a log-in page."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind.endswith(("json", "xml")):
        raise PacsTransientError(
            f"the service's answer to a retrieval is not images{named_type(response.headers)}",
            fix="check `auth` and `url` in pacs.yaml: some services answer a log-in page with success",
        )


def take(parts: Iterator[Part], sink: Sink, budget: Budget) -> Outcome:
    """Each part that is a DICOM file goes into `sink`; what is none counts as failed, and is no progress.

    Raises BrokenError where the answer ends too early, and where the sink takes no more.
    """
    completed = failed = 0
    for part in parts:
        try:
            status = _taken(received(part.content, budget.coming), sink, budget)
        except NoFileError:
            failed += 1
            continue
        if status != SUCCESS:
            raise BrokenError("our side takes no more images")  # without a status: that is the node's word
        completed += 1
    return Outcome(WARNING if failed else SUCCESS, completed, failed)


def _taken(received: Received, sink: Sink, budget: Budget) -> int:
    """What the sink says to an instance. What it leaves unread is no progress."""
    budget.instance(received.sop_instance_uid)
    if received.rest is None:
        with budget.ours():
            status = sink(received)
    else:
        status = sink(replace(received, rest=_read_by_us(received.rest, budget)))
    budget.whole()
    return status


def _read_by_us(rest: Iterator[memoryview], budget: Budget) -> Iterator[memoryview]:
    for piece in rest:
        with budget.ours():
            yield piece
