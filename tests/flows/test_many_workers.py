"""Two workers share a project: nothing is done twice, the files are those of one, and one of them may be killed."""

import os
import re
import subprocess
import sys
from contextlib import ExitStack

import pytest

from pacsflow.errors import BusyError, ProjectError
from pacsflow.projects import read_project
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.simpacs import phantom_archive
from peers.ports import wait_until
from project_folder import write_project
from whole_run import by_uid, delivered, fault, files_of, lying

STUDIES, IMAGES = 12, 3
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
WORKS = """
import sys, time
from pacsflow.ledger import runs, studies
studies.LEASE_SECONDS = runs.LEASE_SECONDS = 8
runs.SECONDS_BETWEEN_SIGNS = 1
if sys.argv[2] == "flow":
    from pacsflow.cli import main
    sys.argv = ["pacsflow", "run", sys.argv[1]]
    main()
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.ledger.runs import at_work_now
with open_session(sys.argv[1], action="run") as run:
    while len(at_work_now(run.ledger)) < int(sys.argv[3]):
        time.sleep(0.1)
    sys.exit(run_locally(run).state != "done")
"""
"""A run by tasks or by threads, whose leases run out sooner, so that a test need not wait for five minutes."""
SLOWLY = fault("slow", image=0.4)


@pytest.fixture
def containers():
    if subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode:
        pytest.skip("unshare is not permitted: two namespaces of process ids are needed for this test")


def shared(tmp_path, pacs, node, **fields):
    """A project of all studies, which several may run, each in a work directory of its own."""
    told = {"ledger": "${env:TEST_LEDGER}", "workers": 2, "workdir": "${env:TEST_WORK}/data", **fields}
    return write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, STUDIES), project=told)


def start(folder, work, ledger, *, how="threads", workers=1, **told):
    """A worker with process ids of its own, and with the host name of the other; it begins when all `workers` are there."""
    places = {"TEST_WORK": str(work), "XDG_STATE_HOME": str(work / "state")}
    environment = {**os.environ, "TEST_LEDGER": ledger, "COLUMNS": "200", **places, **told}
    command = [*CONTAINER, sys.executable, "-c", WORKS, str(folder), how, str(workers)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def end(process):
    said, _ = process.communicate(timeout=200)
    return process.returncode, said


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process gives, with a ledger in a file."""
    work = tmp_path_factory.mktemp("alone")
    with lying(archive=archive()) as (pacs, node):
        folder = write_project(work / "p", pacs=node, rows=by_uid(pacs.archive, STUDIES))
        with open_session(str(folder), action="run") as run:
            assert run_locally(run).state == "done"
    return delivered(folder), pacs.counts["finds"]


def archive():
    return phantom_archive(STUDIES, matrix=16, images=IMAGES)


def share(folder, pacs, tmp_path, *workers):
    """Both work to their end; the files of each."""
    ends = [end(worker) for worker in workers]
    assert [code for code, _ in ends] == [0, 0], ends
    assert (pacs.counts["gets"], pacs.counts["images sent"]) == (STUDIES, STUDIES * IMAGES)
    parts = [files_of(tmp_path / name / "data" / "out") for name in ("a", "b")]
    assert all(parts), "each had a part of the work"
    assert not parts[0].keys() & parts[1].keys()
    return parts[0] | parts[1]


@pytest.mark.usefixtures("containers")
def test_two_containers_of_one_host_name_share_the_work_and_give_what_one_process_gives(postgresql, tmp_path, alone):
    ledger = postgresql.database()
    with lying(SLOWLY, archive=archive()) as (pacs, node):
        folder = shared(tmp_path, pacs, node)
        workers = [start(folder, tmp_path / name, ledger, workers=2) for name in ("a", "b")]
        assert (share(folder, pacs, tmp_path, *workers), pacs.counts["finds"]) == alone
        code, said = end(start(folder, tmp_path / "a", ledger))
        assert code == 0, said
        assert pacs.counts["gets"] == STUDIES, "a third finds nothing to do"


@pytest.mark.soak
@pytest.mark.usefixtures("containers")
def test_two_containers_share_lanes_by_prefect_too(prefect, postgresql, tmp_path, alone):
    ledger, told = postgresql.database(), {"PREFECT_API_URL": prefect.url, **prefect.environment(prefect.folder)}
    with lying(fault("slow", image=3), archive=archive()) as (pacs, node):
        folder = shared(tmp_path, pacs, node)
        workers = [start(folder, tmp_path / name, ledger, how="flow", **told) for name in ("a", "b")]
        assert share(folder, pacs, tmp_path, *workers) == alone[0]


@pytest.mark.usefixtures("containers")
def test_what_a_killed_worker_left_the_other_brings(postgresql, tmp_path, alone):
    ledger = postgresql.database()
    with lying(fault("slow", image=1), archive=archive()) as (pacs, node):
        folder = shared(tmp_path, pacs, node)
        first, second = (start(folder, tmp_path / name, ledger, workers=2) for name in ("a", "b"))
        outs = [tmp_path / name / "data" / "out" for name in ("a", "b")]
        wait_until(lambda: all(map(files_of, outs)), what="a study of each worker")
        first.kill()
        first.communicate()
        code, said = end(second)
        assert code == 0, said
        parts = [files_of(out) for out in outs]
        assert parts[0] | parts[1] == alone[0]
        assert 0 <= pacs.counts["gets"] - STUDIES <= 4, "only what it had in hand is fetched again"


def test_more_workers_than_the_project_allows_are_kept_out(postgresql, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_LEDGER", postgresql.database())
    with lying(archive=archive()) as (pacs, node):
        folder = shared(tmp_path, pacs, node)
        with ExitStack() as stack:
            for name in "ab":
                monkeypatch.setenv("TEST_WORK", str(tmp_path / name))
                stack.enter_context(open_session(str(folder), action="run"))
            with pytest.raises(BusyError), open_session(str(folder), action="run"):
                pass


@pytest.mark.parametrize(
    ("fields", "deid", "told"),
    [
        ({"workers": 2}, {}, "needs `ledger` in PostgreSQL"),
        (
            {"workers": 2, "ledger": "${env:TEST_LEDGER}"},
            {"patient": {"source": "sequential", "prefix": "S"}},
            "each work directory would number by itself",
        ),
    ],
)
def test_what_several_runs_cannot_share_is_told_by_the_project(tmp_path, fields, deid, told):
    node = {"port": 1, "called_aet": "A"}
    folder = write_project(tmp_path / "p", pacs=node, rows=[{"id": "a", "PatientID": "1"}], project=fields, deid=deid)
    with pytest.raises(ProjectError, match=re.escape(told)):
        read_project(folder)
