"""The pace that pacs.yaml asks for."""

import threading

from schemas.pacs import Limits
from tasks.clock import SYSTEM, Clock


class Pace:
    """Studies per minute, and a rest after every n series; shared by the lanes of a run to a node."""

    def __init__(self, limits: Limits, clock: Clock = SYSTEM) -> None:
        self._interval = 60 / limits.studies_per_minute if limits.studies_per_minute else 0.0
        self._rest = limits.pause
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._series = 0

    def wait(self, series: int) -> None:
        """Sleep until the next study, of so many series, may be fetched."""
        with self._lock:
            now = self._clock.monotonic()
            begin = max(now, self._next)
            self._next = begin + self._interval
            self._series += series
            if self._rest and self._series >= self._rest.every_series:
                self._series = 0
                self._next += self._rest.seconds
        self._clock.sleep(begin - now)
