"""Plan and report stay as they are where nothing changed, and are written where anything did."""

import pytest

from pacsflow.run.opening import open_session
from tasks.steps import write_plan, write_report
from whole_run import find_rows, lying, project, run_once


@pytest.fixture
def told(monkeypatch):
    """Plans and reports of a folder; the files of both with the time they were written."""
    monkeypatch.setattr("tasks.steps.create_table_artifact", lambda *_, **__: None)

    def tell(folder):
        with open_session(str(folder), action="run") as run:
            outcome = write_plan(run), write_report(run)
            return outcome, {path.name: path.stat().st_mtime_ns for path in run.reports.iterdir()}

    return tell


@pytest.fixture
def done(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node)
        run_once(folder, pacs)
        yield folder, pacs


def test_nothing_is_written_where_nothing_changed(done, told):
    folder, _ = done
    assert told(folder) == told(folder)


@pytest.mark.parametrize("name", ["plan.xlsx", "plan.json", "report.html", "run.json", "results.csv", "results.xlsx"])
def test_what_is_gone_is_written_again(done, told, name):
    folder, _ = done
    told(folder)
    (folder.parent / "data" / "report" / name).unlink()
    _, files = told(folder)
    assert name in files


def test_what_changed_is_reported(done, told, tmp_path):
    folder, pacs = done
    (_, before), files = told(folder)
    query = folder / "query.yaml"
    query.write_text(query.read_text() + "\n")
    assert told(folder)[1] == files
    more = project(tmp_path / "more", pacs, {"port": pacs.port, "called_aet": pacs.aet}, number=3)
    query.write_text((more / "query.yaml").read_text())
    (_, after), changed = told(folder)
    assert after != before
    assert not changed.items() & files.items()


def test_what_was_asked_since_is_reported(done, told):
    folder, _ = done
    _, files = told(folder)
    with open_session(str(folder), action="plan") as run:
        find_rows(run, everything=True)
    _, after = told(folder)
    assert after["report.html"] != files["report.html"]
    assert after["plan.xlsx"] == files["plan.xlsx"]
