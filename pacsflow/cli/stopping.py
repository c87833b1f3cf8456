"""Ctrl-C and SIGTERM: a run ends in order, and what it did stays done."""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from pacsflow.errors import StoppedError


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as Ctrl-C."""


SIGNALS = (signal.SIGTERM, signal.SIGINT)
ECHO_SECONDS = 0.5
"""Within that time a signal is the same one once more: programs that start others pass Ctrl-C on to them."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Both signals end what is within, by a StoppedError; a second one ends the process at once."""
    came: list[float] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(time.monotonic())
        if len(came) == 1:
            raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if came[-1] - came[0] > ECHO_SECONDS:
            os._exit(128 + number)

    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    except KeyboardInterrupt as stopped:
        by = signal.SIGTERM if isinstance(stopped, _Terminated) else signal.SIGINT
        raise StoppedError(by) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, stop if came else handler)


def leave(code: int, *, at_once: bool = False) -> NoReturn:
    """End the process; at once, where threads are left that wait for something that is no longer needed.

    `at_once`: whatever is left. Prefect's senders of events and logs would try for minutes to reach a server that is
    gone, each event some ten seconds, before the interpreter ends.
    """
    left = [one for one in threading.enumerate() if not one.daemon and one is not threading.main_thread()]
    if left or at_once:
        atexit._run_exitfuncs()  # noqa: SLF001 - the temporary server is ended there
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
