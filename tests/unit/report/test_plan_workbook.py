"""The plan on paper: what is in it, and the decisions that come back."""

import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from csv_lines import lines
from pacsflow.errors import ProjectError
from pacsflow.ledger.summary import SeriesState
from pacsflow.report.decisions import read_decisions
from pacsflow.report.plan import plan_sheets, write_plan
from pacsflow.report.records import PlanSummary, StudyOutcome
from reported import row, series, state

INFO = [
    "StudyDate",
    "StudyTime",
    "SeriesDescription",
    "PatientID",
    "ProtocolName",
    "StudyInstanceUID",
    "PatientName",
    "PatientBirthDate",
    "SeriesInstanceUID",
    "DeviceSerialNumber",
    "Modality",
    "ImageType",
    "SeriesNumber",
    "StudyDescription",
    "AccessionNumber",
    "SequenceName",
    "AcquisitionDate",
]
CT = SeriesState("s1", "aaaa", {"Modality": "CT", "SeriesNumber": "2"}, 20, "")
SR = SeriesState("s2", "aaaa", {"Modality": "SR"}, None, "excluded")
KNOWN = state("aaaa", "found", CT, SR, attributes={"PatientID": "007", "PatientName": "=cmd|calc"})
TAKEN = StudyOutcome(KNOWN, (CT,), rows=("A",), gigabytes=0.0105)
DOUBTFUL = (
    state("bbbb", "found", series("1", 30), attributes={"StudyDate": "20200101"}),
    state("cccc", "found", series("1", 0), attributes={"StudyDate": "20200102"}),
)
PLAN = PlanSummary(
    "lung-ct",
    datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    rows=(
        row(1, "A", "found", "", TAKEN, cells={"MRN": "007"}),
        row(2, "B", "held", "two studies", doubtful=DOUBTFUL, cells={"MRN": "008"}),
        row(3, "C", "unmatched", "no study", cells={"MRN": "009"}),
    ),
    studies=(TAKEN,),
    gigabytes=0.0105,
    hours=0.5,
)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    write_plan(PLAN, tmp_path)
    return tmp_path / "plan.xlsx"


def decide(path: Path, **decisions: str) -> None:
    """Write into the sheet `held` as a person would: study -> decision."""
    book = load_workbook(path)
    sheet = book["held"]
    place = {cell.value: cell.column for cell in sheet[1]}
    for line in sheet.iter_rows(min_row=2):
        study = line[place["study"] - 1].value
        if study in decisions:
            line[place["decision"] - 1].value = decisions[study]
    book.save(path)


def test_the_workbook_has_all_sheets(plan) -> None:
    book = load_workbook(plan)
    assert book.sheetnames == ["summary", "rows", "studies", "series", "held", "unmatched"]
    facts = {line[0].value: line[1].value for line in book["summary"].iter_rows(min_row=2)}
    assert facts["images to fetch"] == "20"
    assert facts["gigabytes, estimated"] == "0.01"
    assert facts["rows held"] == "1"


def test_the_series_sheet_is_pacsman_s_info(plan) -> None:
    sheet = load_workbook(plan)["series"]
    assert [cell.value for cell in sheet[1]][: len(INFO)] == INFO
    found = lines(plan.with_name("plan-series.csv"))
    assert [(one["Modality"], one["images"], one["want"], one["reason"]) for one in found] == [
        ("CT", "20", "yes", ""),
        ("SR", "", "no", "excluded"),
    ]


def test_what_a_pacs_answered_is_not_a_formula(plan) -> None:
    assert lines(plan.with_name("plan-series.csv"))[0]["PatientName"] == "'=cmd|calc"
    cell = next(c for c in load_workbook(plan)["series"][2] if c.value == "=cmd|calc")
    assert cell.data_type == "s"


def test_the_decision_column_offers_take_and_drop(plan) -> None:
    rules = load_workbook(plan)["held"].data_validations.dataValidation
    assert [(str(rule.sqref), rule.formula1) for rule in rules] == [("C2:C3", '"take,drop"')]


def test_rows_and_unmatched_come_with_the_user_s_columns(plan) -> None:
    rows = lines(plan.with_name("plan-rows.csv"))
    assert [(one["row"], one["id"], one["MRN"], one["plan status"]) for one in rows] == [
        ("1", "A", "007", "found"),
        ("2", "B", "008", "held"),
        ("3", "C", "009", "unmatched"),
    ]
    assert [one["id"] for one in lines(plan.with_name("plan-unmatched.csv"))] == ["C"]


def test_a_column_id_that_says_what_ours_says_stands_once() -> None:
    for label, headings in (("A", ["row", "id", "MRN"]), ("row 1", ["row", "id", "id", "MRN"])):
        one = row(1, label, "found", cells={"id": "A", "MRN": "007"})
        assert list(plan_sheets(replace(PLAN, rows=(one,)))[1].headings)[: len(headings)] == headings


def test_the_plan_is_for_its_owner_only(plan) -> None:
    written = list(plan.parent.iterdir())
    assert len(written) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_decisions_come_back_from_the_workbook(plan) -> None:
    assert read_decisions(plan) == []
    decide(plan, bbbb="take", cccc=" DROP ")
    key = PLAN.rows[1].row.key
    assert read_decisions(plan) == [(2, "bbbb", "take", key), (2, "cccc", "drop", key)]


def test_decisions_come_back_from_the_csv_with_columns_in_any_order(tmp_path) -> None:
    path = tmp_path / "plan-held.csv"
    path.write_text("decision,study,row\ntake,bbbb,2\n,cccc,2\n")
    assert read_decisions(path) == [(2, "bbbb", "take", "")]


def test_numbers_that_a_spreadsheet_made_of_texts_are_read(plan) -> None:
    book = load_workbook(plan)
    book["held"]["A2"].value = 2.0
    book["held"]["C2"].value = "take"
    book.save(plan)
    assert read_decisions(plan) == [(2, "bbbb", "take", PLAN.rows[1].row.key)]


def test_all_mistakes_come_at_once_with_their_lines(plan) -> None:
    decide(plan, bbbb="maybe", cccc="take")
    book = load_workbook(plan)
    book["held"]["A3"].value = None
    book.save(plan)
    with pytest.raises(ProjectError) as error:
        read_decisions(plan)
    assert [(p.line, p.field) for p in error.value.problems] == [(2, "decision"), (3, "row")]
    assert "maybe" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no workbook"])
def test_what_is_not_a_workbook_is_reported(content, tmp_path) -> None:
    path = tmp_path / "plan.xlsx"
    path.write_bytes(content)
    with pytest.raises(ProjectError, match="is not a workbook"):
        read_decisions(path)


def test_another_workbook_is_not_the_plan(tmp_path) -> None:
    path = tmp_path / "plan-held.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ProjectError, match="no column row, study, decision"):
        read_decisions(path)
