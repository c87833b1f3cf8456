"""Lanes are shared between runs through Prefect, and given back even by a run that was killed."""

import os
import subprocess
import sys

HOLD = """
import sys, time
from schemas.pacs import PacsNode
from tasks.lanes import LanePool
from tasks.slots import slots
node = PacsNode(name="n", host="127.0.0.1", port=int(sys.argv[1]), called_aet="A", limits={"associations": 3})
with slots(LanePool(node)) as granted:
    print(granted, flush=True)
    if sys.argv[2] == "hold":
        sys.stdin.readline()
"""


def holder(prefect, port, what):
    environment = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    command = [sys.executable, "-c", HOLD, str(port), what]
    return subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


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
