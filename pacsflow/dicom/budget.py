"""What one request to a node may cost: nothing in it goes on for ever, and no slow link is cut.

Silence is the business of who reads. This bounds what goes on: one `Budget` per conversation, which everything that
is read of it spends from.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Protocol

from pacsflow.dicom.advice import NARROWER
from pacsflow.errors import BrokenError, PacsPermanentError

MOST_ANSWERS = 20_000
"""Answers to one query that are held; a question with more is asked in pieces."""
MOST_ANSWERED = 256 << 20
"""Bytes of the answers to one query that are held."""
MOST_IDENTIFIER = 1 << 20
"""Bytes of one identifier; a hundred attributes have a few kilobytes."""
_FIX = "ask the PACS administrator for the node's log; on a very slow link raise `timeouts.progress` or lower "
_FIX += "`timeouts.slowest` in pacs.yaml"


class EndlessError(BrokenError):
    """The conversation goes on and comes to nothing: we ended it."""


class Patience(Protocol):
    """What bounds a conversation: `timeouts` of a node in pacs.yaml."""

    @property
    def progress(self) -> float:
        """Seconds without a new instance or answer."""

    @property
    def response(self) -> float:
        """Seconds over which `slowest` is measured."""

    @property
    def slowest(self) -> float:
        """Bytes per second."""


class Budget:
    """One conversation's. It may be spent from by several threads: a C-MOVE has two associations.

    Progress is a new answer, a new instance, and bytes of one that is still on its way. Duplicates, pending
    responses, and bytes of anything else are none. Time that our own side takes does not count.
    """

    def __init__(self, timeouts: Patience, *, lasting: bool = False, alive: Callable[[], None] = lambda: None) -> None:
        """`lasting`: nothing new has to come, as on an association that others keep open.

        `alive` is told whenever bytes of an instance were read.
        """
        self._alive = alive
        self._patience = inf if lasting else max(timeouts.progress, timeouts.response)
        self._slowest, self._window = timeouts.slowest, timeouts.response
        self._lock = threading.Lock()
        self._progress = time.monotonic()
        self._seen: set[str | bytes | int] = set()
        self._coming, self._current = False, ""
        self._begun: float | None = None
        self._read, self._busy = time.monotonic(), 0
        self._bytes = self._answers = self._answered = 0

    def spend(self, size: int) -> None:
        """So many bytes were read. Raises EndlessError where they lead nowhere, or come too slowly."""
        with self._lock:
            now = self._read = time.monotonic()
            if self._begun is None:
                self._begun, self._bytes = now, 0
            self._bytes += size
            if now - self._begun >= self._window:
                if self._bytes < self._slowest * (now - self._begun):
                    raise self._too_slow(self._bytes / (now - self._begun))
                self._begun, self._bytes = now, 0
            if self._coming:
                self._progress = now
                self._alive()
            self._check(now)

    def check(self) -> None:
        """Raise EndlessError where nothing new came for too long."""
        with self._lock:
            self._check(time.monotonic())

    def comes(self, uid: str) -> None:
        """Bytes of an instance were read on another association; they are progress where it is a new one."""
        with self._lock:
            if uid not in self._seen:
                self._progress = time.monotonic()

    def goes_on(self) -> None:
        """More of a new instance came."""
        with self._lock:
            self._progress = time.monotonic()

    def whole(self) -> None:
        """A message ended: until the next one begins there is silence, and no slowness."""
        with self._lock:
            self._begun, self._coming, self._current = None, False, ""

    def coming(self, uid: str) -> None:
        """The bytes from now on are of this instance; empty: of something that is no progress."""
        with self._lock:
            if uid != self._current:
                self._current, self._coming = uid, bool(uid) and uid not in self._seen

    def instance(self, uid: str) -> bool:
        """An instance came; whether it is the first one of this name, and so progress."""
        with self._lock:
            new = uid not in self._seen
            self._seen.add(uid)
            if new:
                self._progress = time.monotonic()
            self._check(time.monotonic())
            return new

    def answer(self, identifier: bytes | memoryview) -> None:
        """An answer to a query came. Raises PacsPermanentError where they are more, or larger, than are held."""
        with self._lock:
            self._answers += 1
            self._answered += len(identifier)
            before = len(self._seen)
            self._seen.add(hash(bytes(identifier)))
            if len(self._seen) > before and identifier:
                self._progress = time.monotonic()
            if self._answers > MOST_ANSWERS:
                raise PacsPermanentError(
                    f"the node gives more than {MOST_ANSWERS} answers to one query",
                    fix=NARROWER,
                    answers=MOST_ANSWERS,
                )
            if self._answered > MOST_ANSWERED:
                raise PacsPermanentError(
                    f"the node gives more than {MOST_ANSWERED >> 20} MB of answers to one query",
                    fix=NARROWER,
                    answers=self._answers,
                )
            self._check(time.monotonic())

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Around what our own side does meanwhile: it is neither lack of progress nor slowness."""
        begun = time.monotonic()
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
                self._excuse(time.monotonic() - begun)

    def _excuse(self, seconds: float) -> None:
        self._progress += seconds
        self._read += seconds
        if self._begun is not None:
            self._begun += seconds

    def touch(self) -> None:
        """A step of the connection was done, of which no bytes are seen."""
        with self._lock:
            self._read = time.monotonic()

    def unread(self) -> float:
        """Seconds since anything was read, while our own side had nothing to do."""
        with self._lock:
            return 0.0 if self._busy else time.monotonic() - self._read

    def _check(self, now: float) -> None:
        if now - self._progress > self._patience:
            raise EndlessError(
                f"the node went on for {self._patience:g} s without sending anything new, and we ended it",
                fix=_FIX,
            )

    def _too_slow(self, rate: float) -> EndlessError:
        return EndlessError(
            f"the node sends {rate:.3g} bytes per second, less than the least of {self._slowest:g}, and we ended it",
            fix=_FIX,
        )
