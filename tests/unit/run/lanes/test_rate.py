"""The rate limit that pacs.yaml sets, for a run alone and for one among several."""

from itertools import pairwise

import pytest

from clock import TestClock
from pacsflow.run.lanes.rate import RateLimit
from schemas.pacs import Limits

SECONDS = 1800


def begun(rate, clock, *, fetching, series=1, seconds=SECONDS):
    """The moments at which studies are begun, each of which takes `fetching` seconds."""
    moments = []
    while clock.passed < seconds:
        clock.sleep(rate.turn(series) - clock.passed)
        moments.append(clock.passed)
        clock.go(fetching)
    return moments


@pytest.mark.parametrize(("share", "gap"), [(1.0, 6.0), (0.75, 8.0), (0.25, 24.0)])
def test_studies_per_minute_are_kept_to_by_the_part_that_is_ours(share, gap):
    clock = TestClock()
    rate = RateLimit(Limits(studies_per_minute=10), clock)
    rate.share = share
    assert {later - earlier for earlier, later in pairwise(begun(rate, clock, fetching=1))} == {gap}


def test_fetching_slower_than_the_limit_never_waits():
    clock = TestClock()
    begun(RateLimit(Limits(studies_per_minute=10), clock), clock, fetching=7)
    assert clock.slept == []


def test_there_is_a_rest_after_so_many_series_and_sooner_where_others_fetch_too():
    limits = Limits.model_validate({"pause": {"every_series": 4, "seconds": 60}})
    for share, studies in ((1.0, 2), (0.5, 1)):
        clock = TestClock()
        rate = RateLimit(limits, clock)
        rate.share = share
        moments = begun(rate, clock, fetching=0, series=2, seconds=600)
        assert len(moments) == pytest.approx(studies * 11, abs=studies)
        assert set(clock.slept) == {60}


def test_without_a_limit_no_study_waits():
    assert not RateLimit(Limits()).asked
    assert RateLimit(Limits(studies_per_minute=1)).asked
