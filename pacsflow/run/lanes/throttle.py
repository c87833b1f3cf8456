"""A throttle: slower where a node has trouble, faster again after a calm time.

Additive increase, multiplicative decrease: trouble halves the lanes and doubles a gap before each request;
calm gives one lane, and a step of the gap, back at a time. TCP shares a line of unknown width in the same way.
"""

import statistics
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pacsflow.dicom.contract import CrowdedError, RejectedError
from pacsflow.dicom.dimse.broken import SilenceError
from pacsflow.errors import PacsError
from pacsflow.run.lanes.clock import SYSTEM, Clock

GAP = 0.5
"""First gap before a request, and the step it is taken back by, in seconds."""
LONGEST_GAP = 16.0
CALM = 30.0
"""Seconds without trouble after which one step is taken back; doubled by trouble, up to LONGEST_CALM."""
LONGEST_CALM = 960.0
SLOW = 3.0
"""A request is slow from this many times the usual on."""
NOTICED = 0.2
"""Seconds below which no request is slow."""
_RECENT = 5
_LEARNT = 10
_RISE, _FALL = 0.01, 0.1
_RESOURCES = range(0xA700, 0xA800)
_LIMITATION = 0x0213


@dataclass(frozen=True)
class Slowing:
    """A slowing: why, and from then on how many lanes at most, and what gap in seconds before each request."""

    why: str
    lanes: int
    gap: float


class Usual:
    """The usual seconds of a request of one kind, learnt from its first ten.

    It rises slowly when requests get slower, and falls faster when they get faster.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._count = 0
        self.seconds = 0.0

    def slow(self, seconds: float) -> bool:
        """Whether the median of the last five, this one among them, is slow."""
        self._recent.append(seconds)
        self._count += 1
        share = 1 / self._count if self._count <= _LEARNT else _RISE if seconds > self.seconds else _FALL
        late = self._count > _LEARNT and statistics.median(self._recent) > max(NOTICED, SLOW * self.seconds)
        self.seconds += share * (seconds - self.seconds)
        if late:
            self._recent.clear()
        return late


class Throttle:
    """How many lanes may be open, and the gap before each request. One for all lanes to the node; thread-safe.

    Trouble of requests that began before the last slowing does not count: it says nothing about the slower rate.
    """

    def __init__(self, clock: Clock = SYSTEM, heard: Callable[[Slowing], None] = lambda _: None) -> None:
        self._clock, self._heard = clock, heard
        self._lock = threading.Lock()
        self._usual: dict[str, Usual] = {}
        self._changed = clock.monotonic()
        self._slowed = float("-inf")
        self._calm = CALM
        self._less = 0
        self.allowed = 0
        self.gap = 0.0

    @property
    def lanes(self) -> int:
        """Lanes that may be open, of those `allowed`: at least one of them."""
        return max(min(1, self.allowed), self.allowed - self._less)

    def answered(self, kind: str, seconds: float, *, begun: float) -> None:
        """Note that a request of a `kind`, begun at a monotonic time, took so many seconds of the node's time."""
        with self._lock:
            slow = self._usual.setdefault(kind, Usual()).slow(seconds)
            if not slow:
                self._recover()
        if slow:
            self._slower(f"{kind} took over {SLOW:.0f} times as long as usual", begun)

    def failed(self, error: PacsError, *, begun: float) -> None:
        """Note an error: some of them mean that the node is overloaded."""
        if isinstance(error, CrowdedError):
            self._one_less()
        elif isinstance(error, RejectedError):
            self._slower("an association was rejected", begun)
        elif isinstance(error, SilenceError):
            self._slower("the node stayed silent", begun)
        elif error.status is not None and not error.answers:  # a cut answer is a limit of results, not overload
            self.ended(error.status, begun=begun)

    def ended(self, status: int, *, begun: float) -> None:
        """Note a final status (PS3.7 C, PS3.4 C.4.2.1.5): some mean that the node is overloaded."""
        if status in _RESOURCES or status == _LIMITATION:
            self._slower(f"the node is out of resources (0x{status:04X})", begun)

    def _recover(self) -> None:
        slow, now = self._less or self.gap, self._clock.monotonic()
        if slow and now - self._changed >= self._calm:
            self._less, self.gap, self._changed = max(0, self._less - 1), max(0.0, self.gap - GAP), now
        elif not slow and now - self._changed >= 2 * self._calm:
            self._calm, self._changed = max(CALM, self._calm / 2), now

    def _slower(self, why: str, begun: float) -> None:
        with self._lock:
            if begun < self._slowed:
                return
            lanes = max(1, self.lanes // 2)
            self._less = max(0, self.allowed - lanes)
            self.gap = min(LONGEST_GAP, max(GAP, 2 * self.gap))
            slowing = self._trouble(why)
        self._heard(slowing)

    def _one_less(self) -> None:
        """The node takes fewer associations: each rejected association calls this once."""
        with self._lock:
            self._less = min(max(0, self.allowed - 1), self._less + 1)
            slowing = self._trouble("the node takes no further association")
        self._heard(slowing)

    def _trouble(self, why: str) -> Slowing:
        self._changed = self._slowed = self._clock.monotonic()
        self._calm = min(LONGEST_CALM, 2 * self._calm)
        return Slowing(why, self.lanes, self.gap)
