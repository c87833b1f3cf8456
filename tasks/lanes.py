"""The lanes of a run to one node: open associations that its tasks borrow one at a time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pacsflow.dicom.contract import Lane
from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PausedError
from pacsflow.hours import OpenHours, spoken
from pacsflow.query.ceiling import Ceiling
from schemas.pacs import PacsNode
from tasks.caution import Caution, Slowing
from tasks.clock import SYSTEM, Clock
from tasks.pace import Pace
from tasks.watched import Watch, WatchedLane

NAP = 2.0
"""Seconds after which who waits looks whether to go on waiting."""


class LanePool:
    """Lanes to one node. `allow` says how many; each is opened when first borrowed, and again after a fault.

    Fewer are lent while the node has trouble (`tasks.caution`), none outside its hours. `slowed` hears of trouble.
    `ceiling` knows where the node cuts its answers.
    """

    def __init__(
        self, node: PacsNode, *, clock: Clock = SYSTEM, slowed: Callable[[Slowing], None] = lambda _: None
    ) -> None:
        self.node = node
        self.ceiling = Ceiling(node.limits.results_per_query)
        self._clock = clock
        self._hours = OpenHours(node.hours) if node.hours else None
        self._caution = Caution(clock, slowed)
        self._watch = Watch(self._caution, clock, self._in_time)
        self._pace = Pace(node.limits, clock)
        self._turn = threading.Condition()
        self._idle: list[Lane] = []
        self._lent: list[Lane] = []
        self._stopped = False
        self.paused = False
        """Whether work was sent away, as the node may not be asked at this hour."""

    @property
    def busy(self) -> int:
        """Lanes that are lent."""
        return len(self._lent)

    @property
    def paced(self) -> bool:
        """Whether pacs.yaml asks for a pace, which runs share."""
        return self._pace.asked

    @property
    def part(self) -> float:
        """The part of that pace which this run keeps to, as other runs have the rest."""
        return self._pace.share

    def share(self, part: float) -> None:
        """Keep to another part of it."""
        self._pace.share = part

    @property
    def most(self) -> int:
        """Lanes that are ever open at once."""
        return self.node.limits.associations

    @property
    def allowed(self) -> int:
        """Lanes that may be open at once, as far as other runs are concerned."""
        return self._caution.allowed

    def allow(self, number: int) -> None:
        """Let `number` more lanes be open at once; fewer where it is negative. Borrowed ones are not taken away."""
        with self._turn:
            self._caution.allowed += number
            unwanted = self._unwanted()
            self._turn.notify_all()
        _close(unwanted)

    @contextmanager
    def borrow(self) -> Iterator[Lane]:
        """A lane for one piece of work; waits until one is free. A lane on which an error came is closed.

        Raises PausedError where the node may not be asked at this hour.
        """
        lane, whole = self._take(), False
        try:
            yield WatchedLane(lane, self._watch)
            whole = True
        finally:
            if not whole:
                lane.close()
            self._give_back(lane, whole=whole)

    def _take(self) -> Lane:
        with self._turn:
            self._turn.wait_for(lambda: self._stopped or self.busy < self._caution.lanes)
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
        room = max(0, self._caution.lanes - self.busy)
        self._idle, unwanted = self._idle[:room], self._idle[room:]
        return unwanted

    def pace(self, series: int) -> None:
        """Wait as long as the node's limits ask for before a study of so many series is fetched.

        Raises PausedError where the hours ended meanwhile, or everything was stopped.
        """
        begin = self._pace.turn(series)
        while (left := begin - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, NAP))
            self.keep_hours()
        self.keep_hours()

    def stop(self) -> None:
        """Begin nothing new and break off what is under way: who has a lane, or waits for one, gets PausedError."""
        with self._turn:
            self._stopped = True
            lent = list(self._lent)
            self._turn.notify_all()
        _close(lent)

    def keep_hours(self) -> None:
        """Raise PausedError where nothing new may be begun at this hour, or at all."""
        self._go_on()
        if self._hours and not self._hours.is_open(self._clock.now()):
            self._pause()

    def _in_time(self) -> None:
        """Raise PausedError where also what is under way must end."""
        self._go_on()
        if self._hours and self._hours.overdue(self._clock.now()):
            self._pause()

    def _go_on(self) -> None:
        if self._stopped:
            raise PausedError("stopped by hand")

    def _pause(self) -> None:
        self.paused = True
        raise PausedError(f"outside the hours of node {self.node.name}; {self.next_hours()}")

    def next_hours(self) -> str:
        """When the next hours begin, in words."""
        begin = self._hours.opens(self._clock.now()) if self._hours else None
        return f"they begin {spoken(begin)}" if begin else "none begin within two months"

    def close(self) -> None:
        """Release all associations that nobody has borrowed."""
        with self._turn:
            idle, self._idle = self._idle, []
        _close(idle)


def _close(lanes: list[Lane]) -> None:
    for lane in lanes:
        lane.close()
