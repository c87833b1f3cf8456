"""Plan and report of a table too long for memory: the same files, in the same words, as of one that is held whole."""

import json
import re

import pytest
import sqlalchemy as sa

from filled_ledger import fill, large_project
from pacsflow.ledger import tables as t
from pacsflow.run.opening import open_session
from pacsflow.run.reporting import kept
from pacsflow.run.reporting.plan import write_plan
from pacsflow.run.reporting.report import write_report

ROWS = 23
WORKBOOKS = {"plan.xlsx", "results.xlsx"}


def share(ledger, number):
    """Rows r3 and r20 take the study of r2, too, and want another series of it than r2 does; r5 is held, r6 failed."""
    [(key, uid)] = ledger.all(sa.select(t.studies.c.key, t.studies.c.uid).where(t.studies.c.patient_id == f"P{2:07}"))
    other = ledger.series_key(uid, f"{uid}.2")
    of_series = {"Modality": "CT", "SeriesNumber": "2"}
    with ledger.write() as connection:
        values = {"key": other, "study_key": key, "uid": f"{uid}.2", "attributes": of_series, "expected": 3}
        connection.execute(sa.insert(t.series).values(**values))
        for row in ("r3", f"r{number - 3}"):
            connection.execute(sa.insert(t.hits).values(row_id=row, study_key=key, decision="take"))
            connection.execute(sa.insert(t.wants).values(row_id=row, series_key=other))
        connection.execute(sa.update(t.rows).where(t.rows.c.id == "r5").values(status="held", reason="two studies"))
        connection.execute(sa.update(t.hits).where(t.hits.c.row_id == "r5").values(decision="held"))
        connection.execute(sa.update(t.rows).where(t.rows.c.id == "r6").values(status="failed", reason="no answer"))


def written(folder):
    """The files of plan and report of a project, but for what tells the time."""
    with open_session(str(large_project(folder / "p", ROWS)), action="plan") as run:
        fill(run.ledger, ROWS, unmatched_every=4)
        share(run.ledger, ROWS)
        plan, outcome = write_plan(run), write_report(run)
        assert write_report(run) == outcome, "nothing has changed"
        files = {path.name: path for path in run.reports.iterdir()}
    texts = {name: path.read_text() for name, path in files.items() if name not in WORKBOOKS}
    record, facts = json.loads(texts.pop("run.json")), json.loads(texts.pop("plan.json"))
    assert facts.pop("room"), "names the folder"
    page = re.sub(r"(?s)<header>.*?</header>|<dd><code>.*?</dd>", "", texts.pop("report.html"))
    for name in ("started", "ended", "fingerprints"):
        assert record.pop(name)
    return plan, outcome, texts, facts, record, page, WORKBOOKS & files.keys()


def test_a_table_kept_in_a_file_gives_the_same_plan_and_report(tmp_path, monkeypatch):
    whole = written(tmp_path / "whole")
    monkeypatch.setattr(kept, "IN_MEMORY", 5)
    monkeypatch.setattr(kept, "READ_AT_ONCE", 2)
    apart = written(tmp_path / "apart")
    assert apart[2] == whole[2]
    assert apart == whole
    assert whole[1].statuses.keys() == {"undelivered", "unmatched", "held", "failed"}
    assert whole[-1] == WORKBOOKS


def test_above_a_limit_there_are_csv_files_alone_and_no_outdated_workbook_stays(tmp_path, monkeypatch):
    with open_session(str(large_project(tmp_path / "p", 3)), action="plan") as run:
        fill(run.ledger, 3)
        write_plan(run)
        write_report(run)
        assert {path.name for path in run.reports.glob("*.xlsx")} == WORKBOOKS
        for module in ("pacsflow.report.plan", "pacsflow.report.table", "pacsflow.run.reporting.plan",
                       "pacsflow.run.reporting.report"):  # fmt: skip
            monkeypatch.setattr(f"{module}.WORKBOOK_ROWS", 2)
        fill_again(run.ledger)
        write_plan(run)
        write_report(run)
        assert not [*run.reports.glob("*.xlsx")]
        assert len((run.reports / "results.csv").read_text().splitlines()) == 1 + 3
        assert len((run.reports / "plan-rows.csv").read_text().splitlines()) == 1 + 3


def fill_again(ledger):
    with ledger.write() as connection:
        connection.execute(sa.update(t.rows).where(t.rows.c.id == "r1").values(status="unmatched", reason="gone"))


def test_what_is_kept_apart_is_a_sequence_that_can_be_gone_through_at_several_places_at_once(monkeypatch):
    items = kept.KeptApart({"number": n} for n in range(10))
    assert [(a["number"], b["number"]) for a in items for b in items] == [(a, b) for a in range(10) for b in range(10)]
    assert items[-1] == {"number": 9}
    with pytest.raises(IndexError):
        items[10]
    assert [*kept.parts(())] == []
