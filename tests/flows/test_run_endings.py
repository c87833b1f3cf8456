"""How runs end in Prefect: red where a person is needed, with names, events and words that say why; never silent."""

import json
import re
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from pacsflow.simpacs import Faults, SimPacs, demo_archive, phantom_archive
from peers.ports import wait_until
from peers.told import mail_server, web_hook
from project_folder import write_project
from whole_run import by_uid

SLOW = Faults.model_validate({"faults": [{"kind": "slow", "answer": 0.3, "image": 0.2}]})


def twice(archive):
    """An accession number that two studies have."""
    numbers = [s.attributes["AccessionNumber"] for s in archive.studies.values()]
    return next(n for n in numbers if numbers.count(n) > 1)


def project(tmp_path, name, pacs, rows, **fields):
    node = {"port": pacs.port, "called_aet": pacs.aet}
    return write_project(tmp_path / name, pacs=node, rows=rows, project=fields)


def last(prefect, name):
    """The latest run of a project itself."""
    return next(run for run in prefect.runs(name) if not run["parent_task_run_id"])


def events(prefect, name):
    """What was told of a project's runs by `pacsflow.run.ended`."""
    resource = {"id": [f"pacsflow.project.{name}"]}
    since = {"since": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    found = prefect.asked(
        "/events/filter", filter={"event": {"name": ["pacsflow.run.ended"]}, "resource": resource, "occurred": since}
    )
    return [one["payload"] for one in found["events"]]


def test_a_run_with_a_held_row_is_red_says_why_and_tells_people(prefect, tmp_path):
    with SimPacs(demo_archive()) as pacs, web_hook() as hook, mail_server() as (port, box):
        smtp = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "pacs@example.org"}
        notify = [{"webhook": f"http://127.0.0.1:{hook.server_port}/"}, {"email": "data@example.org", "smtp": smtp}]
        rows = [{"id": "two", "AccessionNumber": twice(pacs.archive)}]
        folder = project(tmp_path, "held", pacs, rows, notify=notify)
        prefect.pacsflow("run", str(folder), expect=1)
    run = last(prefect, "held")
    assert (run["state"]["type"], run["state"]["name"]) == ("FAILED", "Held rows")
    assert run["state"]["message"] == "1 row: 1 held"
    assert re.fullmatch(r"held \d{4}-\d\d-\d\d \d\d:\d\d", run["name"])
    assert {"project:held", "node:test"} <= set(run["tags"])
    told = {"project": "held", "outcome": "Held rows", "red": True, "rows": {"held": 1}}
    wait_until(lambda: events(prefect, "held"), seconds=60, what="the event")
    assert events(prefect, "held") == [told]
    assert [body["rows"] for _, body in hook.told] == [{"held": 1}]
    assert "Subject: pacsflow held: Held rows" in box.mails[0]


def test_the_log_of_a_run_tells_its_story_and_names_rows_by_number(prefect, tmp_path):
    with SimPacs(demo_archive()) as pacs:
        uid = next(iter(pacs.archive.studies))
        rows = [{"id": "good", "StudyInstanceUID": uid}, {"id": "none", "StudyInstanceUID": "1.2.3"}]
        folder = project(tmp_path, "story", pacs, rows)
        prefect.pacsflow("run", str(folder), expect=1)
    run = last(prefect, "story")
    wanted = {"flow_run_id": {"any_": [run["id"]]}}
    wait_until(
        lambda: "report written" in str(prefect.asked("/logs/filter", logs=wanted)), seconds=60, what="the last line"
    )
    logged = prefect.asked("/logs/filter", logs=wanted)
    text = "\n".join(one["message"] for one in logged)
    for line in (
        "project story: 2 rows",
        "asks node test at",
        "may be asked at all hours",
        "plan: 2 rows",
        "associations with",
    ):
        assert line in text
    assert [one["message"] for one in logged if one["level"] == 30] == ["row 2: unmatched"]
    assert run["state"]["type"] == "COMPLETED", "an unmatched row needs nobody unless `alert` says so"
    keys = {one["key"] for one in prefect.asked("/artifacts/filter", artifacts={"key": {"like_": "story-"}})}
    assert keys == {"story-plan", "story-rows", "story-studies"}


def test_a_run_that_cannot_go_on_tells_people_too(prefect, tmp_path):
    with web_hook() as hook, SimPacs(demo_archive()) as pacs:
        rows = [{"id": "a", "StudyInstanceUID": next(iter(pacs.archive.studies))}]
        notify = [{"webhook": f"http://127.0.0.1:{hook.server_port}/"}]
        folder = project(tmp_path, "cannot", pacs, rows, notify=notify)
        pacs.stop()
        prefect.pacsflow_here("run", str(folder), expect=6)
    assert last(prefect, "cannot")["state"]["type"] == "FAILED"
    assert [body["outcome"] for _, body in hook.told] == ["Failed"]
    assert "PacsTransientError" in hook.told[0][1]["message"]


def test_the_form_limits_a_run_to_rows_plans_only_and_approves_this_very_plan(prefect, tmp_path):
    from flows.run_project import run_project

    with SimPacs(phantom_archive(3, matrix=16, images=2)) as pacs, prefect.here():
        folder = project(tmp_path, "form", pacs, by_uid(pacs.archive, 3), approval="required")
        planned = run_project(str(folder), rows="1-2", plan_only=True, return_state=True)
        assert (planned.name, pacs.counts["gets"]) == ("Planned", 0)
        waiting = run_project(str(folder), return_state=True)
        assert waiting.name == "WaitingForApproval"
        digest = re.search(r"`approve` = (\w+)", waiting.message)[1]
        wrong = run_project(str(folder), approve="0" * len(digest), return_state=True)
        assert "names another plan" in wrong.message
        first = run_project(str(folder), rows="2", approve=digest, return_state=True)
        assert first.name == "Rows left"
        assert pacs.counts["gets"] == 1
        assert run_project(str(folder), return_state=True).name == "Done"
        assert "is not a list of row numbers" in run_project(str(folder), rows="4", return_state=True).message


def test_fields_of_the_form_are_described():
    from flows.run_project import run_project

    fields = run_project.parameters.properties
    assert set(fields) == {"project", "rows", "plan_only", "approve", "now", "others"}
    assert all(field["description"] for field in fields.values())
    assert fields["plan_only"]["type"] == "boolean"


@pytest.fixture
def slow():
    with SimPacs(phantom_archive(3, matrix=16, images=30), SLOW) as pacs:
        yield pacs


def test_a_killed_run_is_marked_as_crashed_by_the_next_one_and_its_parts_too(prefect, slow, tmp_path):
    folder = project(tmp_path, "killed", slow, by_uid(slow.archive, 3))
    with prefect.start_pacsflow("run", str(folder)) as process:
        wait_until(lambda: slow.counts["gets"], seconds=200, what="a retrieval")
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert {run["state"]["type"] for run in prefect.runs("killed")} & {"RUNNING"}
    slow.counts.clear()
    prefect.pacsflow_here("plan", str(folder))
    runs = prefect.runs("killed")
    below = {"parent_flow_run_id": {"any_": [run["id"] for run in runs]}}
    parts = prefect.asked("/flow_runs/filter", flow_runs=below, sort="START_TIME_DESC")
    states = [run["state"]["type"] for run in (*runs, *parts)]
    assert "RUNNING" not in states
    assert states.count("CRASHED") == 2, "the run, and the part of it that fetched"


@pytest.mark.timeout(600)
def test_a_server_that_is_away_at_last_ends_a_run_with_its_own_exit_code(tmp_path, slow):
    from peers.prefect import Prefect

    with Prefect(tmp_path / "server") as prefect, web_hook() as hook:
        notify = [{"webhook": f"http://127.0.0.1:{hook.server_port}/"}]
        folder = project(tmp_path, "away", slow, by_uid(slow.archive, 3), notify=notify)
        with prefect.start_pacsflow("run", str(folder), PREFECT_CLIENT_MAX_RETRIES="1") as process:
            wait_until(lambda: slow.counts["gets"], seconds=200, what="a retrieval")
            prefect.kill()
            told, _ = process.communicate(timeout=200)
    assert process.returncode == 11, told
    assert "does not answer" in told
    assert "fault of pacsflow" not in told
    assert ["ServerError" in body["message"] for _, body in hook.told] == [True]
    record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
    assert record["outcome"] in {"complete", "partly"}, "what came is on the report"
    ledger = f"file:{tmp_path / 'data' / 'private' / 'ledger.sqlite'}?mode=ro"
    with closing(sqlite3.connect(ledger, uri=True)) as book:
        assert book.execute("SELECT count(*) FROM runs WHERE ended IS NULL").fetchone() == (0,)


@pytest.mark.soak  # passes alone; on a full machine the first request of a new client may still meet the gap
@pytest.mark.timeout(600)
def test_a_run_waits_for_a_server_that_is_restarted(tmp_path, slow):
    assert _outlives(tmp_path, slow, seconds=8) == "complete"


@pytest.mark.soak
def test_a_run_outlives_minutes_without_a_server(tmp_path, slow):
    # longer than Prefect's own client tries: its waits are 2, 4, … 32 s
    assert _outlives(tmp_path, slow, seconds=75) == "complete"


def _outlives(tmp_path, slow, *, seconds):
    """How a run ends whose server is away for so long in its midst, and comes back."""
    from peers.prefect import Prefect

    with Prefect(tmp_path / "server") as prefect:
        folder = project(tmp_path, "outage", slow, by_uid(slow.archive, 3))
        with prefect.start_pacsflow("run", str(folder)) as process:
            wait_until(lambda: slow.counts["gets"], seconds=200, what="a retrieval")
            prefect.kill()
            time.sleep(seconds)
            prefect.start()
            told, _ = process.communicate(timeout=600)
    assert process.returncode == 0, told
    return json.loads((tmp_path / "data" / "report" / "run.json").read_text())["outcome"]
