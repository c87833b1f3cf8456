"""Faults of pacsflow itself, in words that may be stored."""

import traceback
from asyncio import CancelledError
from pathlib import Path

from pacsflow.errors import PacsflowError

_STOPS: list[type[BaseException]] = [KeyboardInterrupt, GeneratorExit, CancelledError]
"""What ends a run, and is not a fault of a study."""


def let_stop(*kinds: type[BaseException]) -> None:
    """Have further exceptions stop a run, and be the fault of no study: those of the program that runs it."""
    _STOPS.extend(kind for kind in kinds if kind not in _STOPS)


def stops(error: BaseException) -> bool:
    """Whether an exception ends the run, as Ctrl-C does, and is not a fault of one row or study."""
    return isinstance(error, tuple(_STOPS))


class UnexpectedError(PacsflowError):
    """A fault in pacsflow itself. Its message names type and place only: it may be about a patient."""

    exit_code = 70


def fault_of(error: BaseException, where: str) -> PacsflowError:
    """The error as one of ours. What stops a run (Ctrl-C, SIGTERM, Prefect's own) is raised again."""
    if stops(error):
        raise error
    return error if isinstance(error, PacsflowError) else unexpected(error, where)


def unexpected(error: BaseException, where: str) -> UnexpectedError:
    """What may be said of an unexpected exception."""
    frames = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" ({Path(frame.filename).name}:{frame.lineno})" for frame in frames)
    told = f"unexpected {type(error).__name__} in {where}{place}"
    return UnexpectedError(told, fix="this is a fault of pacsflow: report it with this line")
