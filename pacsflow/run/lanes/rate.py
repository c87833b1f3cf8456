"""The rate limit that pacs.yaml sets."""

import threading

from pacsflow.run.lanes.clock import SYSTEM, Clock
from schemas.pacs import Limits


class RateLimit:
    """Studies per minute, and a rest after every n series; shared by the lanes of a run to a node.

    `share`: the part of both that is this run's (0 to 1), as other runs ask the node too.
    """

    def __init__(self, limits: Limits, clock: Clock = SYSTEM) -> None:
        self._interval = 60 / limits.studies_per_minute if limits.studies_per_minute else 0.0
        self._rest = limits.pause
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock.monotonic()
        self._series = 0.0
        self.share = 1.0

    @property
    def asked(self) -> bool:
        """Whether pacs.yaml sets any rate limit."""
        return bool(self._interval or self._rest)

    def turn(self, series: int) -> float:
        """The moment, by the monotonic clock, at which the next study, of so many series, may be fetched."""
        with self._lock:
            begin = max(self._clock.monotonic(), self._next)
            self._next = begin + self._interval / self.share
            self._series += series / self.share
            if self._rest and self._series >= self._rest.every_series:
                self._series = 0.0
                self._next += self._rest.seconds
        return begin
