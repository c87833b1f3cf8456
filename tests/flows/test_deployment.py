"""A project runs by a Prefect deployment and a worker, as prefect.yaml and docs/operation.md say."""

import json
import os
import re
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from pacsflow.cli.server import DEMO_KEY
from pacsflow.projects import read_project
from pacsflow.simpacs import SimPacs, demo_archive
from peers.ports import free_port
from peers.prefect import BIN

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path):
    """What a worker needs of the checkout; the demo's PACS at a port that nobody else on this machine has."""
    folder = tmp_path / "checkout"
    shutil.copytree(ROOT / "flows", folder / "flows")
    shutil.copytree(ROOT / "projects" / "demo", folder / "projects" / "demo")
    shutil.copy(ROOT / "prefect.yaml", folder)
    node = folder / "projects" / "demo" / "pacs.yaml"
    text, found = re.subn(r"\b1114[01]\b", lambda _: str(free_port()), node.read_text("utf-8"))
    assert found == 2, "where it listens, and where we do"
    node.write_text(text, "utf-8")
    return folder


def test_the_demo_runs_as_a_deployment_by_a_worker(prefect, checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_WORK", str(tmp_path))
    monkeypatch.setenv("PACSFLOW_DEMO_KEY", DEMO_KEY)
    environment = {
        **os.environ,
        **prefect.environment(prefect.folder),
        "PREFECT_API_URL": prefect.url,
        "COLUMNS": "250",
    }
    project = read_project(checkout / "projects" / "demo")

    def command(*words: str) -> str:
        done = subprocess.run(
            [str(BIN / "prefect"), "--no-prompt", *words],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command("work-pool", "create", "pacsflow", "--type", "process")
    command("deploy", "--name", "demo")
    command("deployment", "run", "run project/demo")
    with SimPacs(demo_archive(), port=project.pacs.port, aet=project.pacs.called_aet):
        command("worker", "start", "--pool", "pacsflow", "--run-once")
    assert (tmp_path / "demo" / "report" / "report.html").exists()
    assert list((tmp_path / "demo" / "out").rglob("*.nii.gz"))
    query = json.dumps({"deployments": {"name": {"any_": ["demo"]}}}).encode()
    asked = urllib.request.Request(
        f"{prefect.url}/flow_runs/filter", query, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(asked) as answer:
        [flow_run] = json.load(answer)
    assert flow_run["state"]["name"] == "WorkLeft"
    assert "1 held" in flow_run["state"]["message"]
