"""Pseudonyms from a column: the rows must agree, before the PACS is asked and after it answered."""

import pytest

from pacsflow.errors import RefusalError
from pacsflow.ledger import open_ledger, rows
from pacsflow.ledger.rows import Finding, Hit
from pacsflow.pseudonyms import pseudonyms_of
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext
from pacsflow.run.pseudonyms import pseudonyms_of_rows
from schemas.deid import Patient
from yaml_folder import FILES, loaded, problems_of, write_files

PATIENT = Patient(source="column", column="new_ids")
DEID = FILES["deid"] + "patient: {source: column, column: new_ids}\n"


def folder(tmp_path, *lines):
    (tmp_path / "a").mkdir(exist_ok=True)
    (tmp_path / "a" / "c.csv").write_text("\n".join(lines))
    return write_files(tmp_path / "a", deid=DEID, query="table: {file: c.csv}\n")


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (("PatientID,new_ids", "4711,P1", "4711,P2"), 3),
        (("PatientID,new_ids", "4711,P1", "4712,P1"), 3),
        (("PatientID,new_ids", "4711,P1", "4712,"), 3),
        (("PatientID,new_ids", "4711,P/1"), 2),
        (("PatientID,StudyDate", "4711,20200101"), 1),
    ],
)
def test_rows_at_odds_are_found_before_anything_is_asked(tmp_path, lines, line):
    problems = problems_of(folder(tmp_path, *lines))
    assert {(p.file, p.line, p.field) for p in problems[:1]} == {("c.csv", line, "new_ids")}
    assert not any("471" in str(p) for p in problems)


def test_rows_in_the_file_have_the_column_too(tmp_path):
    write_files(tmp_path / "a", deid=DEID, query='rows:\n  - {PatientID: "4711", new_ids: P1}\n')
    _, [row] = loaded(tmp_path / "a")
    assert (row.keys, row.extra) == ({"PatientID": "4711"}, {"new_ids": "P1"})


def test_answers_decide_which_patient_a_row_is_about(tmp_path):
    lines = ("AccessionNumber,new_ids", "A1,P1", "A2,P1", "A3,P2", "A4,P3", "A5,P3", "A6,P4")
    _, table = loaded(folder(tmp_path, *lines))
    ledger = open_ledger(tmp_path / "ledger", project="a", key=b"k" * 32)
    rows.sync(ledger, ((row.id, row.number, "") for row in table))
    given = pseudonyms_of(PseudonymContext(PATIENT, None, pseudonyms_of_rows(ledger, table, "new_ids")))
    assert given("anna", "", -3) is None
    for row, patient in zip(table, ("anna", "anna", "bert", "carl", "dora", "bert"), strict=True):
        rows.record(ledger, row.id, Finding("found", hits=(Hit(f"1.2.{row.number}", patient, {}),)))
    assert given("anna", "WARD", -3) == Assigned("P1", -3)
    for patient, reason in (("bert", "several"), ("carl", "share"), ("dora", "share")):
        with pytest.raises(RefusalError, match=reason):
            given(patient, "", 0)
    ledger.close()
