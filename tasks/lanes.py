"""The lanes of a run: open associations that its tasks borrow one at a time, and the pace they keep."""

import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pacsflow.dicom.association import CrowdedError
from pacsflow.dicom.contract import Lane
from pacsflow.dicom.lanes import open_lane
from pacsflow.query.ceiling import Ceiling
from schemas.pacs import PacsNode


class _Lanes(queue.LifoQueue["Lane | None"]):
    """Lanes to take from: open ones first, as a node that takes no further association still has those."""

    def _put(self, item: Lane | None) -> None:
        self.queue.insert(len(self.queue) if item else 0, item)


class LanePool:
    """Lanes to one node. `allow` says how many; each is opened when first borrowed, and again after a fault.

    `ceiling` knows where the node cuts its answers.

    A node that rejects a further association gets one lane less from then on, and at least one.
    """

    def __init__(self, node: PacsNode) -> None:
        self._node = node
        self._free = _Lanes()
        self._pace = Pace(node)
        self.ceiling = Ceiling(node.limits.results_per_query)
        self._lock = threading.Lock()
        self._lanes = 0
        self.allowed = 0

    def allow(self, number: int) -> None:
        """Let `number` more lanes be open at once."""
        self.allowed += number
        self._lanes += number
        for _ in range(number):
            self._free.put(None)

    @contextmanager
    def borrow(self) -> Iterator[Lane]:
        """A lane for one piece of work; waits until one is free. A lane on which an error came is closed."""
        lane, one_less = self._free.get(), False
        try:
            lane = lane or open_lane(self._node)
            yield lane
        except BaseException as error:
            one_less = isinstance(error, CrowdedError) and self._give_up()
            if lane is not None:
                lane.close()
            lane = None
            raise
        finally:
            if not one_less:
                self._free.put(lane)

    def _give_up(self) -> bool:
        """Whether one lane can be done without."""
        with self._lock:
            several = self._lanes > 1
            self._lanes -= several
        return several

    def pace(self, series: int) -> None:
        """Wait as long as the node's limits ask for before a study of so many series is fetched."""
        self._pace.wait(series)

    def close(self) -> None:
        """Release all associations that nobody has borrowed."""
        while not self._free.empty():
            lane = self._free.get()
            if lane is not None:
                lane.close()


class Pace:
    """Studies per minute, and a rest after every n series; shared by the lanes of a run."""

    def __init__(self, node: PacsNode) -> None:
        limits = node.limits
        self._interval = 60 / limits.studies_per_minute if limits.studies_per_minute else 0.0
        self._rest = limits.pause
        self._lock = threading.Lock()
        self._next = time.monotonic()
        self._series = 0

    def wait(self, series: int) -> None:
        """Sleep until the next study may be fetched."""
        with self._lock:
            now = time.monotonic()
            begin = max(now, self._next)
            self._next = begin + self._interval
            self._series += series
            if self._rest and self._series >= self._rest.every_series:
                self._series = 0
                self._next += self._rest.seconds
        time.sleep(begin - now)
