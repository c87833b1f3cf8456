"""Day shifts that another system gave go on the way they went: Karnak subtracts, and it is asked for."""

import json

import pytest
from pydantic import ValidationError

from pacsflow.deid.compile import compile_alone
from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import PseudonymContext, missing_reason
from pacsflow.pseudonyms.legal import shift_fault
from schemas.deid import DeidProfile, Patient
from unit.deid.instances import KEY, ct, encoded, read
from yaml_folder import FILES, only_problem, problems_of, write_files

PACSIFIER = '{"P001":5,"sub-P001":5}'
MODIFIED = ["retain-longitudinal-modified-dates"]


def profile(tmp_path, direction, text=PACSIFIER):
    (tmp_path / "day_shift_lung.json").write_text(text)
    dates = {"source": "table", "file": str(tmp_path / "day_shift_lung.json"), "direction": direction}
    return DeidProfile(options=MODIFIED, key="${env:K}", dates=dates)


@pytest.mark.parametrize(
    ("direction", "before", "after"),
    [
        ("subtract", "20200110", "20200105"),  # Karnak's manual
        ("subtract", "20200102", "20191228"),
        ("add", "20200102", "20200107"),
    ],
)
def test_pacsifiers_numbers_move_dates_as_karnak_does(tmp_path, direction, before, after):
    cleaner = compile_alone(profile(tmp_path, direction), KEY)
    assert read(cleaner.clean(encoded(ct(PatientID="P001", StudyDate=before)))).StudyDate == after


@pytest.mark.parametrize("source", ["{source: table, file: days.json}", "{source: api}"])
def test_a_direction_that_cannot_be_known_is_asked_for(tmp_path, source):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "days.json").write_text(PACSIFIER)
    api = "patient: {source: api, url: 'https://x.example/deid', token: '${env:T}'}\n" if "api" in source else ""
    problem = only_problem(write_files(tmp_path / "a", deid=f"{FILES['deid']}{api}dates: {source}\n"))
    assert problem.file == "deid.yaml"
    assert "direction: subtract" in f"{problem.message} {problem.fix}"


def test_keyed_shifts_have_no_direction():
    with pytest.raises(ValidationError, match="only there"):
        DeidProfile(key="${env:K}", dates={"direction": "add"})


def test_a_gateway_that_subtracts_is_not_beside_dates_that_are_added(tmp_path):
    (tmp_path / "a").mkdir()
    for name, text in (("days.json", PACSIFIER), ("ids.json", '{"P001": "P0001"}')):
        (tmp_path / "a" / name).write_text(text)
    gate = "host: h, port: 1, called_aet: K, album: lung, new_ids: ids.json, day_shift: days.json"
    export = f"targets:\n  - {{kind: karnak, {gate}}}\n"
    for direction, number in (("add", 1), ("subtract", 0)):
        dates = f"dates: {{source: table, file: days.json, direction: {direction}}}\n"
        found = problems_of(write_files(tmp_path / "a", deid=FILES["deid"] + dates, export=export))
        assert len([each for each in found if "subtracted by Karnak" in each.message]) == number, found


def test_a_shift_of_0_is_refused_for_its_patient_alone(tmp_path):
    cleaner = compile_alone(profile(tmp_path, "subtract", json.dumps({"P001": 0, "P002": 3})), KEY)
    with pytest.raises(RefusalError) as refused:
        cleaner.clean(encoded(ct(PatientID="P001")))
    assert refused.value.reason == shift_fault(0)
    assert cleaner.clean(encoded(ct(PatientID="P002", StudyInstanceUID="1.2.3"))).person.shift_days == -3
    assert missing_reason(PseudonymContext(Patient(), None, day_shifts={"P001": 0}))("P001") == shift_fault(0)
