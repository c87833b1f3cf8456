"""Lanes are shared between runs through Prefect, and given back even by a run that was killed."""

import os
import subprocess
import sys

import pytest

from peers.prefect import BIN, Prefect

HOLD = """
import sys, time
from schemas.pacs import PacsNode
from pacsflow.run.lanes.pool import LanePool
from tasks.slots import slots
node = PacsNode(name="n", host="127.0.0.1", port=int(sys.argv[1]), called_aet="A", limits={"associations": 3})
with slots(LanePool(node)) as granted:
    print(granted, flush=True)
    if sys.argv[2] == "hold":
        sys.stdin.readline()
"""


PROCESSES: list[subprocess.Popen] = []


@pytest.fixture(autouse=True)
def started():
    """Processes that a test started: none outlives it, whatever became of it."""
    PROCESSES.clear()
    yield
    for process in PROCESSES:
        with process:
            process.kill()


def holder(prefect, port, what):
    environment = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    command = [sys.executable, "-c", HOLD, str(port), what]
    process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    PROCESSES.append(process)
    return process


def granted(process):
    return int(process.stdout.readline())


def end(process):
    process.communicate(input="\n", timeout=120)
    return process.returncode


def test_a_run_takes_what_is_free_and_gives_it_back(prefect):
    first = holder(prefect, 1, "hold")
    assert granted(first) == 3
    assert end(first) == 0
    second = holder(prefect, 1, "go")
    assert granted(second) == 3
    assert end(second) == 0


def test_slots_of_a_killed_run_come_back_at_once_and_those_of_a_living_one_do_not(prefect):
    living, killed = holder(prefect, 2, "hold"), holder(prefect, 3, "hold")
    assert granted(living) == granted(killed) == 3
    killed.kill()
    killed.communicate()
    after = holder(prefect, 3, "go")
    assert granted(after) == 3
    assert end(after) == 0
    waiting = holder(prefect, 2, "go")
    assert waiting.poll() is None
    assert end(living) == 0
    assert granted(waiting) == 3
    assert end(waiting) == 0


def test_a_limit_that_an_operator_set_is_kept_to_and_left_alone(prefect):
    first = holder(prefect, 4, "go")
    assert granted(first) == 3
    assert end(first) == 0
    told = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    name = "pacsflow A at 127.0.0.1:4"
    command = [str(BIN / "prefect"), "gcl", "update", name, "--limit", "2"]
    assert subprocess.run(command, env=told, capture_output=True, check=False).returncode == 0
    for _ in range(2):
        run = holder(prefect, 4, "go")
        assert granted(run) == 2
        assert end(run) == 0


SPEAKING = """
import sys, time
from schemas.pacs import PacsNode
from pacsflow.run.lanes.pool import LanePool
from tasks import holders, saying, slots
slots.SECONDS_BETWEEN_LOOKS, holders.LEASE_SECONDS = 0.2, 10
node = PacsNode(name="n", host="127.0.0.1", port=int(sys.argv[1]), called_aet="A", limits={"associations": 3})
pool = LanePool(node)
with saying.heard_by(lambda text: print(text, flush=True)), slots.slots(pool, who=sys.argv[2]) as granted:
    print(granted, flush=True)
    for line in sys.stdin:
        for number in (0, 3):
            while pool.allowed != number:
                time.sleep(0.05)
        print("again", flush=True)
"""


class Speaking:
    """A run that says what it waits for; it looks often, and takes who is silent for ten seconds for dead."""

    def __init__(self, prefect, port, who):
        environment = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
        command = [sys.executable, "-c", SPEAKING, str(port), who]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment, text=True, **pipes)
        PROCESSES.append(self.process)
        self.said = []

    def says(self, text):
        """Waits until it says a line with such a text; whether it ever did."""
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return True
        return False

    def end(self):
        self.process.communicate(timeout=120)
        return self.process.returncode


@pytest.fixture
def forgetful(tmp_path):
    """A server that keeps its leases in memory, as Prefect does unless it is told otherwise."""
    with Prefect(tmp_path / "server", leases="memory") as server:
        yield server


def test_slots_that_a_restarted_server_has_forgotten_are_freed_when_nobody_holds_them(forgetful):
    killed = Speaking(forgetful, 5, "killed")
    assert killed.says("3\n")
    killed.process.kill()
    killed.end()
    forgetful.kill()
    forgetful.start()
    waiting = Speaking(forgetful, 5, "night")
    assert waiting.says("waits for an association with A at 127.0.0.1:5: 3 of 3 held by ")
    assert waiting.says("freed 3 slots of `pacsflow A at 127.0.0.1:5` without a holder"), waiting.said
    assert waiting.says("3\n")
    assert waiting.end() == 0


def test_a_run_whose_leases_the_server_has_forgotten_takes_its_lanes_again(forgetful):
    run = Speaking(forgetful, 6, "night")
    assert run.says("3\n")
    forgetful.kill()
    forgetful.start()
    run.process.stdin.write("go\n")
    run.process.stdin.flush()
    assert run.says("freed 3 slots"), run.said
    assert run.says("again")
    assert run.end() == 0


def test_who_waits_says_for_whom_and_nothing_is_freed_that_a_living_run_holds(prefect):
    holding = Speaking(prefect, 7, "long")
    assert holding.says("3\n")
    waiting = Speaking(prefect, 7, "night")
    assert waiting.says("3 of 3 held by long on ")
    assert holding.end() == 0
    assert waiting.says("goes on")
    assert not any("freed" in line for line in waiting.said)
    assert waiting.end() == 0


def test_a_server_that_keeps_its_leases_in_memory_is_warned_of(forgetful, prefect):
    told = {}
    for server in (forgetful, prefect):
        command = [sys.executable, "-c", "from tasks.server_facts import warn_of_memory; warn_of_memory(print)"]
        environment = {**os.environ, "PREFECT_API_URL": server.url}
        told[server] = subprocess.run(command, env=environment, text=True, capture_output=True, check=True).stdout
    assert "leases on associations in memory" in told[forgetful]
    assert told[prefect] == ""
