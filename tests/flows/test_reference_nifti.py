"""Published NIfTI come out of the whole way: Orthanc, fetch, the profile of projects/mr-nifti, conversion."""

import json
import warnings
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import dcmread
from ruamel.yaml import YAML

from factory import make_uid
from pacsflow.simpacs.archive import Archive
from project_folder import write_project
from unit.convert.test_convert_references import (
    DCM2NIIX,
    DICOM2NIFTI,
    FAILING,
    assert_same_image,
    dicom_files,
)
from whole_run import project, run_once


def shipped() -> dict[str, Any]:
    """The profile of projects/mr-nifti, without its key; it would refuse one RGB series that may show text."""
    text = (Path(__file__).parents[2] / "projects" / "mr-nifti" / "deid.yaml").read_text(encoding="utf-8")
    profile = YAML(typ="safe", pure=True).load(text)
    del profile["key"]
    return {**profile, "pixels": {"burned_in": "keep"}}


def loaded(orthanc, series: dict[str, Path], folder: Path) -> list[dict[str, str]]:
    """Each series in Orthanc under UIDs of its own, as codec variants share theirs; the rows that ask for them."""
    rows = []
    for name, place in series.items():
        study = make_uid("reference", name)
        for n, path in enumerate(dicom_files(place)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = dcmread(path)
                dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, make_uid("series", name)
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = make_uid(name, n)
                copy = folder / f"{len(rows)}-{n}.dcm"
                dataset.save_as(copy)
            orthanc.load([copy])
        rows.append({"id": name.replace("/", "_"), "StudyInstanceUID": study})
    return rows


def run(prefect, orthanc, folder: Path, *, series: dict[str, Path], converter: str) -> Path:
    """The output folder of a project that fetches and converts all `series`: a folder per row."""
    (folder / "copies").mkdir()
    rows = loaded(orthanc, series, folder / "copies")
    export = {
        "nifti": [{"modality": "*", "converter": converter}],
        "targets": [{"kind": "folder", "path": str(folder / "out"), "layout": "{row}/{series_number}", "dicom": False}],
    }
    node = {"port": orthanc.port, "called_aet": orthanc.aet}
    prefect.pacsflow("run", str(write_project(folder / "p", pacs=node, rows=rows, deid=shipped(), export=export)))
    return folder / "out"


def image(out: Path, series: str, suffix: str = "") -> Path:
    """The converted file of a series, whose folder is named by its number."""
    [folder] = (out / series.replace("/", "_")).iterdir()
    return folder / f"{folder.name}{suffix}.nii.gz"


def test_dcm2niix_references_come_out_of_the_whole_way(prefect, orthanc, shared_data, tmp_path):
    out = run(prefect, orthanc, tmp_path, series={n: shared_data / n for n in DCM2NIIX}, converter="dcm2niix")
    for name, wanted in DCM2NIIX.items():
        for suffix, reference in wanted.items():
            assert_same_image(image(out, name, suffix), shared_data / name.split("/")[0] / "Ref" / f"{reference}.nii")


def test_dicom2nifti_references_come_out_of_the_whole_way(prefect, orthanc, shared_data, tmp_path):
    place = shared_data / "dicom2nifti"
    out = run(prefect, orthanc, tmp_path, series={n: place / n for n in DICOM2NIFTI}, converter="dicom2nifti")
    for name in DICOM2NIFTI:
        assert_same_image(image(out, name), place / f"{name}_ground_truth.nii.gz")


@pytest.mark.parametrize("converter", ["dcm2niix", "dicom2nifti"])
def test_what_is_no_volume_is_delivered_unconverted_with_its_reason(prefect, orthanc, shared_data, tmp_path, converter):
    place = shared_data / "dicom2nifti" / "failing"
    out = run(prefect, orthanc, tmp_path, series={n: place / n for n in FAILING}, converter=converter)
    assert not list(out.rglob("*.nii.gz"))
    record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
    assert record["counts"]["series"]["not converted"] == len(FAILING)
    page = (tmp_path / "data" / "report" / "report.html").read_text()
    for reason in FAILING.values():
        assert reason in page


def test_what_is_converted_is_the_same_by_dicomweb_as_by_dimse(orthanc, shared_data, tmp_path):
    rows = loaded(orthanc, {name: shared_data / name for name in DCM2NIIX}, tmp_path)
    pacs = SimpleNamespace(archive=Archive([]), counts=Counter(), listening=True)
    nodes = {
        "dimse": {"port": orthanc.port, "called_aet": orthanc.aet},
        "dicomweb": {"protocol": "dicomweb", "url": f"{orthanc.url}/dicom-web"},
    }
    told = {}
    for name, node in nodes.items():
        (tmp_path / name).mkdir()
        folder = project(tmp_path / name, pacs, node, asked=rows, response=30, deid=shipped())
        told[name] = run_once(folder, pacs)
    assert told["dimse"].rows == told["dicomweb"].rows == [("complete", "")] * len(rows)
    assert len(told["dimse"].out) > len(rows)
    assert told["dicomweb"].out.keys() == told["dimse"].out.keys()
    # Orthanc writes the lengths of sequences anew when it sends by DIMSE
    for path in [path for path, digest in told["dimse"].out.items() if told["dicomweb"].out[path] != digest]:
        by_dimse, by_web = (dcmread(tmp_path / name / "data" / "out" / path) for name in nodes)
        assert by_dimse == by_web
        assert by_dimse.file_meta.TransferSyntaxUID == by_web.file_meta.TransferSyntaxUID
