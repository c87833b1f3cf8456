"""A bounded work queue with one thread: the thread that adds work goes on while the work is done, in order."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class WorkQueue:
    """Pieces of work, each with the bytes it holds; at most `most` bytes wait, or one piece that is larger.

    `add` and `drain` belong to one thread at a time. An error that a piece raises is raised by the next call of either.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = 0
        self._room = threading.Condition()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="work queue")
        self._last: Future[None] | None = None
        self._error: BaseException | None = None

    def add(self, size: int, work: Callable[[], object]) -> None:
        """Have `work` done, later; waits until there is room for its bytes."""
        with self._room:
            self._room.wait_for(lambda: not self._bytes or self._bytes + size <= self._most)
            self._raise()
            self._bytes += size
        self._last = self._pool.submit(self._do, size, work)

    def _do(self, size: int, work: Callable[[], object]) -> None:
        try:
            if self._error is None:
                work()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that adds work
            self._error = error
        finally:
            with self._room:
                self._bytes -= size
                self._room.notify()

    def drain(self) -> None:
        """Nothing is left to be done when this returns."""
        if self._last is not None:
            self._last.result()
            self._last = None
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """As `drain`, and the thread has ended."""
        self._pool.shutdown(wait=True)
        self._raise()
