"""Runs by threads of this process: the policy of the tasks, the limits of the node, an end in order."""

import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect import Task

from pacsflow.errors import BusyError, PacsflowError, PacsPermanentError, PacsTransientError, PausedError
from pacsflow.run.again import tried_again
from pacsflow.run.lanes.local_slots import local_slots
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.unexpected import UnexpectedError
from schemas import PacsNode
from schemas.pacs import Retries
from tasks._policy import with_retries
from whole_run import IMAGES, delivered, fault, lying, project, run_once


class Waits(threading.Event):
    """Never waits; remembers how long it was asked to."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def wait(self, timeout=None):
        self.asked.append(timeout)
        return self.is_set()


@given(st.integers(1, 9), st.floats(0, 50), st.floats(0, 700))
def test_waits_are_those_of_the_tasks(attempts, first, most):
    retries = Retries.model_validate({"attempts": attempts, "wait": {"first": first, "max": most}})
    task = with_retries(Task(lambda: None), retries)
    waits, calls = Waits(), []

    def fail():
        calls.append(1)
        raise PacsTransientError("busy")

    with pytest.raises(PacsTransientError):
        tried_again(fail, retries, "fail", stopped=waits)
    assert len(calls) == attempts == task.retries + 1
    assert waits.asked == list(task.retry_delay_seconds or [])


@pytest.mark.parametrize("error", [PacsPermanentError("no"), ValueError("PATIENT"), SystemExit(3), MemoryError()])
def test_what_will_not_pass_is_not_tried_again_and_tells_of_nobody(error):
    calls = []

    def fail():
        calls.append(1)
        raise error

    with pytest.raises(PacsflowError) as told:
        tried_again(fail, Retries(), "fail", stopped=Waits())
    assert len(calls) == 1
    assert "PATIENT" not in str(told.value)
    assert told.value.__context__ is None
    assert isinstance(told.value, PacsPermanentError | UnexpectedError)


def test_ctrl_c_is_not_tried_again_and_waiting_ends_when_stopped():
    with pytest.raises(KeyboardInterrupt):
        tried_again(lambda: (_ for _ in ()).throw(KeyboardInterrupt), Retries(), "x", stopped=Waits())
    stopped = Waits()
    stopped.set()
    with pytest.raises(PausedError, match="stopped by hand"):
        tried_again(lambda: (_ for _ in ()).throw(PacsTransientError("busy")), Retries(), "x", stopped=stopped)


def pool(associations):
    limits = {"associations": associations}
    return LanePool(PacsNode(name="n", host="h", port=104, called_aet="A", limits=limits))


def test_pools_of_one_node_share_its_associations():
    first, second, third = pool(4), pool(4), pool(4)
    with local_slots(first, most=3) as mine, local_slots(second) as rest:
        assert (mine, rest) == (3, 1)
        assert (first.allowed, second.allowed) == (3, 1)
        with pytest.raises(BusyError, match="all 4 associations to node n are in use"), local_slots(third, patience=0):
            pass
        third.stop()
        with pytest.raises(PausedError), local_slots(third):
            pass
    assert (first.allowed, second.allowed) == (0, 0)
    with local_slots(pool(4)) as number:
        assert number == 4


def test_a_process_that_is_killed_leaves_its_associations_to_others():
    told = (
        "import time; from unit.run.test_local_runner import *\n"
        "with local_slots(pool(2)) as number:\n    print(number, flush=True)\n    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True, cwd="tests") as other:
        try:
            assert other.stdout.readline() == "2\n"
            with pytest.raises(BusyError), local_slots(pool(2), patience=0):
                pass
        finally:
            other.kill()
    with local_slots(pool(2)) as number:
        assert number == 2


@pytest.mark.parametrize(
    "faults",
    [[], [fault("abort", times=1)], [fault("busy", times=1)]],
    ids=["honest", "aborts once", "is busy once"],
)
def test_a_run_by_threads_comes_to_what_tasks_come_to(tmp_path, faults):
    with lying() as (pacs, node):
        told = run_once(project(tmp_path / "tasks", pacs, node), pacs)
    with lying(*faults) as (pacs, node):
        folder = project(tmp_path / "threads", pacs, node)
        with open_session(str(folder), action="run") as run:
            ended = run_locally(run)
    assert (ended.state, ended.report.statuses) == ("done", {"complete": 2})
    assert delivered(folder) == told.out
    assert len(told.out) == 2 * IMAGES


def test_a_run_outside_the_hours_is_paused_and_one_that_needs_approval_waits(tmp_path):
    with lying() as (pacs, node):
        waiting = project(tmp_path / "waiting", pacs, node, project={"approval": "required"})
        with open_session(str(waiting), action="run") as run:
            assert run_locally(run).state == "waiting for approval"
        hours = {"timezone": "UTC", "allow": [{"days": "mon", "from": "00:00", "to": "00:01"}]}
        shut = project(tmp_path / "shut", pacs, {**node, "hours": hours})
        before = pacs.counts.copy()
        with open_session(str(shut), action="run") as run:
            ended = run_locally(run)
    assert ended.state == "paused"
    assert pacs.counts == before


def test_a_node_that_does_not_answer_ends_the_run(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, {**node, "port": 1})
    with open_session(str(folder), action="run") as run, pytest.raises(PacsTransientError):
        run_locally(run)
