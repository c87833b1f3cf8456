"""Published NIfTI come out of the whole way, by each protocol, under the profile of projects/mr-nifti.

What is not a volume does not: it is refused with its reason.
"""

import json
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nibabel import Nifti1Image
from pydicom import Dataset, dcmread
from ruamel.yaml import YAML

from factory import make_uid
from gradients import DIFFUSION, assert_gradients
from pacsflow.ledger import outcomes, studies
from pacsflow.ledger.summary import rows_of
from pacsflow.run.opening import open_session
from pacsflow.simpacs import folder_archive
from pacsflow.simpacs.archive import StudyArchive
from project_folder import write_project
from unit.convert.test_convert_references import (
    DCM2NIIX,
    DICOM2NIFTI,
    DOUBTED,
    FAILING,
    assert_same_image,
    dicom_files,
)
from ways import (
    Way,
    c_get,
    c_move,
    dicomweb,
    rad69_found_by_mint,
    wado_uri_found_by_mint,
)
from whole_run import project, run_once

WAYS = [c_get, c_move, dicomweb, wado_uri_found_by_mint, rad69_found_by_mint]
PLACE = "dicom2nifti"
NO_VOLUMES = {f"{PLACE}/failing/{name}": reason for name, reason in FAILING.items()}
SERIES = {
    "dcm2niix": [*DCM2NIIX, *(f"{PLACE}/{name}" for name in DIFFUSION), *NO_VOLUMES],
    "dicom2nifti": [f"{PLACE}/{name}" for name in DICOM2NIFTI],
}
"""Converter -> folders of ../shared/data."""
REFUSED = {"dcm2niix": NO_VOLUMES, "dicom2nifti": {f"{PLACE}/{name}": reason for name, reason in DOUBTED.items()}}
"""Converter -> series -> reason."""

SHAPES = {
    "dcm_qa_nih/In/20180918GE/mr_0004": ("slice by slice", (64, 64, 15, 10)),
    "dcm_qa_12bit/In/12bitUnsigned.dcm": ("mosaic", (64, 64, 35)),
    "dcm_qa_nih/In/20180918Si/mr_0003": ("mosaic", (72, 72, 5, 2)),
    "dicom2nifti/philips_enhanced/anatomical/001": ("enhanced", (256, 256, 8)),
    "dcm_qa_enh/In/Siemens/XA10": ("enhanced", (64, 64, 6, 4)),
    "dicom2nifti/philips_enhanced/fmri/001": ("enhanced", (64, 64, 8, 4)),
}
"""How volumes, and volumes over time, are stored; what they become."""


def shipped() -> dict[str, Any]:
    """The profile of projects/mr-nifti, without its key; it would refuse one RGB series that may show text."""
    text = (Path(__file__).parents[2] / "projects" / "mr-nifti" / "deid.yaml").read_text(encoding="utf-8")
    profile = YAML(typ="safe", pure=True).load(text)
    del profile["key"]
    return {**profile, "pixels": {"burned_in": "keep"}}


def export(converter: str, out: Path) -> dict[str, Any]:
    """An output folder with a folder per row."""
    target = {"kind": "folder", "path": str(out), "layout": "{row}/{series_number}", "dicom": False}
    return {"nifti": [{"modality": "*", "converter": converter}], "targets": [target]}


@dataclass
class Held:
    """What Orthanc and the stand-ins hold, and the rows that ask for it: series -> row."""

    archive: StudyArchive = field(default_factory=StudyArchive)
    rows: dict[str, dict[str, str]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def held(orthanc, shared_data: Path, tmp_path_factory) -> Held:
    """Each series as a study under UIDs of its own, as codec variants share theirs."""
    folder, all_held = tmp_path_factory.mktemp("copies"), Held()
    for name in dict.fromkeys(name for names in SERIES.values() for name in names):
        study = make_uid("reference", name)
        # patients are called like the folders, and a row called like its patient goes by its number
        all_held.rows[name] = {"id": f"series-{len(all_held.rows)}", "StudyInstanceUID": study}
        for n, path in enumerate(dicom_files(shared_data / name)):
            copy = folder / f"{len(all_held.rows)}-{n}.dcm"
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = dcmread(path)
                dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, make_uid("series", name)
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = make_uid(name, n)
                dataset.save_as(copy)
            orthanc.load([copy])
    all_held.archive = folder_archive(folder)
    return all_held


@dataclass
class Came:
    """What came by one way with one converter: a folder for each series, and why some were not converted."""

    folders: dict[str, Path]
    refused: dict[str, str]

    def image(self, series: str, suffix: str = "") -> Path:
        """The converted file of a series, whose folder is named by its number."""
        [folder] = self.folders[series].iterdir()
        return folder / f"{folder.name}{suffix}.nii.gz"


ALWAYS = (c_get, dicomweb, wado_uri_found_by_mint)
"""The others are for `make soak`: what they bring is compared with these in other tests."""


@pytest.fixture(
    scope="module",
    params=[pytest.param(one, id=one.__name__, marks=() if one in ALWAYS else pytest.mark.soak) for one in WAYS],
)
def came(request, orthanc, held: Held, tmp_path_factory) -> dict[str, Came]:
    way: Way = request.param
    with way(orthanc, held.archive) as node:
        return {kind: brought(tmp_path_factory.mktemp(kind), kind, node, held) for kind in SERIES}


def without_placeholders(reason: str) -> str:
    """A row's reason without the sentence about published images whose Patient ID names nobody."""
    return "; ".join(part for part in reason.split("; ") if "no patient id, or one that stands for nobody" not in part)


def brought(folder: Path, converter: str, node: dict[str, Any], held: Held) -> Came:
    names, out = SERIES[converter], folder / "converted"
    rows = [held.rows[name] for name in names]
    nobody = SimpleNamespace(archive=StudyArchive(), counts=Counter(), listening=True)
    place = project(folder, nobody, node, asked=rows, response=30, deid=shipped(), export=export(converter, out))
    told = run_once(place, nobody)
    assert told.errors == []
    failed = refused(place, names)
    said = {name: f"1 of 1 series not converted: {reason}" for name, reason in failed.items()}
    assert [(status, without_placeholders(reason)) for status, reason in told.rows] == [
        ("complete", said.get(name, "")) for name in names
    ]
    return Came({name: out / held.rows[name]["id"] for name in names}, failed)


def refused(folder: Path, names: list[str]) -> dict[str, str]:
    """Series -> reason, of those that were not converted."""
    with open_session(str(folder), action="run") as run:
        return {
            names[run.row_of(row_id).number - 1]: output.reason.partition(":")[0]
            for plan in studies.planned(run.ledger)
            for output in outcomes.outputs(run.ledger, plan.key)
            for row_id in rows_of(run.ledger, plan.key)
            if output.status == "refused"
        }


def test_dcm2niix_references_come_out_by_each_protocol(came, shared_data):
    for name, wanted in DCM2NIIX.items():
        for suffix, reference in wanted.items():
            published = shared_data / name.split("/")[0] / "Ref" / f"{reference}.nii"
            assert_same_image(came["dcm2niix"].image(name, suffix), published)


def test_dicom2nifti_references_come_out_by_each_protocol(came, shared_data):
    for name in DICOM2NIFTI:
        if name not in DOUBTED:
            published = shared_data / PLACE / f"{name}_ground_truth.nii.gz"
            assert_same_image(came["dicom2nifti"].image(f"{PLACE}/{name}"), published)


def stored(header: Dataset) -> str:
    if "PerFrameFunctionalGroupsSequence" in header:
        return "enhanced"
    return "mosaic" if "MOSAIC" in header.ImageType else "slice by slice"


def test_volumes_over_time_come_out_however_they_are_stored(came, shared_data):
    for name, (how, shape) in SHAPES.items():
        assert stored(dcmread(dicom_files(shared_data / name)[0], stop_before_pixels=True)) == how
        image = came["dicom2nifti" if name.startswith(PLACE) else "dcm2niix"].image(name)
        assert Nifti1Image.from_filename(image).shape == shape


def test_gradients_come_out_by_each_protocol(came, shared_data):
    for kind, series in (("dcm2niix", DIFFUSION), ("dicom2nifti", [name for name in DIFFUSION if name not in DOUBTED])):
        for name in series:
            assert_gradients(came[kind].image(f"{PLACE}/{name}"), dicom_files(shared_data / PLACE / name))


@pytest.mark.parametrize("kind", SERIES)
def test_what_is_not_a_volume_is_refused_with_its_reason_by_each_protocol(came, kind):
    assert came[kind].refused == REFUSED[kind]
    for name, folder in came[kind].folders.items():
        assert any(folder.rglob("*.nii.gz")) == (name not in REFUSED[kind])


def test_the_reports_of_a_run_name_what_is_not_a_volume(prefect, orthanc, held, tmp_path):
    rows = [held.rows[name] for name in NO_VOLUMES]
    node = {"port": orthanc.port, "called_aet": orthanc.aet}
    files = {"deid": shipped(), "export": export("dicom2nifti", tmp_path / "out")}
    prefect.pacsflow("run", str(write_project(tmp_path / "p", pacs=node, rows=rows, **files)))
    assert not list(tmp_path.rglob("*.nii.gz"))
    record = json.loads((tmp_path / "data" / "report" / "run.json").read_text())
    assert record["counts"]["series"]["not converted"] == len(rows)
    page = (tmp_path / "data" / "report" / "report.html").read_text()
    for reason in NO_VOLUMES.values():
        assert reason in page
