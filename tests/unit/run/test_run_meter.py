"""Rates and what is left of a run, by looks at its ledger: rows first, then images; one look for all who ask."""

import pytest
import sqlalchemy as sa

from clock import TestClock
from filled_ledger import fill, large_project
from pacsflow.ledger import tables as t
from pacsflow.ledger import traffic
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.plan import write_plan
from pacsflow.run.run_meter import FRESH, WINDOW, RunMeter, images_left

ROWS = 6


@pytest.fixture
def run(tmp_path):
    with open_session(str(large_project(tmp_path / "p", ROWS)), action="run") as begun:
        yield begun


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture
def meter(run, clock):
    return RunMeter(run.ledger, run.project.workdir, clock.monotonic)


def came(run, images):
    traffic.count(run.ledger, "test", {"images": images, "bytes": images * 1_000_000})


def test_rows_are_counted_as_long_as_some_are_to_be_asked(run, meter, clock):
    first = meter.look()
    assert (first.pace.rows_left, first.pace.rows, first.pace.seconds, first.plan) == (ROWS, 0.0, None, {})
    fill(run.ledger, 4, status="found")
    clock.go(10)
    pace = meter.look().pace
    assert (pace.rows_left, pace.rows) == (2, pytest.approx(24.0))
    assert pace.seconds == pytest.approx(5.0)


def test_images_are_counted_once_no_row_is_left_and_gigabytes_as_the_plan_has_them(run, meter, clock):
    fill(run.ledger, ROWS, status="found")
    write_plan(run)
    came(run, 4)
    meter.look()
    came(run, 3)
    clock.go(6)
    seen = meter.look()
    assert (seen.plan["images"], seen.pace.images_left) == (2 * ROWS, 2 * ROWS)
    assert seen.pace.images == pytest.approx(0.5)
    assert seen.pace.megabytes == pytest.approx(0.5)
    assert seen.pace.seconds == pytest.approx(2 * ROWS / 0.5)
    assert seen.pace.gigabytes_left == pytest.approx(seen.plan["gigabytes"])


def test_what_came_and_what_is_complete_is_not_left(run):
    fill(run.ledger, ROWS, status="found")
    [first, second, *_] = [r.key for r in run.ledger.all(sa.select(t.studies.c.key).order_by(t.studies.c.patient_id))]
    with run.ledger.write() as connection:
        connection.execute(sa.update(t.studies).where(t.studies.c.key == first).values(status="complete"))
        one = sa.select(sa.func.min(t.instances.c.key)).where(t.instances.c.study_key == second).scalar_subquery()
        connection.execute(sa.update(t.instances).where(t.instances.c.key == one).values(status="held"))
    assert images_left(run.ledger) == 2 * (ROWS - 1) - 1


def test_who_asks_soon_after_another_is_given_the_same_look(meter, clock):
    first = meter.look()
    clock.go(FRESH / 2)
    assert meter.look() is first
    clock.go(FRESH)
    assert meter.look() is not first


def test_a_rate_is_that_of_the_last_minutes(run, meter, clock):
    came(run, 1000)
    for _ in range(5):
        meter.look()
        clock.go(WINDOW)
    assert meter.look().pace.images == 0.0
    assert meter.look().pace.seconds is None
