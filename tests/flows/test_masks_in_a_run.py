"""A run that makes label maps: on the grid of the delivered image, names by the de-identifier's vocabulary."""

import json

import nibabel as nib
import numpy as np
import pytest

from clock import TestClock
from commands import pacsflow
from factory import make_instance, write_files
from pacsflow.ledger import outcomes, studies
from pacsflow.refs import StudyRef
from pacsflow.run.opening import open_session
from pacsflow.simpacs.folder import folder_archive
from tasks.steps import deliver_study, fetch_study
from unit.convert.test_masks import box, ct, dataset, structure_set
from whole_run import find_rows, lying, project

EXPORT = {"masks": True, "images": ["CR"], "nifti": [{"modality": "*"}]}


@pytest.fixture
def tree(tmp_path):
    """A volume and a structure set that refers to it; one segment's name names the patient."""
    slices, _, _ = ct(tmp_path / "study")
    contours = [box(one, 3, 5, 13, 25) for one in slices]
    plan = structure_set(tmp_path / "study", {"Liver Erika": contours, "Tumor": [box(slices[0], 1, 1, 3, 3)]})[0]
    refer(plan, slices[0].SeriesInstanceUID)
    return tmp_path / "study"


def refer(path, series):
    from pydicom import dcmread

    plan = dcmread(path)
    study = dataset(RTReferencedSeriesSequence=[dataset(SeriesInstanceUID=series)])
    plan.ReferencedFrameOfReferenceSequence = [dataset(RTReferencedStudySequence=[study])]
    write_files([plan], path.parent)


def test_masks_of_a_run_lie_on_their_image_and_radiographs_are_pictures(tree, tmp_path):
    radiograph = make_instance(
        Modality="CR", SeriesNumber=7, WindowCenter="1", WindowWidth="9", BurnedInAnnotation="NO"
    )
    write_files([radiograph], tree / "cr")
    with lying(archive=folder_archive(tree)) as (pacs, node):
        folder = project(
            tmp_path, pacs, node, number=1, export=EXPORT,
            deid={"key": f"${{file:{tmp_path}/key}}", "options": ["clean-descriptors"]},
        )  # fmt: skip
        with open_session(str(folder), action="run", clock=TestClock()) as session:
            find_rows(session)
            [plan] = studies.planned(session.ledger)
            fetch_study.fn(StudyRef(str(folder), plan.key))
            deliver_study.fn(StudyRef(str(folder), plan.key))
            told = {one.converter: (one.status, one.reason) for one in outcomes.outputs(session.ledger, plan.key)}
    assert told == {"dcm2niix": ("done", ""), "masks": ("done", ""), "images": ("done", "")}
    assert len(list((tmp_path / "data/out").rglob("*.png"))) == 1
    by_size = {path: nib.load(path) for path in (tmp_path / "data/out").rglob("*.nii.gz")}
    [mask] = [
        path
        for path, image in by_size.items()
        if image.get_data_dtype() == np.uint16 and path.parent.name[:5] == "00009"
    ]
    [image] = [path for path in by_size if path != mask]
    assert by_size[mask].shape == by_size[image].shape
    assert np.allclose(by_size[mask].affine, by_size[image].affine)
    segments = json.loads(mask.with_suffix("").with_suffix(".json").read_text())["Segments"]
    assert {one["Name"]: one["Voxels"] for one in segments.values()} == {"Liver": 6 * 200, "Tumor": 4}
    pacsflow("compare", tree, tmp_path / "data/out")


def test_a_tree_gives_masks_when_asked(tree, tmp_path):
    pacsflow("convert", tree, tmp_path / "nifti", "--masks")
    assert len(list((tmp_path / "nifti").rglob("00009*/*.nii.gz"))) == 1
    refer(next((tree / "plan").iterdir()), "1.2.3")
    assert "no-image-of-mask" in pacsflow("convert", tree, tmp_path / "other", "--masks", expect=1)
    rules = tmp_path / "bids.yaml"
    rules.write_text("rules: [{when: {Modality: CT}, leave_out: true}]")
    assert "no part of a BIDS dataset" in pacsflow("convert", tree, "--masks", "--bids", rules, expect=2)
