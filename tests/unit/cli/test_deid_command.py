"""deid, as it is called: what it says, its exit code, its report."""

import csv
import datetime as dt
import json
import shutil
import stat

import pytest
import typer
from pydicom import dcmread
from typer.testing import CliRunner

from pacsflow.cli import deid, explain
from pacsflow.deid.encoding import part10
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.trees import tree
from pacsflow.errors import ProjectError, WorkLeftError
from unit.deid.instances import NAME, PATIENT_ID, ct, encoded


@pytest.fixture
def call(tmp_path):
    app = typer.Typer()
    app.command()(deid.deid)
    key = tmp_path / "key"
    key.write_text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    key.chmod(0o600)
    (tmp_path / "deid.yaml").write_text(json.dumps({"key": f"${{file:{key}}}"}))
    source = encoded(ct())
    folder = tmp_path / "in" / NAME
    folder.mkdir(parents=True)
    (folder / "1").write_bytes(
        file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid) + bytes(source.dataset)
    )
    (folder / "readme").write_text("Quistgaard")
    words = [str(tmp_path / "in"), "--profile", str(tmp_path / "deid.yaml")]
    return lambda *more: CliRunner().invoke(app, [*words, *map(str, more)])


def test_a_clean_tree_ends_with_0_and_names_no_patient(call, tmp_path):
    told = call(tmp_path / "out", "--report", tmp_path / "report.csv")
    assert told.exit_code == 0, told.output
    assert "cleaned" in told.output
    assert "not DICOM" in told.output
    assert "Quistgaard" not in told.output
    with (tmp_path / "report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["outcome"] for row in rows] == ["cleaned", "left"]
    assert (tmp_path / "out" / rows[0]["new file"]).is_file()
    assert stat.S_IMODE((tmp_path / "report.csv").stat().st_mode) == 0o600


def test_refused_files_end_with_1_and_the_reason(call, tmp_path):
    path = tmp_path / "in" / "broken.dcm"
    path.write_bytes((tmp_path / "in" / NAME / "1").read_bytes()[:-5])
    told = call(tmp_path / "out")
    assert isinstance(told.exception, WorkLeftError)
    assert told.exception.exit_code == 1
    assert "malformed" in told.output
    assert "Quistgaard" not in told.output + str(told.exception) + told.exception.fix


@pytest.mark.parametrize(
    "words", [[], ["out", "--in-place"], ["in/below"], ["."], ["in"]], ids=["none", "both", "below", "above", "same"]
)
def test_folders_that_are_not_clear_are_refused_before_anything_is_read(call, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    told = call(*words)
    assert isinstance(told.exception, ProjectError)
    assert not list(tmp_path.rglob(".pacsflow"))


def test_mistakes_of_the_profile_are_reported_with_their_line(call, tmp_path):
    (tmp_path / "deid.yaml").write_text("key: ${env:KEY}\noptions: [retain-everything]\n")
    told = call(tmp_path / "out")
    assert isinstance(told.exception, ProjectError)
    assert told.exception.problems[0].line == 2
    (tmp_path / "deid.yaml").write_text("base: none\n")
    assert "de-identifies nothing" in str(call(tmp_path / "out").exception)


def test_in_place_asks_for_no_other_folder(call, tmp_path):
    told = call("--in-place", "--workers", 1)
    assert told.exit_code == 0, told.output
    assert not (tmp_path / "in" / NAME / "1").exists()
    assert (tmp_path / "in" / NAME / "readme").exists()


def test_large_files_are_cleaned_piece_by_piece_to_the_same_bytes(call, tmp_path, monkeypatch):
    call(tmp_path / "out", "--workers", 1)
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")}
    shutil.rmtree(tmp_path / "out")
    for module in (part10, tree):
        monkeypatch.setattr(module, "STREAMED_FROM", 600)
    monkeypatch.setattr(part10, "_PIECE", 50)
    broken = encoded(ct(SOPInstanceUID="1.3.6.1.4.1.9999.1.2.99"))
    head = file_head(broken.sop_class_uid, broken.sop_instance_uid, broken.transfer_syntax_uid)
    (tmp_path / "in" / "broken.dcm").write_bytes(head + bytes(broken.dataset)[:-10])
    told = call(tmp_path / "out", "--workers", 1)
    assert "malformed: pixel data cut off" in told.output
    assert whole
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.dcm")} == whole
    assert not list(tmp_path.rglob("*.part"))
    call("--in-place", "--workers", 1)
    assert "done before" in call("--in-place", "--workers", 1).output


def test_explain_says_it_in_sentences_and_for_a_file_in_a_table(call, tmp_path):
    app = typer.Typer()
    app.command()(explain.explain)
    spoken = CliRunner().invoke(app, [str(tmp_path / "deid.yaml")], env={"COLUMNS": "200"})
    assert spoken.exit_code == 0
    assert "Basic profile of PS3.15" in spoken.output
    told = CliRunner().invoke(app, [str(tmp_path / "deid.yaml"), str(tmp_path / "in" / NAME / "1")])
    assert told.exit_code == 0
    assert "IDENTIFYING" in told.output
    assert "elements differ" in told.output


def test_pseudonyms_of_a_table_are_taken_by_every_process(call, tmp_path):
    for number in range(40):
        source = encoded(ct(SOPInstanceUID=f"1.3.6.1.4.1.9999.1.2.{number + 10}"))
        head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
        (tmp_path / "in" / f"{number}.dcm").write_bytes(head + bytes(source.dataset))
    (tmp_path / "new_ids.json").write_text(json.dumps({PATIENT_ID: "P0001"}))
    profile = json.loads((tmp_path / "deid.yaml").read_text())
    table = {"source": "table", "file": str(tmp_path / "new_ids.json")}
    (tmp_path / "deid.yaml").write_text(json.dumps(profile | {"patient": table}))
    assert call(tmp_path / "out", "--workers", 2).exit_code == 0
    assert len(list((tmp_path / "out" / "P0001").rglob("*.dcm"))) == 41


@pytest.fixture
def old(call, tmp_path, monkeypatch):
    """The command as PACSMAN's users write it, without a profile."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    app = typer.Typer()
    app.command()(deid.deid)
    folders = ["--in_folder", str(tmp_path / "in"), "-o", str(tmp_path / "out")]
    return lambda *words: CliRunner().invoke(app, [*folders, *map(str, words)])


def result(tmp_path):
    [path] = (tmp_path / "out").rglob("*.dcm")
    return dcmread(path)


def test_a_command_of_pacsman_works_without_a_profile_and_leaves_key_files_where_only_their_owner_reads(old, tmp_path):
    (tmp_path / "new_ids.json").write_text(json.dumps({f"sub-{PATIENT_ID}": "P0001"}))
    words = ["--new_ids", tmp_path / "new_ids.json", "-a", "-p", "-i"]
    told = old(*words)
    assert told.exit_code == 0, told.exception
    assert "Quistgaard" not in told.output
    [own] = (tmp_path / "share" / "pacsflow" / "deid").iterdir()
    assert json.loads((own / "mapper.json").read_text()) == {"P0001": PATIENT_ID}
    with (own / "date_offsets.csv").open(newline="") as file:
        [offset] = csv.DictReader(file)
    days = int(offset["days"])
    assert offset["new_id"] == "P0001"
    assert -30 <= days <= 30
    ds = result(tmp_path)
    assert ds.PatientID == "P0001"
    assert dt.date.fromisoformat(ds.StudyDate) == dt.date(2015, 5, 12) + dt.timedelta(days=days)
    assert {stat.S_IMODE(path.stat().st_mode) for path in own.iterdir()} == {0o600}
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    assert "doubled" in old(*words).output, "the same key again, the same files"


def test_without_its_options_dates_stay_and_folders_are_renamed_all_the_same(old, tmp_path):
    told = old("--keep_patient_dir_names")
    assert told.exit_code == 0, told.exception
    assert "folders have the pseudonyms' names" in told.output
    assert result(tmp_path).StudyDate == "20150512"
    assert NAME not in str(list((tmp_path / "out").rglob("*")))


def test_what_pacsman_deleted_is_refused_and_the_original_stays(old, tmp_path):
    [path] = (tmp_path / "in" / NAME).glob("1")
    source = encoded(ct(ImageType=["DERIVED", "SECONDARY"]))
    path.write_bytes(
        file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid) + bytes(source.dataset)
    )
    told = old("--delete-identifiable")
    assert isinstance(told.exception, WorkLeftError)
    assert "dropped: ImageType, Modality" in told.output
    assert path.exists()


def test_explain_is_an_option_of_deid_too(tmp_path, call):
    app = typer.Typer()
    app.command()(deid.deid)
    words = ["--explain", str(tmp_path / "deid.yaml")]
    assert "Basic profile of PS3.15" in CliRunner().invoke(app, words).output
    told = CliRunner().invoke(app, [*words, str(tmp_path / "in" / NAME / "1")])
    assert told.exit_code == 0, told.exception
    assert "elements differ" in told.output


def test_a_folder_that_is_none_or_named_twice_is_refused(old, call, tmp_path):
    assert "IN is given twice" in str(call("-d", tmp_path / "in").exception)
    assert "OUT is given twice" in str(call(tmp_path / "out", "-o", tmp_path / "other").exception)
    assert "OUT is not a folder" in str(call(tmp_path / "deid.yaml").exception)
    assert "takes a file" in str(call("--explain", tmp_path / "deid.yaml").exception)
