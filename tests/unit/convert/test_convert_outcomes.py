"""What a conversion leaves on disk, and how it ends when the converter does not do its work."""

import json
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dcm2niix
import pytest

from factory import make_instance, write_files
from pacsflow.convert import convert_series
from pacsflow.convert.dcm2niix import warnings
from pacsflow.convert.dicom2nifti import close_workers
from pacsflow.convert.sidecar import cleaned
from pacsflow.errors import ConverterStoppedError, RefusalError

KINDS = ["dcm2niix", "dicom2nifti"]
TELLING = {
    "PatientName": "Telling^Tessa",
    "PatientID": "TELL-1",
    "AccessionNumber": "TELL-2",
    "PatientBirthDate": "19330303",
    "StudyDate": "20191231",
    "AcquisitionTime": "031415",
    "InstitutionName": "TELLING HOSPITAL",
    "InstitutionAddress": "TELLING ROAD",
    "StationName": "TELLING STATION",
    "DeviceSerialNumber": "TELL-3",
    "ReferringPhysicianName": "Telling^Theo",
    "OperatorsName": "Telling^Tom",
    "StudyDescription": "Telling study",
    "ImageComments": "Telling comment",
    "PerformedProcedureStepDescription": "Telling step",
    "PatientComments": "Telling remark",
    "PatientWeight": "71.25",
    "PatientAge": "087Y",
}


@pytest.fixture
def volume(tmp_path: Path) -> list[Path]:
    instances = [make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, i], **TELLING) for i in range(1, 7)]
    return write_files(instances, tmp_path / "in")


def program(path: Path, script: str, interpreter: str = "/bin/sh") -> str:
    path.write_text(f"#!{interpreter}\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def confined_program(path: Path, script: str) -> str:
    """In Python: a program that is confined has no shell."""
    return program(path, f"import os, time\n{script}", sys.executable)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sidecar_tells_how_but_not_who_where_or_when(kind, volume, tmp_path) -> None:
    converted = convert_series(kind, volume, tmp_path / "out", geometry="refuse")
    facts = json.loads((tmp_path / "out/image.json").read_text())
    assert facts["Modality"] == "CT"
    assert facts["SeriesDescription"] == "Axial lung"
    assert facts["ConversionSoftware"] == kind
    text = json.dumps(facts).lower()
    for word in ("tell", "1933", "2019", "71.25", "87", "03:14", "0314", "erika", "referrer", "1.2.826"):
        assert word not in text
    assert [p.name for p in converted.files] == ["image.json", "image.nii.gz"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_conversion_replaces_the_first(kind, volume, tmp_path) -> None:
    first = convert_series(kind, volume, tmp_path / "out", geometry="refuse")
    (tmp_path / "out/image_old.nii.gz").write_bytes(b"old")
    second = convert_series(kind, volume, tmp_path / "out", geometry="refuse")
    assert second == first
    assert sorted((tmp_path / "out").iterdir()) == list(first.files)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]


def test_what_a_killed_conversion_left_is_cleared(volume, tmp_path) -> None:
    leftover = tmp_path / ".out.converting"
    leftover.mkdir()
    (leftover / "image_half.nii.gz").write_bytes(b"half")
    convert_series("dcm2niix", volume, tmp_path / "out", geometry="refuse")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out"]
    assert not (tmp_path / "out/image_half.nii.gz").exists()


def test_success_without_a_file_is_a_refusal(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dcm2niix, "bin", confined_program(tmp_path / "silent", ""))
    with pytest.raises(RefusalError) as refusal:
        convert_series("dcm2niix", volume, tmp_path / "out", geometry="warn")
    assert refusal.value.reason == "no-output"
    assert not (tmp_path / "out").exists()


def test_an_exit_code_is_a_refusal(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dcm2niix, "bin", confined_program(tmp_path / "broken", "os.kill(os.getpid(), 11)"))
    with pytest.raises(RefusalError, match="exit code -11") as refusal:
        convert_series("dcm2niix", volume, tmp_path / "out", geometry="warn")
    assert refusal.value.reason == "converter-error"


def test_a_converter_killed_from_outside_has_refused_nothing(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dcm2niix, "bin", confined_program(tmp_path / "killed", "os.kill(os.getpid(), 9)"))
    with pytest.raises(ConverterStoppedError) as stopped:
        convert_series("dcm2niix", volume, tmp_path / "out", geometry="warn")
    assert stopped.value.transient
    assert not (tmp_path / "out").exists()


def test_a_worker_of_dicom2nifti_killed_from_outside_has_refused_nothing(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path / "killed", "kill -KILL $$"))
    close_workers()
    with pytest.raises(ConverterStoppedError):
        convert_series("dicom2nifti", volume, tmp_path / "out", geometry="refuse")
    monkeypatch.undo()
    assert convert_series("dicom2nifti", volume, tmp_path / "out", geometry="refuse").files


def test_a_worker_of_dicom2nifti_that_hangs_is_stopped(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "executable", program(tmp_path / "hanging", "exec sleep 600"))
    monkeypatch.setattr("pacsflow.convert.dicom2nifti.TIMEOUT", 0.2)
    close_workers()
    with pytest.raises(RefusalError) as refusal:
        convert_series("dicom2nifti", volume, tmp_path / "out", geometry="refuse")
    assert refusal.value.reason == "converter-timeout"


def test_a_worker_is_replaced_when_it_is_spent(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("pacsflow.convert.dicom2nifti.SERIES_PER_WORKER", 2)
    close_workers()
    made = [convert_series("dicom2nifti", volume, tmp_path / str(n), geometry="refuse") for n in range(5)]
    assert all(one.files for one in made)


def test_series_are_converted_at_once_by_several_workers(volume, tmp_path) -> None:
    with ThreadPoolExecutor(3) as pool:
        jobs = [
            pool.submit(convert_series, "dicom2nifti", volume, tmp_path / str(n), geometry="warn") for n in range(6)
        ]
    images = {(tmp_path / str(n) / "image.json").read_text() for n in range(6)}
    assert len(images) == 1
    assert all(job.result().files for job in jobs)


def test_a_converter_that_hangs_is_stopped(volume, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(dcm2niix, "bin", confined_program(tmp_path / "hanging", "time.sleep(600)"))
    monkeypatch.setattr("pacsflow.convert.dcm2niix.TIMEOUT", 0.2)
    with pytest.raises(RefusalError) as refusal:
        convert_series("dcm2niix", volume, tmp_path / "out", geometry="warn")
    assert refusal.value.reason == "converter-timeout"


def test_broken_pixels_are_a_refusal_and_the_next_series_is_converted(volume, tmp_path) -> None:
    short = write_files(
        [
            make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, i], PixelData=b"\0\0", SeriesNumber=2)
            for i in range(1, 7)
        ],
        tmp_path / "short",
    )
    with pytest.raises(RefusalError) as refusal:
        convert_series("dicom2nifti", short, tmp_path / "bad", geometry="refuse")
    assert refusal.value.reason == "converter-error"
    assert convert_series("dicom2nifti", volume, tmp_path / "good", geometry="refuse").files


def test_a_persons_own_defaults_of_dcm2niix_are_not_used(volume, tmp_path, monkeypatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".dcm2nii.ini").write_text("isGZ=0\nisOnlyBIDS=1\n")
    monkeypatch.setenv("HOME", str(home))
    converted = convert_series("dcm2niix", volume, tmp_path / "out", geometry="refuse")
    assert [p.name for p in converted.files] == ["image.json", "image.nii.gz"]


def test_warnings_hold_neither_paths_nor_quoted_texts() -> None:
    said = f"Convert 4 DICOM\nWarning: odd protocol 'Tessa' in {os.sep}data{os.sep}Tessa.dcm\nWarning: Empty protocol name(s)"
    assert warnings(said) == ["dcm2niix: Warning: odd protocol … in …"]


def test_a_description_that_only_a_private_header_has_is_left_out() -> None:
    facts = {"ProtocolName": "head of Mr X", "SeriesDescription": "T1", "EchoTime": 0.03, "WipMemBlock": "Mr X"}
    kept = cleaned(facts, {"ProtocolName": "", "SeriesDescription": "T1"})
    assert kept == {"SeriesDescription": "T1", "EchoTime": 0.03}
