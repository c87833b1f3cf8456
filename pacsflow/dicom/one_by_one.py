"""Requests one after the other, and their outcomes as one: the same for every protocol."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.status import SUCCESS
from pacsflow.errors import UNABLE, PacsError

T = TypeVar("T")

_UNABLE_IN_A_ROW = 2
"""Requests that a node may be unable to process one after the other, before it is left alone for now."""


def alone(wanted: Iterable[T], once: Callable[[T], Outcome]) -> Iterator[Outcome]:
    """One request for each; what the node will never give, or is unable to, does not keep back the others."""
    refused: PacsError | None = None
    given, unable = False, 0
    for one in wanted:
        try:
            yield once(one)
            given, unable = True, 0
        except PacsError as error:
            unable += error.transient
            if error.status is None or (error.transient and (error.status not in UNABLE or unable > _UNABLE_IN_A_ROW)):
                raise
            refused = error
            yield Outcome(error.status, failed=1)
    if refused is not None and not given:
        raise refused


def merge(outcomes: Iterable[Outcome]) -> Outcome:
    """Several outcomes as one: numbers added, the status that of the last that was not a success."""
    total = Outcome(SUCCESS, requests=0)
    for one in outcomes:
        total = Outcome(
            one.status if one.status != SUCCESS else total.status,
            total.completed + one.completed,
            total.failed + one.failed,
            total.warning + one.warning,
            total.requests + one.requests,
            total.unreached or one.unreached,
        )
    return total
