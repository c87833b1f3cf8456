"""Ctrl-C and SIGTERM: a run ends in order, and what it did stays done."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from pacsflow.errors import StoppedError


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as Ctrl-C."""


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise _Terminated


@contextmanager
def stoppable() -> Iterator[None]:
    """Both signals end what is within, by a StoppedError."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    except KeyboardInterrupt as stopped:
        by = signal.SIGTERM if isinstance(stopped, _Terminated) else signal.SIGINT
        raise StoppedError(by) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def leave(code: int) -> NoReturn:
    """End the process; at once, where threads are left that wait for what nobody wants any more."""
    left = [one for one in threading.enumerate() if not one.daemon and one is not threading.main_thread()]
    if left:
        atexit._run_exitfuncs()  # noqa: SLF001 - Prefect's temporary server is ended there
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
