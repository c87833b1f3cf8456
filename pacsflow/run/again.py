"""Trying again, where no workflow engine does it."""

import threading
from collections.abc import Callable
from typing import TypeVar

from pacsflow.errors import PacsError, PacsflowError, PausedError
from pacsflow.run.unexpected import fault_of
from schemas.pacs import Retries

R = TypeVar("R")


def tried_again(call: Callable[[], R], retries: Retries, name: str, *, stopped: threading.Event) -> R:
    """What `call` gives, tried again after transient errors as `retries` say: waits double from `first` to `max`.

    The policy is that of the tasks (`tasks._policy.with_retries`). Raises the last PacsflowError, without what it was
    caused by and without answers, as those tell of patients; PausedError where `stopped` was set meanwhile.
    """
    for attempt in range(retries.attempts):
        fault = _fault(call, name)
        if not isinstance(fault, PacsflowError):
            return fault
        if not fault.transient or attempt == retries.attempts - 1:
            raise fault
        if stopped.wait(min(retries.wait.first * 2**attempt, retries.wait.max)):
            break
    raise PausedError("stopped by hand")


def _fault(call: Callable[[], R], name: str) -> R | PacsflowError:
    """What `call` gives, or its error, that nothing hangs on."""
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 a library may raise anything, SystemExit too
        fault = fault_of(error, name)
    fault.__cause__ = fault.__context__ = None
    if isinstance(fault, PacsError):
        fault.partial = []
    return fault
