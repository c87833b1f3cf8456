"""Slower by trouble, faster by calm: scripted sequences on a clock that the test sets."""

import pytest

from clock import TestClock
from pacsflow.dicom.contract import CrowdedError, RejectedError
from pacsflow.dicom.dimse.broken import CutError, SilenceError
from pacsflow.errors import PacsPermanentError, PacsTransientError
from pacsflow.run.lanes.throttle import CALM, GAP, LONGEST_CALM, LONGEST_GAP, Slowing, Throttle, Usual


class Node:
    """A caution with four lanes allowed, and what it told."""

    def __init__(self, allowed=4):
        self.clock = TestClock()
        self.told = []
        self.throttle = Throttle(self.clock, self.told.append)
        self.throttle.allowed = allowed

    def fails(self, error, *, began_ago=0.0):
        self.clock.go(1)
        self.throttle.failed(error, begun=self.clock.monotonic() - began_ago)

    def answers(self, times=1, *, seconds=0.1, apart=1.0, kind="a query"):
        for _ in range(times):
            self.clock.go(apart)
            self.throttle.answered(kind, seconds, begun=self.clock.monotonic() - seconds)

    @property
    def state(self):
        return self.throttle.lanes, self.throttle.gap


def refused(status=0xA700):
    return PacsTransientError("refused", status=status)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (refused(), "the node is out of resources (0xA700)"),
        (refused(0xA702), "the node is out of resources (0xA702)"),
        (refused(0x0213), "the node is out of resources (0x0213)"),
        (RejectedError("no"), "an association was rejected"),
        (SilenceError("."), "the node stayed silent"),
    ],
)
def test_trouble_halves_the_lanes_and_makes_a_gap(error, why):
    node = Node()
    node.fails(error)
    assert node.state == (2, GAP)
    assert node.told == [Slowing(why, 2, GAP)]


@pytest.mark.parametrize(
    "error",
    [
        CutError("cut"),
        PacsTransientError("unreachable"),
        refused(0xC001),
        PacsPermanentError("no", status=0x0122),
        PacsTransientError("cut", status=0xA700, answers=100),
    ],
)
def test_errors_that_do_not_mean_load_change_nothing(error):
    node = Node()
    node.fails(error)
    assert (node.state, node.told) == ((4, 0.0), [])


def test_trouble_again_and_again_ends_at_one_lane_and_the_longest_gap():
    node = Node()
    seen = []
    for _ in range(7):
        node.fails(refused())
        seen.append(node.state)
    assert seen == [(2, 0.5), (1, 1.0), (1, 2.0), (1, 4.0), (1, 8.0), (1, LONGEST_GAP), (1, LONGEST_GAP)]


def test_requests_that_were_under_way_when_we_slowed_down_do_not_slow_us_twice():
    node = Node()
    for _ in range(4):
        node.fails(refused(), began_ago=10)
    assert (node.state, len(node.told)) == ((2, GAP), 1)


def test_each_rejected_association_means_one_lane_less():
    node = Node()
    for _ in range(5):
        node.fails(CrowdedError("full"), began_ago=10)
    assert node.state == (1, 0.0)
    assert [told.lanes for told in node.told] == [3, 2, 1, 1, 1]


def test_calm_gives_one_step_back_at_a_time_and_more_trouble_makes_us_wait_longer():
    node = Node()
    node.fails(refused())
    node.fails(refused())
    assert node.state == (1, 1.0)
    seen = []
    for _ in range(3):
        node.answers(apart=4 * CALM - 2)
        node.answers(apart=1)
        assert node.state == (seen[-1] if seen else (1, 1.0)), "not before it was calm for long enough"
        node.answers(apart=1)
        seen.append(node.state)
    assert seen == [(2, 0.5), (3, 0.0), (4, 0.0)]


def test_no_answer_is_not_calm():
    node = Node()
    node.fails(refused())
    node.clock.go(10 * LONGEST_CALM)
    assert node.state == (2, GAP)


def test_a_long_calm_makes_the_next_recovery_quick_again():
    node = Node()
    for _ in range(6):
        node.fails(refused())
    node.answers(200, apart=LONGEST_CALM)
    node.fails(refused())
    node.answers(apart=2 * CALM)
    assert node.state == (3, 0.0)


def test_latency_that_rises_slows_us_down_and_what_is_usual_does_not():
    node = Node()
    node.answers(50, seconds=0.3)
    node.answers(2, seconds=9.0)
    assert node.told == [], "two are not a trend"
    node.answers(1, seconds=9.0)
    assert node.told == [Slowing("a query took over 3 times as long as usual", 2, GAP)]


def test_kinds_of_requests_are_not_compared_with_each_other():
    node = Node()
    node.answers(50, seconds=0.1)
    node.answers(50, seconds=9.0, kind="an image")
    assert node.told == []


def test_what_is_quick_all_the_same_is_not_slow():
    node = Node()
    node.answers(50, seconds=0.001)
    node.answers(50, seconds=0.15)
    assert node.told == []


def test_what_stays_slow_becomes_usual():
    usual = Usual()
    for _ in range(20):
        assert not usual.slow(1.0)
    late = [usual.slow(4.0) for _ in range(200)]
    assert any(late[:5])
    assert not any(late[100:])


def test_nothing_allowed_is_nothing_open():
    assert Node(allowed=0).throttle.lanes == 0
