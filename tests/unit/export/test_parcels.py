"""Studies as archives and as file-sets."""

import csv
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import py7zr
import pytest
import pyzipper
from pydicom import dcmread
from pydicom.fileset import FileSet
from typer.testing import CliRunner

from factory import make_instance, make_study, write_files
from pacsflow.cli.app import app
from pacsflow.errors import ProjectError, SecretError, TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.export import archive as archives
from peers.process import program
from schemas.export import Archive, Dicomdir

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""pydicom's FileSet, as the tests read it back, leaves its scratch folder to the garbage collector."""

PASSWORD = "Rund-um-die-Uhr-5"


@pytest.fixture
def study(tmp_path) -> StudyFolder:
    files = write_files(make_study(series=1, images=3, SeriesDescription="T1"), tmp_path / "staged")
    converted = tmp_path / "image.nii.gz"
    converted.write_bytes(b"volume")
    return StudyFolder((read_series(files, [converted]),))


def archive(tmp_path: Path, form: str):
    return open_target(Archive(kind="archive", format=form, password="${env:ARCHIVE_WORD}"), tmp_path)


def unpacked(place: Path, folder: Path, password: str) -> dict[str, str]:
    if place.suffix == ".zip":
        with pyzipper.AESZipFile(place) as packed:
            packed.extractall(folder, pwd=password.encode())
    else:
        with py7zr.SevenZipFile(place, password=password) as packed:
            packed.extractall(folder)
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", ["zip", "7z"])
def test_files_of_a_time_that_archives_do_not_know_are_packed(tmp_path, study, form, monkeypatch):
    monkeypatch.setenv("ARCHIVE_WORD", PASSWORD)
    for (_, path), moment in zip(study.series[0].dicom, (0, 4_400_000_000, 1_500_000_000), strict=True):
        os.utime(path, (moment, moment))
    ((name, _, _),) = archive(tmp_path, form).deliver(study).files
    assert len(unpacked(tmp_path / "archives" / name, tmp_path / "unpacked", PASSWORD)) == 4


@pytest.mark.parametrize("form", ["zip", "7z"])
def test_an_archive_holds_all_files_under_the_password(tmp_path, study, form, monkeypatch):
    monkeypatch.setenv("ARCHIVE_WORD", PASSWORD)
    target = archive(tmp_path, form)
    delivered = target.deliver(study)
    ((name, _, _),) = delivered.files
    assert name == f"EX0001_20200102101112.{form}"
    held = unpacked(tmp_path / "archives" / name, tmp_path / "unpacked", PASSWORD)
    assert len(held) == 4
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for _, path in study.series[0].dicom}
    assert sent < set(held.values())
    assert target.verify(delivered) == []
    for wrong in ("", "other"):
        with pytest.raises(Exception):  # noqa: B017, PT011 each library has its own
            unpacked(tmp_path / "archives" / name, tmp_path / "wrong", wrong)
    assert list((tmp_path / "archives").glob(".*.part")) == []


DIES = """
import os, signal, sys
from pathlib import Path
from pacsflow.export import StudyFolder, archive, open_target, read_series
from schemas.export import Archive

archive._held = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
study = StudyFolder((read_series(sorted((folder / "staged").rglob("*.dcm"))),))
open_target(Archive(kind="archive", format="7z", password="${env:ARCHIVE_WORD}"), folder).deliver(study)
"""


def test_what_a_killed_delivery_left_is_encrypted_and_goes_with_the_next(tmp_path, study, monkeypatch):
    monkeypatch.setenv("ARCHIVE_WORD", PASSWORD)
    died = subprocess.run([sys.executable, "-c", DIES, tmp_path], check=False)
    assert died.returncode == -signal.SIGKILL
    root = tmp_path / "archives"
    [half] = root.rglob("*.7z")
    assert half.parent != root
    archive(tmp_path, "7z").deliver(study)
    assert not half.exists()
    assert sorted(
        path.name for path in root.rglob("*") if path.is_file() and not {"claims", "made"} & {*path.parts}
    ) == [
        "EX0001_20200102101112.7z",
        "lock",
    ]


@pytest.mark.parametrize("form", ["zip", "7z"])
def test_a_damaged_archive_is_noticed_and_made_again(tmp_path, study, form, monkeypatch):
    monkeypatch.setenv("ARCHIVE_WORD", PASSWORD)
    target = archive(tmp_path, form)
    delivered = target.deliver(study)
    place = tmp_path / "archives" / delivered.files[0][0]
    place.write_bytes(place.read_bytes()[:-100])
    assert target.verify(delivered) == [delivered.files[0][0]]
    again = target.deliver(study)
    assert target.verify(again) == []
    target.remove([delivered.files[0][0]])
    assert not place.exists()


@pytest.mark.parametrize("at", [-20, 40, 300], ids=["in its list", "in what it says", "in a file"])
@pytest.mark.parametrize("form", ["zip", "7z"])
def test_an_archive_that_the_disk_spoilt_is_not_a_delivery_and_may_be_tried_again(
    tmp_path, study, form, at, monkeypatch
):
    monkeypatch.setenv("ARCHIVE_WORD", PASSWORD)
    pack = archives._PACKERS[form]

    def spoilt(place, members, password):
        pack(place, members, password)
        content = bytearray(place.read_bytes())
        content[at : at + 8] = bytes(byte ^ 0x55 for byte in content[at : at + 8])
        place.write_bytes(content)

    monkeypatch.setitem(archives._PACKERS, form, spoilt)
    with pytest.raises(TargetError, match="read back differs") as caught:
        archive(tmp_path, form).deliver(study)
    assert caught.value.transient
    assert list((tmp_path / "archives").glob(f"*.{form}")) == []


def test_an_archive_without_its_password_is_not_written(tmp_path, study, monkeypatch):
    monkeypatch.delenv("ARCHIVE_WORD", raising=False)
    with pytest.raises(SecretError):
        archive(tmp_path, "zip").deliver(study)
    assert not (tmp_path / "archives").exists()


def file_set(tmp_path: Path):
    return open_target(Dicomdir(kind="dicomdir"), tmp_path)


def test_a_file_set_is_one_for_pydicom_and_dcmtk(tmp_path, study):
    target = file_set(tmp_path)
    delivered = target.deliver(study)
    root = tmp_path / "file-sets" / "EX0001_20200102101112"
    found = {str(one.SOPInstanceUID): Path(one.path) for one in FileSet(root / "DICOMDIR")}
    originals = dict(study.series[0].dicom)
    assert found.keys() == originals.keys()
    assert all(found[uid].read_bytes() == originals[uid].read_bytes() for uid in found)
    assert all(len(part) <= 8 for path in found.values() for part in path.relative_to(root).parts)
    said = subprocess.run([program("/usr/bin/dcmdump"), root / "DICOMDIR"], capture_output=True, text=True, check=True)
    assert said.stdout.count("DirectoryRecordType") == 6
    with (tmp_path / "file-sets" / f"{root.name}.names.csv").open() as stream:
        names = {row["was"]: root / row["file"] for row in csv.DictReader(stream)}
    assert names == found
    assert target.verify(delivered) == []
    assert {path for path, _, _ in target.deliver(study).files} == {path for path, _, _ in delivered.files}


def test_two_images_of_one_uid_are_no_file_set_and_neither_is_lost_in_silence(tmp_path, study):
    twin = dcmread(study.series[0].dicom[0][1])
    twin.SeriesInstanceUID = "1.2.3"
    twice = StudyFolder((*study.series, read_series(write_files([twin], tmp_path / "twin"))))
    with pytest.raises(TargetError, match="Instance UID of another: 1") as caught:
        file_set(tmp_path).deliver(twice)
    assert not caught.value.transient


def test_a_copy_that_the_disk_spoilt_is_not_a_file_set(tmp_path, study, monkeypatch):
    spoils = SimpleNamespace(copyfile=lambda _, target: target.write_bytes(b"spoilt"))
    monkeypatch.setattr("pacsflow.export.file_set.shutil", spoils)
    with pytest.raises(TargetError, match="read back differs") as caught:
        file_set(tmp_path).deliver(study)
    assert caught.value.transient
    assert [p.name for p in (tmp_path / "file-sets").iterdir()] == [".pacsflow"]


def test_a_file_set_stands_until_the_next_one_is_there(tmp_path, study, monkeypatch):
    target = file_set(tmp_path)
    target.deliver(study)
    root, removed, there = tmp_path / "file-sets" / "EX0001_20200102101112", shutil.rmtree, []
    monkeypatch.setattr(shutil, "rmtree", lambda *args, **more: (there.append(root.exists()), removed(*args, **more)))
    target.deliver(study)
    assert set(there) == {True}


def test_emptied_attributes_are_made_up_in_the_record_alone(tmp_path):
    bare = make_instance(StudyDate="", StudyTime=None, StudyID="", SeriesNumber=None, InstanceNumber=None)
    study = StudyFolder((read_series(write_files([bare], tmp_path / "staged")),))
    file_set(tmp_path).deliver(study)
    (place,) = (tmp_path / "file-sets").glob("*/DICOMDIR")
    (one,) = FileSet(place)
    assert one.StudyDate == "19000101"
    assert not dcmread(one.path).get("StudyDate")


def test_what_has_no_directory_record_is_an_error_and_nothing_stands_half(tmp_path):
    nameless = make_instance(PatientID="", PatientName="")
    study = StudyFolder((read_series(write_files([nameless], tmp_path / "staged")),))
    with pytest.raises(TargetError, match="Patient ID"):
        file_set(tmp_path).deliver(study)
    assert [p.name for p in (tmp_path / "file-sets").iterdir()] == [".pacsflow"]


def test_a_folder_tree_becomes_a_file_set(tmp_path):
    write_files(make_study(series=2, images=2), tmp_path / "scans" / "a")
    (tmp_path / "scans" / "notes.txt").write_text("nothing")
    result = CliRunner().invoke(app, ["dicomdir", str(tmp_path / "scans"), str(tmp_path / "cd")])
    assert result.exit_code == 0, result.output
    assert len(list(FileSet(tmp_path / "cd" / "DICOMDIR"))) == 4
    assert (tmp_path / "cd.names.csv").stat().st_mode & 0o077 == 0
    assert "left alone: 1 file" in result.output


def test_a_file_set_is_never_written_over(tmp_path):
    write_files(make_study(series=1, images=1), tmp_path / "scans")
    (tmp_path / "cd").mkdir()
    (tmp_path / "cd" / "notes.txt").write_text("somebody's")
    result = CliRunner().invoke(app, ["dicomdir", str(tmp_path / "scans"), str(tmp_path / "cd")])
    assert isinstance(result.exception, ProjectError)
    assert [path.name for path in (tmp_path / "cd").iterdir()] == ["notes.txt"]
    (tmp_path / "none").mkdir()
    result = CliRunner().invoke(app, ["dicomdir", str(tmp_path / "none"), str(tmp_path / "cd2")])
    assert "no DICOM instance" in str(result.exception)
