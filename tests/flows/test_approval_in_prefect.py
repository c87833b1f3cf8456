"""A plan is approved, or refused, by the form of a suspended run, as Prefect's UI sends it; no process waits meanwhile."""

import json
import os
import subprocess
import urllib.request

import pytest

from pacsflow.cli.policy import policy as write_policy
from pacsflow.ledger import setting
from pacsflow.run.people.decisions import ledger_of
from pacsflow.simpacs import SimPacs, phantom_archive
from peers.prefect import BIN
from project_folder import write_project
from whole_run import by_uid, delivered


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(2, matrix=16, images=2)) as simulator:
        yield simulator


def got(prefect, path):
    with urllib.request.urlopen(f"{prefect.url}{path}", timeout=60) as answer:
        return json.load(answer)


class Deployed:
    """A project that needs approval, deployed; `work` has a worker do what is to be done now, and end."""

    def __init__(self, prefect, pacs, tmp_path, name, **fields):
        self.prefect, self.name = prefect, name
        node = {"port": pacs.port, "called_aet": pacs.aet}
        told = {"name": name, "approval": "required", **fields}
        self.folder = write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, 2), project=told)
        write_policy([self.folder], None, tmp_path / "policy.yaml")
        self.policy = {"PACSFLOW_POLICY": str(tmp_path / "policy.yaml")}
        prefect.pacsflow_here("deploy", str(self.folder), "--pool", name)
        [self.deployment] = prefect.asked("/deployments/filter", deployments={"name": {"any_": [name]}})

    def order(self):
        return self.prefect.asked(f"/deployments/{self.deployment['id']}/create_flow_run")["id"]

    def work(self):
        command = [str(BIN / "prefect"), "worker", "start", "--pool", self.name, "--run-once"]
        told = {"PREFECT_API_URL": self.prefect.url, **self.prefect.environment(self.prefect.folder)}
        done = subprocess.run(
            command, env={**os.environ, **told, **self.policy}, capture_output=True, text=True, timeout=250, check=False
        )
        return f"{done.stdout}{done.stderr}"

    def state(self, flow_run):
        return got(self.prefect, f"/flow_runs/{flow_run}")["state"]

    def form(self, flow_run):
        keys = self.state(flow_run)["state_details"]["run_input_keyset"]
        return {
            what: got(self.prefect, f"/flow_runs/{flow_run}/input/{key}")
            for what, key in keys.items()
            if what != "response"
        }

    def answer(self, flow_run, **said):
        return self.prefect.asked(f"/flow_runs/{flow_run}/resume", run_input=said)

    def record(self):
        with ledger_of(self.folder) as ledger:
            return json.loads(setting(ledger, "approved") or "{}")


@pytest.mark.timeout(900)
def test_a_run_waits_without_a_process_and_goes_on_once_a_person_has_approved(prefect, pacs, tmp_path):
    project = Deployed(prefect, pacs, tmp_path, "approving")
    flow_run = project.order()
    said = project.work()
    state = project.state(flow_run)
    assert (state["type"], state["name"]) == ("PAUSED", "Suspended"), said
    assert not delivered(project.folder)
    form = project.form(flow_run)
    assert "2 studies, 4 images" in form["description"]
    assert "GB and" in form["description"]
    assert form["schema"]["properties"]["decision"]["enum"] == ["approve", "refuse"]
    second = project.order()
    said = project.work()
    assert project.state(second)["name"] == "WaitingForApproval", said
    assert project.answer(flow_run, decision="maybe", name="anna")["status"] == "REJECT"
    assert project.answer(flow_run, decision="approve", name="anna", note="as the board said")["status"] == "ACCEPT"
    said = project.work()
    assert project.state(flow_run)["name"] == "Done", said
    assert len(delivered(project.folder)) == 4
    record = project.record()
    assert (record["by"], record["note"], record["plan"][:12] in form["description"]) == (
        "anna (Prefect)",
        "as the board said",
        True,
    )


@pytest.mark.soak
def test_what_was_refused_is_not_asked_again_until_it_is_approved_or_changes(prefect, pacs, tmp_path):
    project = Deployed(prefect, pacs, tmp_path, "refusing")
    flow_run = project.order()
    project.work()
    project.answer(flow_run, decision="refuse", name="anna", note="too much")
    project.work()
    assert project.state(flow_run)["name"] == "Refused"
    again = project.order()
    project.work()
    assert project.state(again)["name"] == "Refused"
    assert not delivered(project.folder)
    prefect.pacsflow_here("approve", str(project.folder))
    last = project.order()
    project.work()
    assert project.state(last)["name"] == "Done"


@pytest.mark.soak
def test_an_approval_that_does_not_come_in_time_ends_the_run_as_failed(prefect, pacs, tmp_path):
    project = Deployed(prefect, pacs, tmp_path, "timing-out", approval_days=1 / 86400)
    flow_run = project.order()
    project.work()
    answer = project.answer(flow_run, decision="approve", name="anna")
    assert answer["status"] == "REJECT"
    assert project.state(flow_run)["type"] == "FAILED"
    assert not delivered(project.folder)
