"""Trees as they lie on disks: the folder one stands in, one file, links, files and folders that cannot be read."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from commands import pacsflow
from factory import make_instance, make_study, write_files
from pacsflow.cli.app import app
from pacsflow.errors import PacsflowError

BARRED = Path("/proc/self/mem")
"""A file that not even root can read from its beginning."""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to stand in, with a tree of one series of six images called `t`."""
    slices = [make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, i]) for i in range(1, 7)]
    write_files(slices, tmp_path / "t")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report() -> list:
    return [make_instance(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", PixelData=None)]


def test_the_folder_one_stands_in_is_a_tree(place, monkeypatch):
    write_files(report(), place / "t/report")
    monkeypatch.chdir(place / "t")
    pacsflow("convert", ".")
    pacsflow("extract", ".")
    assert {path.name for path in place.iterdir()} == {"t", "t-nifti", "t-reports"}
    monkeypatch.chdir("/")
    assert "name the folder to write to" in pacsflow("extract", ".", expect=2)


def test_one_file_is_a_tree_too(place):
    (path,) = write_files(report(), place / "r")
    pacsflow("extract", path, "texts")
    assert len(list((place / "texts").iterdir())) == 1
    image = next((place / "t").iterdir())
    pacsflow("dicomdir", image, "cd")
    assert (place / "cd.names.csv").read_text().splitlines()[1].endswith(f",{image.name}")


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "t", "out"),
        ("extract", "t", "out"),
        ("dicomdir", "t", "out"),
        ("send", "t", "targets.yaml"),
        ("karnak-tag", "t", "--new-ids", "ids.json", "--album", "a"),
    ],
)
@pytest.mark.parametrize("barred", ["file", "link", "only"])
def test_what_cannot_be_read_is_reported_and_the_rest_is_done(place, command, barred):
    (place / "ids.json").write_text('{"EX0001": "P1"}')
    (place / "targets.yaml").write_text("targets: [{kind: folder, path: out}]")
    if barred == "only":
        shutil.rmtree(place / "t")
        (place / "t").mkdir()
    (place / "t/odd").symlink_to(place / "nowhere" if barred == "link" else BARRED)
    nothing = barred == "only" and command[0] != "extract"
    assert "1 file or folder cannot be read" in pacsflow(*command, expect=2 if nothing else 1)
    assert (place / "out").exists() is (not nothing and command[0] not in {"extract", "karnak-tag"})


def test_linked_folders_are_not_followed_and_reported(place):
    (place / "far").symlink_to(place / "t")
    (place / "near").mkdir()
    (place / "near/linked").symlink_to(place / "t")
    assert "links to folders are not followed" in pacsflow("convert", "near", expect=2)
    write_files(make_study(series=1, images=1), place / "near")
    assert "left alone: 1 file, no DICOM instances, or links to folders" in pacsflow("dicomdir", "near", "cd")
    pacsflow("convert", "far")
    assert (place / "far-nifti").is_dir()


def test_names_that_are_no_unicode_are_kept(place):
    name = os.fsdecode(b"M\xfcller 1.dcm")
    next((place / "t").iterdir()).rename(place / "t" / name)
    pacsflow("dicomdir", "t", "cd")
    assert b"M\xfcller 1.dcm" in (place / "cd.names.csv").read_bytes()


@pytest.mark.parametrize(
    "command",
    [
        ("extract", "r", "/proc/none/out"),
        ("convert", "t", "/proc/none/out"),
        ("dicomdir", "t", "/proc/none/out"),
        ("move-info", "m", "/proc/none/out"),
        ("pseudonyms", "q.csv", "--project-name", "p", "--mapping-file", "m.csv", "--out", "/proc/none/out"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_message(place, command):
    write_files(report(), place / "r")
    (place / "m").mkdir()
    (place / "m/mapper.json").write_text("{}")
    (place / "q.csv").write_text("PatientID\nEX0001\n")
    (place / "m.csv").write_text("EX0001,P1\n")
    said = pacsflow(*command, expect=8)
    assert said.startswith("/proc/none/out: ")
    assert "look at the room, the rights" in said


def test_a_file_where_results_should_go_is_one_message(place):
    (place / "out").write_text("here")
    for command in (("convert", "t", "out"), ("extract", "t", "out/texts")):
        write_files(report(), place / "t/report")
        assert pacsflow(*command, expect=8).startswith(command[2])
    assert (place / "out").read_text() == "here"


@pytest.mark.parametrize("target", ["{kind: bids, path: out, name: N}", "{kind: folder, path: out, dicom: false}"])
def test_a_target_that_takes_no_dicom_is_not_passed_over_in_silence(place, target):
    (place / "targets.yaml").write_text(f"targets: [{{kind: folder, path: other}}, {target}]")
    assert "targets[1]: takes converted files only" in pacsflow("send", "t", "targets.yaml", expect=2)
    assert not (place / "other").exists()


FULL = """
import pacsflow.export.tree, sys
def full(*_): raise OSError(28, "No space left on device", "/data/sub-EX0001")
pacsflow.export.tree.files_of = full
sys.argv = ["pacsflow", "extract", "t"]
pacsflow.cli.main()
"""


def test_what_the_computer_refuses_is_reported_in_a_sentence(place):
    words = [sys.executable, "-c", f"import pacsflow.cli{FULL}"]
    environment = {**os.environ, "XDG_STATE_HOME": str(place)}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 5
    assert done.stderr.startswith("this computer refuses: No space left on device.")
    assert "EX0001" not in done.stderr


SPOILT = {
    "no VR": (b"\x08\x00\x3e\x10LO", b"\x08\x00\x3e\x10\xff\x01"),
    "a UID of bytes": (b"\x20\x00\x0d\x00UI", b"\x20\x00\x0d\x00OB"),
    "no length": (b"\x02\x00\x00\x00UL\x04\x00", b"\x02\x00\x00\x00UL\x05\x00"),
    "no rows": (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x10\x00US\x04\x00"),
}


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize(
    "command",
    [
        ("convert", "t", "out"),
        ("extract", "t", "out"),
        ("dicomdir", "t", "out"),
        ("send", "t", "targets.yaml"),
        ("karnak-tag", "t", "--new-ids", "ids.json", "--album", "a"),
    ],
)
def test_a_spoilt_header_is_reported_and_no_fault(place, command, what):
    (place / "ids.json").write_text('{"EX0001": "P1"}')
    (place / "targets.yaml").write_text("targets: [{kind: folder, path: out}]")
    good, spoilt = SPOILT[what]
    (path,) = write_files([make_instance(SeriesNumber=2)], place / "t/spoilt")
    assert good in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(good, spoilt))
    done = CliRunner().invoke(app, list(command))
    assert done.exception is None or isinstance(done.exception, SystemExit | PacsflowError), done.exception


def test_a_uid_that_is_a_path_stays_in_its_folder(place):
    (path,) = write_files([make_instance(SeriesNumber=2)], place / "odd")
    uid = dcmread(path).SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(uid, b"../../../../x".ljust(len(uid), b"y")))
    (place / "targets.yaml").write_text("targets: [{kind: folder, path: deep/out}]")
    pacsflow("send", "odd", "targets.yaml")
    assert not list(place.glob("x*"))
    assert len(list((place / "deep/out").rglob("*.dcm"))) == 1
