"""Runs that keep to a node's hours, and runs that give way to each other, against the simulator and Prefect."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from clock import TestClock
from pacsflow.run.fetching.reception import Reception
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.run.reporting.status import hours_of
from pacsflow.simpacs import SimPacs, phantom_archive
from project_folder import write_project
from whole_run import bring, find_rows

IMAGES = 4
DAY = {"timezone": "UTC", "allow": [{"days": "mon-fri", "from": "08:00", "to": "18:00"}], "finish_minutes": 10}


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(2, matrix=16, images=IMAGES)) as simulator:
        yield simulator


def project(tmp_path, pacs, **node):
    asked = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(pacs.archive.studies)]
    where = {"port": pacs.port, "called_aet": pacs.aet, "hours": DAY, "limits": {"associations": 1}}
    return write_project(tmp_path / "p", pacs={**where, **node}, rows=asked)


@pytest.fixture
def run_at(monkeypatch):
    """The rows of a run by one lane that begins at a moment, and whether it paused; `seconds` pass with each image."""
    take = Reception.__call__

    def run_at(folder, moment, *, seconds=0.0):
        clock = TestClock(moment)
        monkeypatch.setattr(Reception, "__call__", lambda self, received: clock.go(seconds) or take(self, received))
        with open_session(str(folder), action="run", clock=clock) as run:
            find_rows(run)
            bring(run)
            found = row_outcomes(run.ledger, run.project)
            return [(one.status, one.reason, one.counts["held"]) for one in found], run.paused

    return run_at


def test_a_run_that_meets_the_end_of_the_hours_is_gone_on_with_by_the_next(tmp_path, pacs, run_at):
    folder = project(tmp_path, pacs)
    assert run_at(folder, "2026-11-23T07:00") == ([("pending", "", 0)] * 2, True)
    assert not pacs.counts["associations"], "nothing is asked outside the hours"
    stopped = "stopped when the hours of the node ended, the next run goes on"
    told, paused = run_at(folder, "2026-11-23T17:59", seconds=240)
    assert (sorted(told), paused) == ([("found", "", 0), ("incomplete", stopped, 3)], True)
    before = pacs.counts["images sent"]
    told, paused = run_at(folder, "2026-11-24T08:00")
    assert (told, paused) == ([("complete", "", IMAGES)] * 2, False)
    assert pacs.counts["images sent"] - before == 1 + IMAGES, "only what was missing"


def test_a_study_under_way_when_the_hours_end_is_finished_and_no_other_begun(tmp_path, pacs, run_at):
    folder = project(tmp_path, pacs)
    told, paused = run_at(folder, "2026-11-23T17:59", seconds=60)
    assert (sorted(told), paused) == ([("complete", "", IMAGES), ("found", "", 0)], True)


def test_the_hours_are_shown(tmp_path, pacs):
    folder = project(tmp_path, pacs)
    with open_session(str(folder), action="run") as run:
        node = run.project.pacs
    said = "test may be asked mon-fri 08:00-18:00 (UTC); "
    assert hours_of(node, TestClock("2026-11-23T12:00")) == said + "open until Mon 23 Nov 2026 18:00 UTC"
    assert hours_of(node, TestClock("2026-11-27T18:00")) == said + "the next window begins Mon 30 Nov 2026 08:00 UTC"
    assert hours_of(node.model_copy(update={"hours": None})) == ""


def test_the_command_ends_as_paused_and_goes_on_in_a_hurry(tmp_path, pacs, prefect):
    now = datetime.now(UTC)
    window = {"days": "mon-sun", "from": f"{now + timedelta(hours=3):%H:%M}", "to": f"{now + timedelta(hours=4):%H:%M}"}
    folder = project(tmp_path, pacs, hours={"timezone": "UTC", "allow": [window]})
    said = prefect.pacsflow_here("run", str(folder), expect=75)
    assert "paused, outside the hours of node" in said
    assert not pacs.counts["associations"]
    record = tmp_path / "data" / "report" / "run.json"
    assert json.loads(record.read_text())["outcome"] == "paused"
    prefect.pacsflow_here("run", str(folder), "--now", "the clinic waits")
    told = json.loads(record.read_text())
    assert (told["outcome"], told["outside_hours"]) == ("complete", "the clinic waits")
    [hour, *more] = told["traffic_by_hour"]
    assert sum(h["images"] for h in [hour, *more]) == 2 * IMAGES
    status = prefect.pacsflow_here("status", str(folder))
    assert "by the hour" in status
    assert "the next window begins" in status


RUN = """
import sys, time
from schemas.pacs import PacsNode
from tasks import slots
from pacsflow.run.lanes.pool import LanePool
slots.SECONDS_BETWEEN_LOOKS = 0.5
port, priority, wanted = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
limits = {"associations": 3, "studies_per_minute": 10}
node = PacsNode(name="n", host="127.0.0.1", port=port, called_aet="A", limits=limits)
pool = LanePool(node)
with slots.slots(pool, priority=priority):
    lane = pool.borrow()
    lane.__enter__()
    print("begun", flush=True)
    for line in sys.stdin:
        if line.startswith("return"):
            lane.__exit__(None, None, None)
        elif line.startswith("lanes"):
            number = int(line.split()[1])
            while pool.allowed != number:
                time.sleep(0.1)
            print("lanes", number, flush=True)
        elif line.startswith("share"):
            part = float(line.split()[1])
            while abs(pool.part - part) > 0.01:
                time.sleep(0.1)
            print("share", flush=True)
        else:
            break
"""


class Run:
    """A run in a process of its own, that has borrowed one lane."""

    def __init__(self, prefect, port, priority):
        environment = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
        command = [sys.executable, "-c", RUN, str(port), priority]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)

    def begun(self):
        return self.process.stdout.readline() == "begun\n"

    def say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def has(self, number):
        """Waits until the run may open so many lanes."""
        self.say(f"lanes {number}")
        return self.process.stdout.readline() == f"lanes {number}\n"

    def has_rate(self, part):
        """Waits until the run keeps to such a part of the studies per minute."""
        self.say(f"share {part}")
        return self.process.stdout.readline() == "share\n"

    def end(self):
        self.process.communicate("end\n", timeout=120)
        return self.process.returncode


def test_a_run_of_low_priority_gives_way_between_two_studies_and_goes_on_afterwards(prefect):
    low = Run(prefect, 71, "low")
    assert low.begun()
    assert low.has(2), "one of three is left free"
    assert low.has_rate(1), "and the whole rate is its own"
    high = Run(prefect, 71, "high")
    assert high.begun(), "at once, by the lane that was left free"
    assert low.has(0), "nothing new is begun"
    assert high.has(2), "the third lane is still in use"
    assert high.has_rate(2 / 3)
    low.say("return")
    assert high.has(3)
    assert high.has_rate(1)
    assert high.end() == 0
    assert low.has(2)
    assert low.end() == 0


def test_runs_of_one_priority_take_what_the_other_gives_back(prefect):
    first = Run(prefect, 72, "normal")
    assert first.begun()
    assert first.has(3)
    second = Run(prefect, 72, "normal")
    assert first.has(3)
    assert first.end() == 0
    assert second.begun()
    assert second.has(3)
    assert second.end() == 0
