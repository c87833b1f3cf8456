"""Files of new ids and day shifts: written by `pacsflow pseudonyms`, read by profiles; shifts of a moved project go on."""

import json
import signal
import stat
import subprocess
import sys

import openpyxl
import pytest

from commands import pacsflow
from pacsflow.deid.compile import compile_alone
from pacsflow.errors import ProjectError, RefusalError
from pacsflow.pseudonyms import NO_SHIFT, PseudonymContext, missing_reason
from pacsflow.pseudonyms.key_files import LOG, KeyFiles
from pacsflow.pseudonyms.table import read_shifts, read_table
from peers.certificates import Authority
from peers.deid_api import Service
from schemas import DeidProfile
from schemas.deid import Patient
from unit.deid.instances import KEY, PATIENT_ID, ct, encoded
from yaml_folder import FILES, only_problem, problems_of, write_files


@pytest.fixture
def query(tmp_path):
    (tmp_path / "q.csv").write_text("StudyDate,PatientID\n20200101,4711\n20200102,4712\n20200103,4711\n20200104,\n")
    return tmp_path / "q.csv"


@pytest.fixture
def service(tmp_path, monkeypatch):
    authority = Authority(tmp_path / "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
    with Service(authority) as server:
        (tmp_path / "config.json").write_text(json.dumps({"deid_URL": f"{server.url}/deid", "deid_token": "s3cret"}))
        server.answers = {
            "/deid": (200, b'{"4711": "P1", "4712": "P2"}'),
            "/deid_shift": (200, b'{"4711": -12, "4712": 7}'),
        }
        yield server


def told(folder) -> tuple[dict, dict]:
    return read_table(folder / "new_ids_p.json")[0], read_shifts(folder / "day_shift_p.json")[0]


def test_the_service_is_asked_once_for_each_patient_and_both_readers_find_them(service, query, tmp_path):
    words = ("pseudonyms", query, "-a", "p", "--config", tmp_path / "config.json", "-d", tmp_path / "out")
    pacsflow(*words)
    assert told(tmp_path / "out") == ({"4711": "P1", "4712": "P2"}, {"4711": -12, "4712": 7})
    ids = json.loads((tmp_path / "out/new_ids_p.json").read_text())
    assert ids == {"4711": "P1", "sub-4711": "P1", "4712": "P2", "sub-4712": "P2"}
    log = (tmp_path / "out/log_get_pseudonyms.csv").read_text().splitlines()
    assert log[:2] == ["StudyDate,PatientID,NewPseudonym,DayShift", "20200101,4711,P1,-12"]
    assert log[-1] == "20200104,,,"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}
    assert {head for _, head, _ in service.asked} == {"token s3cret"}
    pacsflow(*words)
    assert len(service.asked) == 4, "two patients, each once"


def test_a_service_in_trouble_leaves_no_file_and_no_word_of_patients(service, query, tmp_path):
    service.answers = {"/deid": (500, b"patient 4711 s3cret")}
    said = pacsflow("pseudonyms", query, "-a", "p", "-c", tmp_path / "config.json", "-d", tmp_path / "out", expect=10)
    assert "4711" not in said
    assert "s3cret" not in said
    assert not (tmp_path / "out").exists()


def test_a_table_of_ones_own_and_shifts_by_chance_that_stay(query, tmp_path):
    (tmp_path / "map.csv").write_text("4711,A1\n4712,A2\n")
    words = ("pseudonyms", query, "-a", "p", "-mf", tmp_path / "map.csv", "-d", tmp_path / "out", "--shift-days")
    pacsflow(*words)
    ids, days = told(tmp_path / "out")
    assert ids == {"4711": "A1", "4712": "A2"}
    assert all(-30 <= shift <= 30 for shift in days.values())
    pacsflow(*words)
    assert told(tmp_path / "out") == (ids, days)


@pytest.mark.parametrize("days", [None, "{}", '{"4711": 3}'], ids=["no file", "nobody", "another patient"])
def test_a_pseudonym_that_was_given_is_never_lost_for_want_of_its_shift(query, tmp_path, days):
    (tmp_path / "map.csv").write_text("4711,A1\n4712,A2\n")
    (tmp_path / "new_ids_p.json").write_text('{"4711": "A1", "4799": "OLD"}')
    if days is not None:
        (tmp_path / "day_shift_p.json").write_text(days)
    said = pacsflow("pseudonyms", query, "-a", "p", "-mf", tmp_path / "map.csv", "-d", tmp_path, expect=2)
    assert "day_shift_p.json" in said
    assert "4799" not in said
    assert json.loads((tmp_path / "new_ids_p.json").read_text()) == {"4711": "A1", "4799": "OLD"}


DIES = """
import os, signal, sys
from pathlib import Path
from pacsflow.pseudonyms.key_files import KeyFiles

def rows():
    yield ["4711"]
    os.kill(os.getpid(), signal.SIGKILL)

KeyFiles(Path(sys.argv[1]), "p").log(["PatientID"], rows())
"""


def test_what_a_killed_call_left_of_its_log_goes_with_the_next(tmp_path):
    died = subprocess.run([sys.executable, "-c", DIES, tmp_path], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    KeyFiles(tmp_path, "p").log(["PatientID"], [["4711", "A1", "0"]])
    assert [path.name for path in tmp_path.iterdir()] == [LOG]


def test_a_patient_without_a_pseudonym_and_no_source_are_said(query, tmp_path):
    (tmp_path / "map.csv").write_text("4711,A1\n")
    words = ("pseudonyms", query, "-a", "p", "-d", tmp_path / "out")
    assert "1 patient without" in pacsflow(*words, "-mf", tmp_path / "map.csv", expect=1)
    assert told(tmp_path / "out") == ({"4711": "A1"}, {"4711": 0})
    pacsflow(*words, expect=2)


def test_a_source_that_had_nobody_is_asked_again(query, tmp_path):
    (tmp_path / "map.csv").write_text("4799,A9\n")
    words = ("pseudonyms", query, "-a", "p", "-mf", tmp_path / "map.csv", "-d", tmp_path / "out")
    pacsflow(*words, expect=1)
    (tmp_path / "map.csv").write_text("4711,A1\n4712,A2\n")
    pacsflow(*words)
    assert told(tmp_path / "out")[0] == {"4711": "A1", "4712": "A2"}


@pytest.mark.parametrize("name", ["a/b", "../p", ""])
def test_a_project_name_that_would_be_another_folder_is_refused(query, tmp_path, name):
    (tmp_path / "map.csv").write_text("4711,A1\n4712,A2\n")
    words = ("pseudonyms", query, "-a", name, "-mf", tmp_path / "map.csv", "-d", tmp_path / "out")
    assert "--project-name" in pacsflow(*words, expect=2)
    assert not (tmp_path / "out").exists()


def shifting(file) -> DeidProfile:
    options = ["retain-longitudinal-modified-dates"]
    return DeidProfile(
        options=options, key="${env:K}", dates={"source": "table", "file": str(file), "direction": "add"}
    )


def test_the_shifts_of_a_moved_project_go_on(tmp_path):
    (tmp_path / "day_shift_p.json").write_text(json.dumps({f"sub-{PATIENT_ID}": -12}))
    cleaner = compile_alone(shifting(tmp_path / "day_shift_p.json"), KEY)
    person = cleaner.clean(encoded(ct())).person
    assert (person.patient_id, person.shift_days) == (PATIENT_ID, -12)


def test_a_patient_without_a_shift_is_refused_until_the_table_has_one(tmp_path):
    (tmp_path / "days.csv").write_text("someone else,3\n")
    with pytest.raises(RefusalError) as refusal:
        compile_alone(shifting(tmp_path / "days.csv"), KEY).clean(encoded(ct()))
    assert refusal.value.reason == NO_SHIFT
    assert missing_reason(PseudonymContext(Patient(), None, day_shifts={}))(PATIENT_ID) == NO_SHIFT
    assert missing_reason(PseudonymContext(Patient(), None, day_shifts={PATIENT_ID: 3}))(PATIENT_ID) == ""


@pytest.mark.parametrize(
    ("name", "text", "line", "field"),
    [
        ("a.json", '{"4711": "x"}', 1, "day shift"),
        ("a.json", '{"4711": 1.5}', 1, ""),
        ("a.json", '{"4711": true}', 1, ""),
        ("a.csv", "4711,3\n4711,3\n", 2, "patient id"),
        ("a.csv", "4711,99999\n", 1, "day shift"),
        ("a.csv", "\n", 0, ""),
    ],
)
def test_mistakes_of_a_table_of_shifts_have_their_line(tmp_path, name, text, line, field):
    (tmp_path / name).write_text(text)
    folder = write_files(
        tmp_path / "a", deid=f"{FILES['deid']}dates: {{source: table, direction: add, file: ../{name}}}\n"
    )
    problem = only_problem(folder)
    assert (problem.file, problem.line, problem.field) == (name, line, field)
    assert "471" not in str(problem)


def test_a_table_of_shifts_goes_with_its_source_and_must_be_there(tmp_path):
    for text in (
        "dates: {source: table, direction: add}\n",
        "dates: {file: a.json}\n",
        "dates: {source: table, direction: add, file: none.csv}\n",
    ):
        assert len(problems_of(write_files(tmp_path / "a", deid=FILES["deid"] + text))) == 1
    with pytest.raises(ProjectError):
        compile_alone(shifting(tmp_path / "none.csv"), KEY)


def test_the_column_of_patients_has_any_of_its_names_and_number_cells_are_told(tmp_path):
    book = openpyxl.Workbook()
    for row in (["MRN", "Date"], [4711, 42136], ["0012", None]):
        book.active.append(row)
    book.save(tmp_path / "q.xlsx")
    (tmp_path / "m.csv").write_text("4711,P1\n0012,P2\n")
    words = ("pseudonyms", tmp_path / "q.xlsx", "-a", "p", "-mf", tmp_path / "m.csv", "-d", tmp_path / "out")
    said = pacsflow(*words)
    assert told(tmp_path / "out")[0] == {"4711": "P1", "0012": "P2"}
    assert "1 cell held as numbers" in said.replace("\n", " ")
    (tmp_path / "q.xlsx").unlink()
    (tmp_path / "q.csv").write_text("MRN,PatientID\n1,2\n")
    assert "several such columns" in pacsflow("pseudonyms", tmp_path / "q.csv", *words[2:], expect=2)
