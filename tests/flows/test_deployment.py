"""A project runs by a Prefect deployment and a worker, as prefect.yaml and docs/operation.md say."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pacsflow.cli.policy import policy as write_policy
from pacsflow.cli.server import DEMO_KEY
from pacsflow.projects import read_project
from pacsflow.simpacs import SimPacs, demo_archive
from peers.ports import free_port, wait_until
from peers.prefect import BIN, Prefect

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """What a worker needs of the checkout; the demo's PACS at a port of its own on this machine."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "flows", folder / "flows")
    shutil.copytree(ROOT / "projects" / "demo", folder / "projects" / "demo")
    shutil.copy(ROOT / "prefect.yaml", folder)
    node = folder / "projects" / "demo" / "pacs.yaml"
    text, found = re.subn(r"\b1114[01]\b", lambda _: str(free_port()), node.read_text("utf-8"))
    assert found == 2, "where it listens, and where we do"
    node.write_text(text, "utf-8")
    return folder


class Commands:
    """Prefect's own commands, as docs/operation.md gives them, from the checkout against a server."""

    def __init__(self, prefect, checkout):
        self._checkout, self._url = checkout, prefect.url
        told = {"PREFECT_API_URL": prefect.url, "COLUMNS": "250"}
        self._environment = {**os.environ, **prefect.environment(prefect.folder), **told}

    def start(self, *words, **how):
        command = [str(BIN / "prefect"), "--no-prompt", *words]
        return subprocess.Popen(command, cwd=self._checkout, env=self._environment, text=True, **how)

    def __call__(self, *words: str) -> str:
        with self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                told, _ = process.communicate(timeout=200)
            finally:
                process.kill()
        assert process.returncode == 0, told
        return told

    def runs(self, deployment):
        """The runs of a deployment, as Prefect's server tells them."""
        query = json.dumps({"deployments": {"name": {"any_": [deployment]}}}).encode()
        asked = urllib.request.Request(
            f"{self._url}/flow_runs/filter", query, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(asked) as answer:
            return json.load(answer)


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_WORK", str(tmp_path))
    monkeypatch.setenv("PACSFLOW_DEMO_KEY", DEMO_KEY)


@pytest.fixture
def policy(work, checkout, tmp_path, monkeypatch):
    """The worker's, of what the demo says."""
    write_policy([checkout / "projects" / "demo"], None, tmp_path / "policy.yaml")
    monkeypatch.setenv("PACSFLOW_POLICY", str(tmp_path / "policy.yaml"))


def demo_pacs(checkout):
    node = read_project(checkout / "projects" / "demo").pacs
    return SimPacs(demo_archive(), port=node.port, aet=node.called_aet)


@pytest.mark.usefixtures("policy")
def test_the_demo_runs_as_a_deployment_by_a_worker(prefect, checkout, tmp_path):
    command = Commands(prefect, checkout)
    # Others share this server, and may have made the pool.
    command("work-pool", "create", "pacsflow", "--type", "process", "--overwrite")
    command("deploy", "--name", "demo")
    command("deployment", "run", "run project/demo")
    with demo_pacs(checkout):
        command("worker", "start", "--pool", "pacsflow", "--run-once")
    assert (tmp_path / "demo" / "report" / "report.html").exists()
    assert list((tmp_path / "demo" / "out").rglob("*.nii.gz"))
    [flow_run] = command.runs("demo")
    assert (flow_run["state"]["type"], flow_run["state"]["name"]) == ("FAILED", "Held rows")
    assert "1 held" in flow_run["state"]["message"]


def by_schedule(checkout):
    """The checkout's prefect.yaml, its deployment twice: every ten seconds, and at each full minute."""
    file = checkout / "prefect.yaml"
    told = YAML(typ="safe").load(file.read_text("utf-8"))
    [demo] = told["deployments"]
    often, full = {"interval": 10, "active": True}, {"cron": "* * * * *", "timezone": "Europe/Zurich", "active": True}
    told["deployments"] = [
        {**demo, "name": "often", "schedules": [often]},
        {**demo, "name": "full-minutes", "schedules": [full]},
    ]
    file.write_text(json.dumps(told), "utf-8")


def ended(runs):
    """Those that a schedule began and that went to their end: red, as the demo holds a row for a person."""
    return [run for run in runs if run["auto_scheduled"] and run["state"]["name"] in ("Held rows", "AlreadyRunning")]


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("policy")
def test_schedules_start_runs_by_a_worker_and_the_server_has_no_fault(checkout, tmp_path):
    by_schedule(checkout)
    with Prefect(tmp_path / "server") as prefect, demo_pacs(checkout):
        command = Commands(prefect, checkout)
        command("work-pool", "create", "pacsflow", "--type", "process")
        command("deploy", "--all")
        with (tmp_path / "worker.txt").open("w") as said:
            how = {"stdout": said, "stderr": said, "start_new_session": True}
            worker = command.start("worker", "start", "--pool", "pacsflow", "--limit", "2", **how)
            try:
                wait_until(
                    lambda: len(ended(command.runs("often"))) >= 2 and ended(command.runs("full-minutes")),
                    seconds=600,
                    what="two runs by interval and one by cron",
                )
            finally:
                worker.terminate()
                worker.wait(60)
        assert {run["state"]["type"] for run in ended(command.runs("often"))} <= {"FAILED", "COMPLETED"}
        assert (tmp_path / "demo" / "report" / "report.html").exists()
