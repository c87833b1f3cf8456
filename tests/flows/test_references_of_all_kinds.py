"""`references: fetch` follows every object that is about others, through several of them; and masks on images elsewhere."""

import nibabel as nib
import pytest
from pydicom import dcmread, uid

from clock import TestClock
from factory import make_instance, make_study, write_files
from pacsflow.run.local import plan_locally, run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import outcomes_of
from pacsflow.simpacs.folder import folder_archive
from unit.convert.test_masks import box, ct, dataset, structure_set
from unit.convert.test_object_references import KINDS, about, item
from whole_run import lying, project

OPTIONS = ["clean-structured-content", "clean-graphics", "clean-descriptors"]
DOSE, PLAN, STRUCTURES, REPORT = "RTDOSE", "RTPLAN", "RTSTRUCT", "SR"


def run(folder):
    with open_session(str(folder), action="run", clock=TestClock()) as session:
        run_locally(session)
        return [(one.status, one.reason) for one in outcomes_of(session)]


def numbers(tmp_path):
    """Series number -> number of files delivered."""
    found = [dcmread(path, stop_before_pixels=True).SeriesNumber for path in (tmp_path / "data/out").rglob("*.dcm")]
    return {number: found.count(number) for number in sorted(set(found))}


def asked(header):
    return [{"id": "r", "StudyInstanceUID": header.StudyInstanceUID, "SeriesInstanceUID": header.SeriesInstanceUID}]


def query(**fields):
    return {"references": "fetch", "level": "series", **fields}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_of_object_brings_what_it_is_about(kind, tmp_path):
    images = make_study(series=1, images=2, StudyInstanceUID="1.2.8.1", SeriesInstanceUID="1.2.8.2", SeriesNumber=2)
    beside = make_study(series=1, images=2, StudyInstanceUID="1.2.8.1", SeriesInstanceUID="1.2.8.3", SeriesNumber=3)
    one = about(kind, images, StudyInstanceUID="1.2.8.4")
    write_files([*images, *beside, one], tmp_path / "tree")
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=asked(one), query=query(), export={"nifti": []},
                         deid={"key": f"${{file:{tmp_path}/key}}", "options": OPTIONS})  # fmt: skip
        assert run(folder) == [("complete", "")]
        assert numbers(tmp_path) == {2: 2, 9: 1}


@pytest.mark.parametrize("studies", [1, 2, 4])
def test_a_dose_brings_its_plan_which_brings_its_structures_which_bring_their_image(studies, tmp_path):
    """A plan names its structure set by the instance alone; each may lie in a study of its own."""
    places = [f"1.2.7.{n % studies}" for n in range(4)]
    images = make_study(series=1, images=2, StudyInstanceUID=places[0], SeriesInstanceUID="1.2.6.1", SeriesNumber=1)
    structures = about(STRUCTURES, images, number=2, StudyInstanceUID=places[1])
    plan = about(PLAN, [structures], number=3, StudyInstanceUID=places[2])
    dose = about(DOSE, [plan], number=4, StudyInstanceUID=places[3])
    other = about(PLAN, [], number=5, StudyInstanceUID=places[2])
    write_files([*images, structures, plan, dose, other], tmp_path / "tree")
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=asked(dose), query=query(), export={"nifti": []})
        assert run(folder) == [("complete", "")]
        assert numbers(tmp_path) == {1: 2, 2: 1, 3: 1, 4: 1}
        gets = pacs.counts["gets"]
        assert run(folder) == [("complete", "")]
        assert pacs.counts["gets"] == gets


def test_objects_that_refer_to_each_other_come_once_and_what_is_missing_is_counted(tmp_path):
    """A cycle over two studies ends; UIDs of what is not there are in no reason."""
    first = about(REPORT, [], number=1, StudyInstanceUID="1.2.7.1")
    second = about(REPORT, [first], number=2, StudyInstanceUID="1.2.7.2")
    gone = make_instance(SOPInstanceUID="1.2.3.99", SeriesInstanceUID="1.2.3.98", SOPClassUID=uid.RTPlanStorage)
    first.CurrentRequestedProcedureEvidenceSequence = about(REPORT, [second]).CurrentRequestedProcedureEvidenceSequence
    first.ContentSequence = [dataset(ValueType="IMAGE", ReferencedSOPSequence=[item(gone)])]
    write_files([first, second], tmp_path / "tree")
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=asked(first), query=query(), export={"nifti": []},
                         deid={"key": f"${{file:{tmp_path}/key}}", "options": OPTIONS})  # fmt: skip
        assert run(folder) == [("complete", "SR of series 1 refers to 1 object that the node does not list")]
        assert numbers(tmp_path) == {1: 1, 2: 1}


@pytest.mark.parametrize("by", ["references", "two rows", "image row later"])
def test_a_mask_on_an_image_of_another_study_is_made(by, tmp_path):
    slices, _, _ = ct(tmp_path / "tree")
    [path] = structure_set(tmp_path / "tree", {"Liver": [box(one, 3, 5, 13, 25) for one in slices]})
    image = {"id": "image", "StudyInstanceUID": slices[0].StudyInstanceUID}
    plan = dcmread(path)
    path.unlink()
    plan.StudyInstanceUID, plan.SeriesInstanceUID = "1.2.5.1", "1.2.5.2"
    named = [dataset(SeriesInstanceUID=slices[0].SeriesInstanceUID)]
    study = dataset(RTReferencedSeriesSequence=named)
    plan.ReferencedFrameOfReferenceSequence = [dataset(RTReferencedStudySequence=[study])]
    write_files([plan], path.parent)
    mask = {"id": "mask", "StudyInstanceUID": "1.2.5.1"}
    rows = {"references": [mask], "two rows": [mask, image], "image row later": [mask]}[by]
    wish = {"references": "fetch"} if by == "references" else {}
    export = {"masks": True, "nifti": [{"modality": "CT"}]}
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=rows, query=wish, export=export)
        run(folder)
        if by == "image row later":
            assert not masks(tmp_path)
            folder = project(tmp_path, pacs, node, asked=[mask, image], query=wish, export=export)
            run(folder)
        [made] = masks(tmp_path)
        assert nib.load(made).get_fdata().sum() == 6 * 200
        gets = pacs.counts["gets"]
        run(folder)
        assert pacs.counts["gets"] == gets
        assert masks(tmp_path) == [made]


def masks(tmp_path):
    return [path for path in (tmp_path / "data/out").rglob("*.nii.gz") if path.parent.name.startswith("00009")]


def test_the_plan_says_that_more_comes_with_what_is_referred_to(tmp_path):
    one = about(REPORT, make_study(series=1, images=2), StudyInstanceUID="1.2.8.4")
    write_files([one], tmp_path / "tree")
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=asked(one), query=query())
        with open_session(str(folder), action="plan", clock=TestClock()) as session:
            assert plan_locally(session).sentence.endswith("; what 1 series refers to, counted when fetched")
        run(folder)
        with open_session(str(folder), action="plan", clock=TestClock()) as session:
            assert "refers to" not in plan_locally(session).sentence
