"""`references: fetch`: what a structure set refers to comes with it, from any study of the patient; what lacks is told."""

import json

import pytest
from pydicom import dcmread

from clock import TestClock
from factory import make_study, write_files
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import outcomes_of
from pacsflow.simpacs.folder import folder_archive
from unit.convert.test_masks import box, ct, dataset, structure_set
from whole_run import files_of, lying, project

NOWHERE = "1.2.3.4"


@pytest.fixture
def tree(tmp_path):
    """A structure set beside the volume it is of; it names an older study of the patient, and a series that is gone.

    Given: the folder, and UIDs: of the structure set, of its volume, of the older series, of one that nobody names.
    """
    slices, _, _ = ct(tmp_path / "tree")
    plan = structure_set(tmp_path / "tree", {"Liver": [box(one, 3, 5, 13, 25) for one in slices]})[0]
    older = make_study(series=1, images=5, StudyInstanceUID="1.2.9.1", SeriesInstanceUID="1.2.9.2", SeriesNumber=3,
                       StudyDate="20190102")  # fmt: skip
    beside = make_study(series=1, images=4, SeriesInstanceUID="1.2.9.3", SeriesNumber=4)
    others = make_study(series=1, images=4, StudyInstanceUID="1.2.9.4", SeriesInstanceUID="1.2.9.5",
                        PatientID="OTHER", PatientName="Other")  # fmt: skip
    write_files([*older, *beside, *others], tmp_path / "tree" / "more")
    header = dcmread(plan)
    named = [slices[0].SeriesInstanceUID, older[0].SeriesInstanceUID, others[0].SeriesInstanceUID, NOWHERE]
    study = dataset(RTReferencedSeriesSequence=[dataset(SeriesInstanceUID=uid) for uid in named])
    header.ReferencedFrameOfReferenceSequence = [dataset(RTReferencedStudySequence=[study])]
    write_files([header], plan.parent)
    return tmp_path / "tree", header


def run(folder):
    with open_session(str(folder), action="run", clock=TestClock()) as session:
        run_locally(session)
        return [(one.status, one.reason) for one in outcomes_of(session)]


def numbers(tmp_path):
    """Series number -> number of files delivered."""
    found = [dcmread(tmp_path / "data/out" / path, stop_before_pixels=True)
             for path in files_of(tmp_path / "data/out") if path.endswith(".dcm")]  # fmt: skip
    return {n: sum(one.SeriesNumber == n for one in found) for n in sorted({one.SeriesNumber for one in found})}


MISSING = "RTSTRUCT of series 9 refers to 2 series that the node does not have"


@pytest.mark.parametrize("asked", ["series of a row", "rule of series"])
def test_a_row_for_a_structure_set_brings_what_it_refers_to_and_says_what_is_missing(tree, tmp_path, asked):
    place, header = tree
    row = {"id": "r", "StudyInstanceUID": header.StudyInstanceUID}
    query = {"references": "fetch"}
    if asked == "series of a row":
        row |= {"SeriesInstanceUID": header.SeriesInstanceUID}
        query |= {"level": "series"}
    else:
        query |= {"series": {"include": [{"Modality": "RTSTRUCT"}]}}
    export = {"masks": True, "nifti": [{"modality": "CT"}]}
    with lying(archive=folder_archive(place)) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=[row], query=query, export=export)
        assert run(folder) == [("complete", MISSING)]
        assert numbers(tmp_path) == {1: 6, 3: 5, 9: 1}
        masks = [path for path in (tmp_path / "data/out").rglob("*.nii.gz") if path.parent.name.startswith("00009")]
        assert len(masks) == 1, "the mask lies on the volume that came with it"
        asked_for = pacs.counts.copy()
        assert run(folder) == [("complete", MISSING)]
        assert pacs.counts["gets"] == asked_for["gets"]


def test_a_project_that_says_so_later_is_looked_at_once_more(tree, tmp_path):
    place, header = tree
    row = {"id": "r", "StudyInstanceUID": header.StudyInstanceUID}
    rules = {"series": {"include": [{"Modality": "RTSTRUCT"}]}}
    with lying(archive=folder_archive(place)) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=[row], query=rules)
        assert run(folder) == [("complete", "")]
        assert numbers(tmp_path) == {9: 1}
        file = folder / "query.yaml"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"references": "fetch"}))
        assert run(folder) == [("complete", MISSING)]
        assert numbers(tmp_path) == {1: 6, 3: 5, 9: 1}
