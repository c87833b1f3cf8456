"""plan and run for scripts: one JSON object each, the log of both, and no identifier in either."""

import json

from project_folder import write_project
from whole_run import by_uid, lying


def answered(said):
    """The answer, which comes after the lines of progress."""
    return json.loads(said[said.index("\n{\n") :])


def test_a_plan_and_a_run_answer_and_write_their_log(prefect, tmp_path):
    log = tmp_path / "log"
    with lying() as (pacs, node):
        rows = [*by_uid(pacs.archive, 1), {"id": "none", "PatientID": "PID-999123"}]
        folder = write_project(tmp_path / "p", pacs=node, rows=rows)
        planned = prefect.pacsflow_here("plan", str(folder), "--json", "-q", "--log-file", str(log))
        ran = prefect.pacsflow_here("run", str(folder), "--json", "-v", "--log-file", str(log), expect=1)
        identifiers = [
            one.attributes[name] for one in pacs.archive.studies.values() for name in ("PatientID", "PatientName")
        ]
    plan, run = json.loads(planned), answered(ran)
    assert (plan["version"], plan["command"], plan["project"], plan["state"]) == (1, "plan", "p", "Planned")
    assert (plan["counts"]["rows"], plan["counts"]["studies"]) == (2, 1)
    assert (run["command"], run["exit"], run["counts"]["rows"]["complete"]) == ("run", 1, 1)
    assert [(one["status"], one["rows"]) for one in run["left"]] == [("unmatched", 1)]
    assert "run, fetching and delivering: " in ran
    assert "asks node test at X" not in planned
    assert "asks node test" in ran, "-v shows the notes of a run"
    text = log.read_text()
    assert "pacsflow plan ends with exit code 0" in text
    assert "pacsflow run ends with exit code 1" in text
    assert "row 2: unmatched" in text
    for said in (planned, ran, text):
        assert not [
            each
            for each in (*identifiers, "PID-999123", *(row.get("StudyInstanceUID", "-") for row in rows[:1]))
            if each in said
        ]
