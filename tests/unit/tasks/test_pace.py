"""The pace that pacs.yaml asks for, of a run alone and of one among several."""

from itertools import pairwise

import pytest

from clock import TestClock
from schemas.pacs import Limits
from tasks.pace import Pace

SECONDS = 1800


def begun(pace, clock, *, fetching, series=1, seconds=SECONDS):
    """The moments at which studies are begun, each of which takes `fetching` seconds."""
    moments = []
    while clock.passed < seconds:
        clock.sleep(pace.turn(series) - clock.passed)
        moments.append(clock.passed)
        clock.go(fetching)
    return moments


@pytest.mark.parametrize(("share", "gap"), [(1.0, 6.0), (0.75, 8.0), (0.25, 24.0)])
def test_studies_per_minute_are_kept_to_by_the_part_that_is_ours(share, gap):
    clock = TestClock()
    pace = Pace(Limits(studies_per_minute=10), clock)
    pace.share = share
    assert {later - earlier for earlier, later in pairwise(begun(pace, clock, fetching=1))} == {gap}


def test_who_is_slower_than_the_pace_never_waits():
    clock = TestClock()
    begun(Pace(Limits(studies_per_minute=10), clock), clock, fetching=7)
    assert clock.slept == []


def test_there_is_a_rest_after_so_many_series_and_sooner_where_others_fetch_too():
    limits = Limits.model_validate({"pause": {"every_series": 4, "seconds": 60}})
    for share, studies in ((1.0, 2), (0.5, 1)):
        clock = TestClock()
        pace = Pace(limits, clock)
        pace.share = share
        moments = begun(pace, clock, fetching=0, series=2, seconds=600)
        assert len(moments) == pytest.approx(studies * 11, abs=studies)
        assert set(clock.slept) == {60}


def test_without_a_pace_nothing_is_asked_for():
    assert not Pace(Limits()).asked
    assert Pace(Limits(studies_per_minute=1)).asked
