"""deid on trees of PACSMAN, as PACSMAN's users write it: in place, by its names, with its files of new ids."""

import json

import pytest
import typer
from pydicom import dcmread
from typer.testing import CliRunner

from pacsflow.cli import deid
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.errors import ProjectError
from unit.deid.instances import PATIENT_ID, ct, encoded

SERIES = f"sub-{PATIENT_ID}/ses-20150512101112/00001-T1"


def put(folder, name, **values):
    source = encoded(ct(SeriesDescription="Thorax", **values))
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
    path.write_bytes(head + bytes(source.dataset))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    for number in range(3):
        put(tmp_path / "in", f"{SERIES}/MR.{number}", SOPInstanceUID=f"1.2.3.{number}")
    return tmp_path / "in"


def run(*words):
    app = typer.Typer()
    app.command()(deid.deid)
    return CliRunner().invoke(app, [*map(str, words), "--workers", "1"], env={"COLUMNS": "200"})


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.dcm"))


def test_the_same_folder_twice_in_place_as_documented(tree):
    told = run("-d", tree, "-o", tree, "--in-place")
    assert told.exit_code == 0, told.exception
    assert "a tree of PACSMAN" in told.output
    assert not (tree / f"sub-{PATIENT_ID}").exists()
    new = files(tree)
    assert len(new) == 3
    assert all("/ses-20150512101112/00001-Thorax/" in name for name in new)
    again = run("-d", tree, "-o", tree, "--in-place")
    assert again.exit_code == 0, again.exception
    assert "done before" in again.output
    assert files(tree) == new
    assert isinstance(run("-d", tree, "-o", tree).exception, ProjectError), "unsaid, the originals stay"


def test_new_ids_in_single_quotes_as_in_pacsmans_readme(tree, tmp_path):
    ids = tmp_path / "ids.json"
    ids.write_text(f"{{'sub-{PATIENT_ID}':'P0001', 'sub-87262':'P0002'}}")
    told = run("-d", tree, "-o", tmp_path / "out", "-n", ids)
    assert told.exit_code == 0, told.exception
    [first, *_] = files(tmp_path / "out")
    assert first.startswith("sub-P0001/ses-20150512101112/00001-Thorax/")


@pytest.mark.parametrize(
    "text",
    [
        "{'a': 'P1', 'a': 'P2'}",
        "{'a': 'P1',\n 'b' 'P2'}",
        "{a: 'P1'}",
        "{'a': open('x')}",
        "['a']",
        "{'a': ['P1']}",
        "{**{}}",
    ],
)
def test_single_quotes_open_no_door(tree, tmp_path, text):
    (tmp_path / "ids.json").write_text(text)
    told = run("-d", tree, "-o", tmp_path / "out", "-n", tmp_path / "ids.json")
    assert isinstance(told.exception, ProjectError)
    assert "P1" not in str(told.exception)


def test_a_layout_is_as_in_export_and_identifies_no_patient(tree, tmp_path):
    told = run(tree, tmp_path / "out", "--layout", "{patient}/{modality}/{series_number:03d}_{series_description}")
    assert told.exit_code == 0, told.exception
    for name in files(tmp_path / "out"):
        ds = dcmread(tmp_path / "out" / name)
        assert name == f"{ds.PatientID}/CT/001_Thorax/{ds.SOPInstanceUID}.dcm"
    assert isinstance(run(tree, tmp_path / "two", "--layout", "{patient}").exception, ProjectError)
    assert isinstance(run(tree, tmp_path / "two", "--layout", "../{series}").exception, ProjectError)
    assert not (tmp_path / "two").exists()


def test_two_ids_of_one_patient_share_a_pseudonym_and_a_shift_where_the_profile_says_so(tree, tmp_path):
    put(
        tree,
        "sub-OTHER/ses-20150512101112/00001-T1/x",
        PatientID="Q-88",
        StudyInstanceUID="1.2.9",
        SOPInstanceUID="1.2.9.1",
    )
    (tmp_path / "ids.json").write_text(json.dumps({PATIENT_ID: "P0001", "Q-88": "P0001"}))
    words = ("-d", tree, "-o", tmp_path / "out", "-n", tmp_path / "ids.json", "--fuzz_acq_dates")
    refused = run(*words).exception
    assert isinstance(refused, ProjectError)
    assert "shared" in str(refused.problems[0].fix)
    told = run(*words, "--shared-new-ids")
    assert told.exit_code == 0, told.exception
    found = [dcmread(tmp_path / "out" / name) for name in files(tmp_path / "out")]
    assert len(found) == 4
    assert len({(ds.PatientID, ds.StudyDate) for ds in found}) == 1
    [own] = (tmp_path / "share" / "pacsflow" / "deid").iterdir()
    assert sorted(json.loads((own / "mapper.json").read_text())["P0001"]) == [PATIENT_ID, "Q-88"]
