"""A table too large for a task run per row: Prefect shows chunks, and each row that is not done; the results are the same."""

import csv

import pytest

from pacsflow.simpacs import phantom_archive
from project_folder import write_project
from whole_run import by_uid, delivered, fault, lying

STUDIES, IMAGES = 5, 3
RETRIES = {"attempts": 2, "wait": {"first": 0, "max": 0}}


def run(prefect, folder, per_row):
    """The report's table, the files delivered, and the names and states of the task runs, of a run with a threshold."""
    with lying(
        fault("drop-images", every=3, counted="failed", times=1),
        archive=phantom_archive(STUDIES, matrix=16, images=IMAGES),
    ) as (pacs, node):
        first, second, third, *others = by_uid(pacs.archive, STUDIES)
        two = "\\".join([second["StudyInstanceUID"], third["StudyInstanceUID"]])  # of two patients
        nothing = {"id": "nothing", "StudyInstanceUID": "1.2.3"}
        asked = [{"id": "held", "StudyInstanceUID": two}, nothing, first, *others]
        fields = {"task_run_per_row_up_to": per_row, "name": f"grain{per_row}"}
        folder = write_project(folder / "p", pacs={**node, "retries": RETRIES}, rows=asked, project=fields)
        prefect.pacsflow_here("run", str(folder), expect=1)
        with (folder.parent / "data" / "report" / "results.csv").open(encoding="utf-8-sig") as file:
            table = [{**line, "seconds": ""} for line in csv.DictReader(file)]
    [top] = prefect.runs(f"grain{per_row}")
    parts = prefect.asked("/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [top["id"]]}})
    ids = [part["id"] for part in parts]
    tasks = prefect.asked("/task_runs/filter", task_runs={"flow_run_id": {"any_": ids}})
    return table, delivered(folder), {one["name"]: one["state"] for one in tasks}


pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def fine(server_of_all, tmp_path_factory):
    return run(server_of_all, tmp_path_factory.mktemp("fine"), 2000)


def test_results_are_those_of_a_task_per_row_and_each_row_that_is_not_done_is_a_task(prefect, tmp_path, fine):
    table, out, tasks = run(prefect, tmp_path, STUDIES - 1)
    assert (table, out) == fine[:2]
    assert [line["status"] for line in table] == ["held", "unmatched", *["complete"] * 3]
    assert {"find row 1", "find row 2", "find row 3"} <= set(fine[2])
    assert [name for name in sorted(tasks) if "rows" in name or "studies" in name] == [
        "fetch and deliver studies 1-3",
        "find rows 1-5",
    ]
    [held] = [state for name, state in tasks.items() if name.startswith("find row ")]
    assert (held["name"], held["type"]) == ("Held", "COMPLETED")
    assert held["message"] == table[0]["reason"]
    again = [state for name, state in tasks.items() if name.startswith("fetch study ")]
    assert [state["type"] for state in again] == ["COMPLETED"] * 3, "each was retried"


def test_what_fails_for_good_is_a_red_task_with_its_reason(prefect, tmp_path):
    with lying(
        fault("drop-images", every=1, counted="failed"), archive=phantom_archive(2, matrix=16, images=IMAGES)
    ) as (pacs, node):
        asked = by_uid(pacs.archive, 2)
        fields = {"task_run_per_row_up_to": 0, "name": "red"}
        folder = write_project(tmp_path / "p", pacs={**node, "retries": RETRIES}, rows=asked, project=fields)
        prefect.pacsflow_here("run", str(folder), expect=1)
        retrievals = pacs.counts["gets"]
    [top] = prefect.runs("red")
    parts = prefect.asked("/flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [top["id"]]}})
    tasks = prefect.asked("/task_runs/filter", task_runs={"flow_run_id": {"any_": [part["id"] for part in parts]}})
    red = [one for one in tasks if one["name"].startswith("fetch study ")]
    assert [one["state"]["type"] for one in red] == ["FAILED"] * 2
    assert all("instances did not come" in one["state"]["message"] for one in red)
    assert {one["run_count"] for one in red} == {RETRIES["attempts"]}
    assert retrievals <= 2 * RETRIES["attempts"] * IMAGES
