"""A lane with a throttle: requests wait for the gap, keep to the hours, and report how fast the node answers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Level, Outcome, Received, Request, Sink
from pacsflow.errors import PacsError
from pacsflow.run.lanes.clock import Clock
from pacsflow.run.lanes.throttle import Throttle

MEGABYTE = 1e6


@dataclass(frozen=True)
class Watch:
    """What watches a lane. `in_time()` raises PausedError once the node's hours plus `finish_minutes` are over."""

    throttle: Throttle
    clock: Clock
    in_time: Callable[[], None]


class ThrottledLane:
    """A `Lane` (see `pacsflow.dicom.contract`) around another, throttled and kept to the hours."""

    def __init__(self, lane: Lane, watch: Watch) -> None:
        self._lane, self._watch = lane, watch

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query. Raises PacsError, PausedError."""
        with self._watched() as begun:
            answers = self._lane.find(level, keys)
        self._watch.throttle.answered(f"a query ({level} level)", self._since(begun), begun=begun)
        return answers

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have instances sent. Raises PacsError; PausedError after an instance, once the hours are over.

        The throttle is given the seconds per image and megabyte, less those that the sink took.
        """
        work = ours = 0.0

        def take(received: Received) -> int:
            nonlocal work, ours
            came = self._watch.clock.monotonic()
            work += 1 + len(received.dataset) / MEGABYTE
            status = sink(received)
            self._watch.in_time()
            ours += self._watch.clock.monotonic() - came
            return status

        with self._watched() as begun:
            outcome = self._lane.fetch(request, take)
        self._watch.throttle.ended(outcome.status, begun=begun)
        if work:
            self._watch.throttle.answered("an image", max(0.0, self._since(begun) - ours) / work, begun=begun)
        return outcome

    def close(self) -> None:
        """Release the associations."""
        self._lane.close()

    def _since(self, begun: float) -> float:
        return self._watch.clock.monotonic() - begun

    @contextmanager
    def _watched(self) -> Iterator[float]:
        self._watch.clock.sleep(self._watch.throttle.gap)
        self._watch.in_time()
        begun = self._watch.clock.monotonic()
        try:
            yield begun
        except PacsError as error:
            self._watch.in_time()
            self._watch.throttle.failed(error, begun=begun)
            raise
        except Exception:
            self._watch.in_time()  # a connection that is closed in the middle may break in any way
            raise
