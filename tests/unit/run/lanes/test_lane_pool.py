"""Lanes are lent as far as allowed, as the node bears it, and within its hours; against the simulator."""

import threading
from contextlib import ExitStack

import pytest

from clock import TestClock
from pacsflow.dicom.contract import Request
from pacsflow.errors import PacsError, PausedError
from pacsflow.run.lanes.pool import LanePool
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.ports import wait_until
from schemas.pacs import PacsNode

KEYS = {"StudyInstanceUID": ""}
DAY = {"timezone": "UTC", "allow": [{"days": "mon-fri", "from": "08:00", "to": "18:00"}], "finish_minutes": 10}
MONDAY = "2026-11-23T"


class Node:
    """A simulated PACS and a pool of lanes to it."""

    def __init__(self, stack, *faults, at=MONDAY + "12:00", **fields):
        told = Faults.model_validate({"faults": list(faults)})
        self.pacs = stack.enter_context(SimPacs(phantom_archive(2, matrix=8, images=4), told))
        self.clock, self.slowed = TestClock(at), []
        where = {"name": "n", "host": "127.0.0.1", "port": self.pacs.port, "called_aet": self.pacs.aet}
        node = PacsNode.model_validate({"limits": {"associations": 4}, **where, **fields})
        self.pool = LanePool(node, clock=self.clock, slowed=self.slowed.append)
        stack.callback(self.pool.close)
        self.pool.allow(4)
        self.study = next(iter(self.pacs.archive.studies))

    @property
    def open(self):
        """Associations that the PACS has open."""
        return len(self.pacs._server.active_associations)

    def find(self):
        with self.pool.borrow() as lane:
            return lane.find("STUDY", KEYS)

    def fetch(self, sink):
        with self.pool.borrow() as lane:
            return lane.fetch(Request(self.study), sink)


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


def busy(**fields):
    return {"kind": "busy", **fields}


def test_refusals_slow_us_down_and_calm_speeds_us_up_again(stack):
    node = Node(stack, busy(times=1))
    assert node.fetch(lambda _: 0).failed == 4
    assert [(one.why, one.lanes) for one in node.slowed] == [("the node is out of resources (0xA702)", 2)]
    node.find()
    assert node.clock.slept == [0.5], "the gap before the request"
    for _ in range(2):
        node.clock.go(60)
        node.find()
    node.find()
    assert node.clock.slept == [0.5, 0.5], "calm has taken it back"
    with ExitStack() as lent:
        for _ in range(4):
            lent.enter_context(node.pool.borrow())
        assert node.pool.busy == 4


def test_a_node_that_takes_two_associations_is_asked_by_two_and_later_by_three(stack):
    node = Node(stack, {"kind": "reject-associations", "above": 2})
    with ExitStack() as lent:
        for _ in range(2):
            lent.enter_context(node.pool.borrow()).find("STUDY", KEYS)
        for left in (3, 2):
            with pytest.raises(PacsError):
                node.find()
            assert node.slowed[-1].lanes == left
        waiting = threading.Thread(target=node.find)
        waiting.start()
        assert node.pool.busy == 2, "a third waits for one of the two"
    waiting.join(60)
    assert not waiting.is_alive()
    node.clock.go(2000)
    node.find()
    with ExitStack() as lent:
        for _ in range(3):
            lent.enter_context(node.pool.borrow())
        assert node.pool.busy == 3, "the next one is tried again"


def test_images_that_take_longer_than_usual_are_noticed(stack):
    node = Node(stack)
    node.clock.monotonic = _ticking(node.clock, 0.1)
    for _ in range(12):
        node.fetch(lambda _: 0)
    assert node.slowed == []
    node.clock.monotonic = _ticking(node.clock, 40.0)
    for _ in range(5):
        node.fetch(lambda _: 0)
    assert node.slowed[0].why == "an image took over 3 times as long as usual"


def _ticking(clock, step):
    """A clock that goes on by `step` each time it is looked at: the requests between two looks take so long."""

    def monotonic():
        clock.go(step)
        return clock.passed

    return monotonic


def test_lanes_that_are_taken_away_are_closed_when_they_come_back(stack):
    node = Node(stack)
    with ExitStack() as lent:
        first, second = (lent.enter_context(node.pool.borrow()) for _ in range(2))
        assert first.find("STUDY", KEYS)
        assert second.find("STUDY", KEYS)
        node.pool.allow(-4)
        assert node.pool.busy == 2, "no work is interrupted"
    wait_until(lambda: not node.open)
    waiting = threading.Thread(target=node.find)
    waiting.start()
    assert node.pool.busy == 0
    node.pool.allow(1)
    waiting.join(60)
    assert not waiting.is_alive()


def test_outside_the_hours_nothing_is_begun_and_the_next_ones_are_named(stack):
    node = Node(stack, at=MONDAY + "18:00", hours=DAY)
    with pytest.raises(PausedError, match="they begin Tue 24 Nov 2026 08:00 UTC"):
        node.find()
    assert node.pool.paused
    assert not node.pacs.counts["associations"]
    node.clock.go(14 * 3600)
    assert node.find()


def test_what_is_under_way_when_the_hours_end_is_finished_within_its_time(stack):
    node = Node(stack, at=MONDAY + "17:59", hours=DAY)
    taken = []

    def sink(received):
        taken.append(received)
        node.clock.go(120)
        return 0

    node.fetch(sink)
    assert len(taken) == 4
    assert node.clock.now().hour == 18
    assert not node.pool.paused
    with pytest.raises(PausedError):
        node.find()


def test_what_takes_longer_is_stopped_after_an_instance(stack):
    node = Node(stack, at=MONDAY + "17:59", hours=DAY)
    taken = []

    def sink(received):
        taken.append(received)
        node.clock.go(360)
        return 0

    with pytest.raises(PausedError):
        node.fetch(sink)
    assert len(taken) == 2, "17:59, 18:05, 18:11"
    assert node.pool.paused
    wait_until(lambda: not node.open)


def test_a_pause_that_lasts_beyond_the_hours_begins_nothing(stack):
    limits = {"associations": 1, "studies_per_minute": 0.01}
    node = Node(stack, at=MONDAY + "17:00", hours=DAY, limits=limits)
    node.pool.wait_for_turn(1)
    with pytest.raises(PausedError):
        node.pool.wait_for_turn(1)


def test_stopping_breaks_off_work_and_waits_for_a_lane_or_a_turn(stack):
    node = Node(stack, {"kind": "stall", "seconds": 600}, limits={"associations": 1, "studies_per_minute": 0.01})
    node.pool.allow(-3)
    node.pool.wait_for_turn(1)
    ended = []

    def expect_pause(work):
        with pytest.raises(PausedError, match="stopped by hand"):
            work()
        ended.append(work)

    work = [lambda: node.fetch(lambda _: 0), node.find]
    threads = [threading.Thread(target=expect_pause, args=[each]) for each in work]
    threads[0].start()
    wait_until(lambda: node.pacs.counts["gets"] == 1)
    threads[1].start()
    node.pool.stop()
    for thread in threads:
        thread.join(60)
    assert len(ended) == 2, "the one whose node says nothing, and the one behind it"
    with pytest.raises(PausedError):
        node.pool.wait_for_turn(1)
    assert sum(node.clock.slept) <= 2
    assert not node.pool.paused, "which is about hours"
