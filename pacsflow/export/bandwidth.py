"""A limit on what goes out."""

import time


class Bandwidth:
    """So many MB/s from now on at most; any number of them where the limit is None."""

    def __init__(self, limit: float | None) -> None:
        self._limit, self._began, self._spent = limit, time.monotonic(), 0

    def spend(self, size: int) -> None:
        """Wait until `size` bytes more were allowed."""
        self._spent += size
        if self._limit:
            time.sleep(max(0.0, self._began + self._spent / (self._limit * 1e6) - time.monotonic()))
