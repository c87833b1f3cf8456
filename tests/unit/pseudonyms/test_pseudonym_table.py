"""Pseudonyms from a table: both kinds are read, every mistake is found with its line and without its value."""

import pytest

from pacsflow.deid.compile import compile_alone
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext
from pacsflow.pseudonyms.table import read_table, source
from schemas import DeidProfile
from schemas.deid import Patient
from unit.deid.instances import KEY, PATIENT_ID, ct, encoded
from yaml_folder import FILES, only_problem, problems_of, write_files

DEID = FILES["deid"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"sub-4711": "P0001",\n "0815": "P0002"}'),
        ("a.csv", "4711,P0001\n0815,P0002\n"),
        ("a.csv", "Patient ID;new_ids\n4711;P0001\n\nsub-0815;P0002"),
        ("a.csv", '\ufeff"4711"\t"P0001"\r\n0815\tP0002\r\n'),
    ],
)
def test_json_and_csv_give_the_same_patients(tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8", newline="")
    assert read_table(tmp_path / name) == ({"4711": "P0001", "0815": "P0002"}, [])
    given = source(PseudonymContext(Patient(source="table", file=str(tmp_path / name)), None))
    assert given("4711", "WARD", -3) == Assigned("P0001", -3)
    assert given("815", "", -3) is None


@pytest.mark.parametrize(
    ("name", "text", "line", "field"),
    [
        ("a.json", '{"4711": "P1",\n "sub-4711": "P2"}', 2, "patient id"),
        ("a.json", '{"4711": "P1", "4711": "P2"}', 1, "patient id"),
        ("a.json", '{"4711": "P1",\n "4712": "P1"}', 2, "pseudonym"),
        ("a.json", '{"4711": "P-1",\n "4712": "p_1"}', 2, "pseudonym"),
        ("a.json", '{"4711":\n 17}', 1, ""),
        ("a.json", '{"4711": "P1"', 1, ""),
        ("a.json", '["4711"]', 0, ""),
        ("a.csv", "4711,P1\n4712,\n", 2, "pseudonym"),
        ("a.csv", "4711,P1\n,P2\n", 2, "patient id"),
        ("a.csv", "4711,P1\n4712,P/2\n", 2, "pseudonym"),
        ("a.csv", "4711,P1\n4712,../4711\n", 2, "pseudonym"),
        ("a.csv", "4711,P1\n1.2E+09,P2\n", 2, "patient id"),
        ("a.csv", "4711,P1\n4712,P2,x\n", 2, ""),
        ("a.csv", '4711,P1\n4712,"P2\n', 2, ""),
        ("a.csv", "\n", 0, ""),
    ],
)
def test_a_mistake_is_one_problem_with_its_line_and_without_its_value(tmp_path, name, text, line, field):
    (tmp_path / name).write_text(text)
    folder = write_files(tmp_path / "a", deid=f"{DEID}patient: {{source: table, file: ../{name}}}\n")
    problem = only_problem(folder)
    assert (problem.file, problem.line, problem.field) == (name, line, field)
    assert problem.fix
    assert "471" not in str(problem)


def test_a_table_that_is_not_there_or_not_wanted_is_a_problem_of_the_profile(tmp_path):
    for patient in ("{source: table, file: none.csv}", "{source: table}", "{file: none.csv}"):
        problem = only_problem(write_files(tmp_path / "a", deid=f"{DEID}patient: {patient}\n"))
        assert (problem.file, problem.line) == ("deid.yaml", 2)
        assert problem.field.startswith("patient")


def test_a_patient_of_the_table_has_its_pseudonym_and_another_one_is_refused(tmp_path):
    (tmp_path / "ids.csv").write_text(f"{PATIENT_ID},P0001\n")
    table = {"source": "table", "file": str(tmp_path / "ids.csv")}
    cleaner = compile_alone(DeidProfile.model_validate({"key": "${env:KEY}", "patient": table}), KEY)
    assert cleaner.clean(encoded(ct())).person.pseudonym == "P0001"
    for stranger, why in (("ANOTHER", "none for this patient"), ("", "no patient id")):
        with pytest.raises(RefusalError, match=why):
            cleaner.clean(encoded(ct(PatientID=stranger, StudyInstanceUID="1.2.3.4.5")))


def test_the_tables_path_starts_at_the_profile(tmp_path):
    write_files(tmp_path / "a", deid=f"{DEID}patient: {{source: table, file: ids.json}}\n")
    (tmp_path / "a" / "ids.json").write_text('{"1": "P1"}')
    assert problems_of(tmp_path / "a") == []
