"""The lanes of a run to one node: open associations that its tasks borrow one at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pacsflow.dicom.contract import Lane
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PausedError
from pacsflow.hours import OpenHours, spoken
from pacsflow.query.ceiling import Ceiling
from pacsflow.run.lanes.clock import SYSTEM, Clock
from pacsflow.run.lanes.rate import RateLimit
from pacsflow.run.lanes.throttle import Slowing, Throttle
from pacsflow.run.lanes.throttled import ThrottledLane, Watch
from schemas.pacs import PacsNode

NAP = 2.0
"""Seconds after which who waits looks whether to go on waiting."""


class LanePool:
    """Lanes to one node. `allow` says how many; each is opened when first borrowed, and again after a fault.

    Fewer are lent while the node is overloaded (`throttle`), none outside its hours. `slowed` is called
    at each slowing. `ceiling` knows where the node cuts its answers. `held` names the person who paused the project
    ('' for nobody): then nothing new is begun, and what has a lane goes on.
    """

    def __init__(
        self,
        node: PacsNode,
        *,
        clock: Clock = SYSTEM,
        slowed: Callable[[Slowing], None] = lambda _: None,
        held: Callable[[], str] = lambda: "",
    ) -> None:
        self.node = node
        self.ceiling = Ceiling(node.limits.results_per_query)
        self._clock = clock
        self._hours = OpenHours(node.hours) if node.hours else None
        self._throttle = Throttle(clock, slowed)
        self._watch = Watch(self._throttle, clock, self._in_time)
        self._rate = RateLimit(node.limits, clock)
        self._turn = threading.Condition()
        self._idle: list[Lane] = []
        self._lent: list[Lane] = []
        self._stopped, self._held = False, held
        self.paused = ""
        """Why work was sent away: the hours of the node, or a person's pause; '' where none was."""
        self.held = False
        """Whether that was a person's pause."""

    @property
    def busy(self) -> int:
        """Lanes that are lent."""
        return len(self._lent)

    @property
    def rate_limited(self) -> bool:
        """Whether pacs.yaml sets a rate limit, which runs share."""
        return self._rate.asked

    @property
    def part(self) -> float:
        """The part of the rate that this run may use, as other runs have the rest (0 to 1)."""
        return self._rate.share

    def share(self, part: float) -> None:
        """Set the part of the rate that this run may use."""
        self._rate.share = part

    @property
    def most(self) -> int:
        """Lanes that are ever open at once."""
        return self.node.limits.associations

    @property
    def allowed(self) -> int:
        """Lanes that may be open at once, as far as other runs are concerned."""
        return self._throttle.allowed

    def allow(self, number: int) -> None:
        """Let `number` more lanes be open at once; fewer where it is negative. Borrowed ones are not taken away."""
        with self._turn:
            self._throttle.allowed += number
            unwanted = self._unwanted()
            self._turn.notify_all()
        _close(unwanted)

    @contextmanager
    def borrow(self) -> Iterator[Lane]:
        """A lane for one piece of work; waits until one is free. A lane on which an error came is closed.

        Raises PausedError where the node may not be asked at this hour, or a person paused the project.
        """
        lane, whole = self._take(), False
        try:
            yield ThrottledLane(lane, self._watch)
            whole = True
        finally:
            if not whole:
                lane.close()
            self._give_back(lane, whole=whole)

    def _take(self) -> Lane:
        with self._turn:
            self._turn.wait_for(lambda: self._stopped or self.busy < self._throttle.lanes)
            self.keep_hours()
            lane = self._idle.pop() if self._idle else open_lane(self.node)
            self._lent.append(lane)
        return lane

    def _give_back(self, lane: Lane, *, whole: bool) -> None:
        with self._turn:
            self._lent = [each for each in self._lent if each is not lane]
            self._idle += [lane] if whole else []
            unwanted = self._unwanted()
            self._turn.notify_all()
        _close(unwanted)

    def _unwanted(self) -> list[Lane]:
        """Idle lanes beyond those that may be open."""
        room = max(0, self._throttle.lanes - self.busy)
        self._idle, unwanted = self._idle[:room], self._idle[room:]
        return unwanted

    def wait_for_turn(self, series: int) -> None:
        """Wait as long as the node's limits ask for before a study of so many series is fetched.

        Raises PausedError where the hours ended meanwhile, a person paused the project, or everything was stopped.
        """
        begin = self._rate.turn(series)
        while (left := begin - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, NAP))
            self.keep_hours()
        self.keep_hours()

    def stop(self) -> None:
        """Begin nothing new and break off what is under way: work that has a lane or waits for one gets PausedError."""
        with self._turn:
            self._stopped = True
            lent = list(self._lent)
            self._turn.notify_all()
        _close(lent)

    def keep_hours(self) -> None:
        """Raise PausedError where nothing new may be begun at this hour, or at all."""
        self._go_on()
        if by := self._held():
            self.held = True
            self._pause(f"paused by {by}")
        if self._hours and not self._hours.is_open(self._clock.now()):
            self._pause(self._outside())

    def _in_time(self) -> None:
        """Raise PausedError once `finish_minutes` after the hours are over."""
        self._go_on()
        if self._hours and self._hours.overdue(self._clock.now()):
            self._pause(self._outside())

    def _go_on(self) -> None:
        if self._stopped:
            raise PausedError("stopped by hand")

    def _pause(self, why: str) -> None:
        self.paused = why
        raise PausedError(why)

    def _outside(self) -> str:
        begin = self._hours.opens(self._clock.now()) if self._hours else None
        then = f"they begin {spoken(begin)}" if begin else "none begin within two months"
        return f"outside the hours of node {self.node.name}; {then}"

    def close(self) -> None:
        """Release all associations that are not in use."""
        with self._turn:
            idle, self._idle = self._idle, []
        _close(idle)


def _close(lanes: list[Lane]) -> None:
    for lane in lanes:
        lane.close()
