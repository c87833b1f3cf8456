"""Whatever falls down meanwhile: within five minutes Prefect says what the ledger says, and no slot is taken by nobody."""

import os
import signal
import subprocess
import time
from contextlib import contextmanager

import pytest

from pacsflow.simpacs import phantom_archive
from peers.disk import disk
from peers.ports import wait_until
from peers.postgresql import Postgresql
from peers.prefect import BIN, Prefect
from project_folder import write_project
from whole_run import by_uid, fault, files_of, lying

STUDIES = 8
MINUTES = 300
UNENDED = ("RUNNING", "PENDING", "SCHEDULED", "CANCELLING", "PAUSED")


class Night:
    """A project whose images come slowly, and what Prefect and the ledger say of it."""

    def __init__(self, tmp_path, pacs, node, prefect, name):
        self.prefect, self.name, self.out = prefect, name, tmp_path / "data" / "out"
        fields = {"name": name}
        self.folder = write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, STUDIES), project=fields)

    def ends(self):
        """Name and type of the states of all runs of the project, the latest first."""
        return [(run["state"]["name"], run["state"]["type"]) for run in self.prefect.runs(self.name)]

    def taken(self):
        """Slots that are taken, of all limits."""
        return sum(limit["active_slots"] for limit in self.prefect.asked("/v2/concurrency_limits/filter"))

    def agrees(self):
        """Whether Prefect says what the ledger says: the last run has ended, and nothing is held."""
        try:
            parts = self.prefect.asked("/flow_runs/filter")
        except OSError:
            return False
        return not [one for one in parts if one["state"]["type"] in UNENDED] and self.taken() == 0

    def settles(self):
        wait_until(self.agrees, seconds=MINUTES, what=f"agreement of Prefect with the ledger ({self.ends()})")
        told = self.prefect.pacsflow_here("status", str(self.folder), "--json")
        assert f'"complete": {STUDIES}' in told, told
        assert len(files_of(self.out)) == STUDIES * 2


@contextmanager
def night(tmp_path, prefect, name, seconds=1.0):
    with lying(fault("slow", image=seconds), archive=phantom_archive(STUDIES, matrix=16, images=2)) as (pacs, node):
        yield pacs, Night(tmp_path, pacs, node, prefect, name)


def run_through(prefect, project, pacs, disturb, **told):
    """A run, disturbed once it fetches."""
    with prefect.start_pacsflow("run", str(project.folder), **told) as process:
        wait_until(lambda: pacs.counts["gets"], seconds=200, what="a retrieval")
        disturb()
        said, _ = process.communicate(timeout=900)
    assert process.returncode == 0, said


def test_a_run_that_is_killed_is_crashed_and_the_next_one_frees_its_lanes(prefect, tmp_path):
    with night(tmp_path, prefect, "killed", seconds=0.3) as (pacs, project):
        with prefect.start_pacsflow("run", str(project.folder)) as process:
            wait_until(lambda: pacs.counts["gets"], seconds=200, what="a retrieval")
            process.kill()
        assert project.ends() == [("Running", "RUNNING")]
        prefect.pacsflow_here("run", str(project.folder))
        assert project.ends() == [("Done", "COMPLETED"), ("Crashed", "CRASHED")]
        assert project.taken() == 0


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [5, 120])
def test_a_server_that_is_killed_and_comes_back(tmp_path, seconds):
    with Prefect(tmp_path / "server") as prefect, night(tmp_path, prefect, "outage") as (pacs, project):

        def away():
            prefect.kill()
            time.sleep(seconds)
            prefect.start()

        run_through(prefect, project, pacs, away)
        project.settles()


@pytest.mark.soak
def test_a_worker_that_is_killed(tmp_path):
    with Prefect(tmp_path / "server") as prefect, night(tmp_path, prefect, "worker") as (pacs, project):
        prefect.pacsflow_here("deploy", str(project.folder), "--pool", "worker")
        [deployment] = prefect.asked("/deployments/filter", deployments={"name": {"any_": ["worker"]}})
        told = {**os.environ, **prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
        command = [str(BIN / "prefect"), "worker", "start", "--pool", "worker"]

        def start(name):
            with (tmp_path / f"{name}.txt").open("w") as log:
                return subprocess.Popen(command, env=told, stdout=log, stderr=log, start_new_session=True)

        def order():
            return prefect.asked(f"/deployments/{deployment['id']}/create_flow_run")["id"]

        order()
        first = start("first")
        wait_until(lambda: pacs.counts["gets"], seconds=200, what="a retrieval")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        second = start("second")
        try:
            # the run may outlive its worker; where it does not, its lease has orders cancelled for five minutes
            def done():
                if ("Done", "COMPLETED") in project.ends():
                    return True
                if all(kind not in UNENDED[1:3] for _, kind in project.ends()):
                    order()
                return False

            wait_until(done, seconds=2 * MINUTES, what="a run that brings the rest")
            project.settles()
        finally:
            os.killpg(second.pid, signal.SIGTERM)
            second.wait(60)


@pytest.mark.soak
def test_prefects_postgresql_is_restarted(tmp_path):
    with Postgresql() as database:
        address = database.database().replace("postgresql://", "postgresql+asyncpg://")
        server = Prefect(tmp_path / "server", database=address)
        with server as prefect, night(tmp_path, prefect, "database") as (pacs, project):

            def restart():
                database.kill()
                time.sleep(10)
                (database.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
                database.start()

            run_through(prefect, project, pacs, restart)
            project.settles()
            prefect.faults_expected = True


@pytest.mark.soak
def test_the_disk_of_prefects_database_is_full_for_a_while(tmp_path):
    with (
        disk(tmp_path / "server", 30_000) as make_room,
        Prefect(tmp_path / "server") as prefect,
        night(tmp_path, prefect, "full") as (pacs, project),
    ):

        def fill():
            filler = tmp_path / "server" / "filler"
            with pytest.raises(OSError, match="No space left"):
                filler.write_bytes(bytes(64 << 20))
            time.sleep(20)
            make_room()

        # a full disk is an answer 500, which Prefect's client does not wait for unless it is told to
        run_through(prefect, project, pacs, fill, PREFECT_CLIENT_RETRY_EXTRA_CODES="500")
        project.settles()
        prefect.faults_expected = True
