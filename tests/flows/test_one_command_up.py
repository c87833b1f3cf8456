"""`up`, `deploy`, `serve`, `doctor`: projects run by schedule after one command, and what is wrong is told with a fix."""

import json
import os
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from pacsflow.simpacs import SimPacs, phantom_archive
from peers.ports import free_port, wait_until
from peers.prefect import BIN, Prefect
from project_folder import write_project
from whole_run import by_uid

OFTEN = {"every_minutes": 0.2}


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(2, matrix=16, images=2)) as simulator:
        yield simulator


def write(folder, pacs, called="night", **fields):
    node = {"port": pacs.port, "called_aet": pacs.aet}
    return write_project(folder / called, pacs=node, rows=by_uid(pacs.archive, 2), project=fields)


@contextmanager
def started(*words, **environment):
    """`pacsflow WORDS`, ended by Ctrl-C at the latest when what is within ends."""
    environment = {**os.environ, "COLUMNS": "200", **environment}
    command = [str(BIN / "pacsflow"), *map(str, words)]
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=200)


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status == 200
    except OSError:
        return False


def processes_with(text):
    """Process ids whose environment holds a text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found += [process.name] if text.encode() in (process / "environ").read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.timeout(900)
def test_one_command_brings_server_worker_and_schedules_up_and_one_ctrl_c_ends_all(tmp_path, pacs):
    write(tmp_path / "projects", pacs, schedule=[OFTEN], title="Nodules of nobody")
    port, health = free_port(), free_port()
    mark = f"pacsflow-up-{port}"
    told = {"PREFECT_HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "state"), "TEST_MARK": mark}
    words = ["up", "--all", tmp_path / "projects", "--port", port, "--health-port", health]
    with started(*words, **told) as process:
        wait_until(lambda: answers(f"http://127.0.0.1:{health}/health"), seconds=300, what="the worker's health")
        wait_until(
            (tmp_path / "projects" / "data" / "report" / "run.json").exists, seconds=300, what="a run by schedule"
        )
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{url}/ui-settings", timeout=60) as answer:
            assert json.load(answer)["api_url"] == f"{url}/api"
        with urllib.request.urlopen(f"{url}/api/admin/settings", timeout=60) as answer:
            server = json.load(answer)["server"]
        assert server["concurrency"]["lease_storage"].endswith(".filesystem")
        assert set(server["services"]["db_vacuum"]["enabled"]) == {"events", "flow_runs"}
        assert server["services"]["task_run_recorder"]["batch_size"] == 200
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=200)
        assert process.returncode == 0, said
    wait_until(lambda: not processes_with(mark), seconds=60, what="the end of all processes")
    assert "deployed: run project/night" in said


def test_deploy_makes_what_project_yaml_says_and_leaves_what_an_operator_changed(prefect, tmp_path, pacs):
    nightly = {"cron": "0 20 * * mon-fri", "timezone": "Europe/Zurich"}
    folder = write(tmp_path, pacs, "deployed", schedule=[nightly, {**OFTEN, "active": False}], title="Nodules")
    for _ in range(2):
        told = prefect.pacsflow_here("deploy", str(folder))
        assert "deployed: run project/deployed" in told
    [made] = prefect.asked("/deployments/filter", deployments={"name": {"any_": ["deployed"]}})
    assert (made["description"], made["tags"]) == ("Nodules", ["project:deployed", "node:test"])
    assert (made["global_concurrency_limit"]["limit"], made["concurrency_options"]["collision_strategy"]) == (
        1,
        "CANCEL_NEW",
    )
    cron, interval = sorted(made["schedules"], key=lambda one: "cron" not in one["schedule"])
    assert (cron["schedule"]["cron"], cron["schedule"]["timezone"], cron["active"]) == (*nightly.values(), True)
    assert (interval["schedule"]["interval"], interval["active"]) == (12, False)
    zombies = [one for one in prefect.asked("/automations/filter") if one["name"].startswith("pacsflow: runs whose")]
    assert len(zombies) == 1


def test_two_projects_of_one_name_and_a_wrong_schedule_are_refused_before_anything_is_sent(prefect, tmp_path, pacs):
    one, other = write(tmp_path / "a", pacs, "one"), write(tmp_path / "b", pacs, "other", name="one")
    assert "is the name of another project too" in prefect.pacsflow_here("deploy", str(one), str(other), expect=2)
    wrong = write(tmp_path / "c", pacs, "wrong", schedule=[{"cron": "at eight"}])
    assert "schedule[0].cron: is not a cron expression" in prefect.pacsflow_here("deploy", str(wrong), expect=2)
    assert "holds no project" in prefect.pacsflow_here("deploy", "--all", str(tmp_path / "a" / "one"), expect=2)
    assert prefect.asked("/deployments/filter", deployments={"name": {"any_": ["one", "wrong"]}}) == []


@pytest.mark.timeout(900)
def test_projects_are_served_without_a_work_pool(prefect, tmp_path, pacs):
    folder = write(tmp_path, pacs, "served", schedule=[OFTEN])
    told = {**prefect.environment(prefect.folder), "PREFECT_API_URL": prefect.url}
    with started("serve", folder, **told):
        wait_until((tmp_path / "data" / "report" / "run.json").exists, seconds=300, what="a run by schedule")
    [made] = prefect.asked("/deployments/filter", deployments={"name": {"any_": ["served"]}})
    assert made["work_pool_name"] is None


def test_doctor_finds_nothing_where_all_is_well_but_a_worker(prefect, tmp_path, pacs):
    folder = write(tmp_path, pacs, "well")
    prefect.pacsflow_here("deploy", str(folder), "--pool", "lonely")
    told = prefect.pacsflow_here("doctor", str(folder), "--pool", "lonely", expect=1)
    assert told.count("✗") == 1
    assert "✗ work pool lonely: no worker is online" in told
    assert "prefect worker start --pool lonely" in told
    assert "answers to PACSFLOW" in told


def test_doctor_tells_each_fault_of_a_project_with_its_fix(tmp_path, pacs, prefect):
    folder = write(tmp_path, pacs, "ill", workdir=str(tmp_path / "data"))
    (tmp_path / "data" / "private").mkdir(parents=True, mode=0o755)
    (tmp_path / "key").write_text("short")
    pacs.stop()
    told = prefect.pacsflow_here("doctor", "--no-prefect", str(folder), expect=1)
    assert "✗ work directory: its folder `private` can be read by others" in told
    assert "✗ key: " in told
    assert "✗ node test: " in told
    assert told.count("fix:") == 3


def test_doctor_tells_of_leases_in_memory_and_of_a_server_that_is_away(tmp_path):
    with Prefect(tmp_path / "server", leases="memory") as forgetful:
        told = forgetful.pacsflow_here("doctor", expect=1)
        assert "✗ leases on associations: the server keeps them in memory" in told
        forgetful.kill()
        assert "✗ Prefect: no answer at" in forgetful.pacsflow_here("doctor", expect=1)
        forgetful.start()
