"""What a run says: lines of its log in Prefect; what matters at once in the terminal too. Never an identifier."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console

Say = Callable[[str], None]
_hearers: list[Say] = []
_readers: list[Say] = []


@contextmanager
def heard_by(hearer: Say, reader: Say | None = None) -> Iterator[None]:
    """Within it `hearer`, such as the terminal, hears what is said aloud; `reader` the other lines of the log."""
    _hearers.append(hearer)
    readers = [reader] if reader else []
    _readers.extend(readers)
    try:
        yield
    finally:
        _hearers.remove(hearer)
        for each in readers:
            _readers.remove(each)


def speaker() -> Say:
    """A way to speak aloud, in the name of the present flow run, from any thread."""
    logger = _logger()

    def aloud(text: str) -> None:
        logger.warning(text)
        for hearer in _hearers:
            hearer(text)

    return aloud


def note(text: str, *, level: int = logging.INFO) -> None:
    """A line in the log of the present run, and for those who read along."""
    _logger().log(level, text)
    for reader in _readers:
        reader(text)


def _logger() -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("pacsflow.run")


def outlive_readers() -> None:
    """Have a run go on where what it prints has no reader any more, as its worker was killed.

    Where a pipe is broken rich ends the program, by SystemExit from the middle of whatever logs a line.
    """
    for logger in [logging.root, *logging.Logger.manager.loggerDict.values()]:
        for handler in logger.handlers if isinstance(logger, logging.Logger) else ():
            if isinstance(handler, PrefectConsoleHandler):
                handler.console.on_broken_pipe = partial(_silence, handler.console)  # type: ignore[method-assign]


def _silence(console: Console) -> None:
    console.quiet = True
    with Path(os.devnull).open("w") as nowhere, suppress(OSError):
        os.dup2(nowhere.fileno(), console.file.fileno())
