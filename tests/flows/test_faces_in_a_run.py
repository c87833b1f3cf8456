"""Faces in whole runs: what comes is defaced before it is on disk, what is unsure is held with its reason."""

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLSLossless

from clock import TestClock
from factory import make_instance, write_files
from head_phantom import HOUNSFIELD, head
from pacsflow.errors import PacsflowError
from pacsflow.ledger import studies
from pacsflow.refs import StudyRef
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import outcomes_of
from pacsflow.simpacs.folder import folder_archive
from tasks.steps import deliver_study, fetch_study
from whole_run import fault, find_rows, lying, project

SIZE, STEP = 64, 3.75
STUDY, FRAME = "1.2.826.0.1.3680043.10.1436.77", "1.2.826.0.1.3680043.10.1436.78"


@pytest.fixture(scope="module")
def phantom():
    return head(SIZE, STEP)


def slices(values, series, **said):
    """Images of a volume [z, y, x] from below upwards."""
    half = STEP * (SIZE - 1) / 2
    return [
        make_instance(
            StudyInstanceUID=STUDY, SeriesInstanceUID=f"{STUDY}.{series}", SOPInstanceUID=f"{STUDY}.{series}.{n + 1}",
            SeriesNumber=series, InstanceNumber=n + 1, FrameOfReferenceUID=FRAME, Rows=SIZE, Columns=SIZE,
            ImagePositionPatient=[-half, -half, n * STEP - half], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[STEP, STEP], SliceThickness=STEP, BitsAllocated=16, BitsStored=16, HighBit=15,
            PixelRepresentation=1, RescaleSlope=1, RescaleIntercept=0, PixelData=plane.astype("<i2").tobytes(), **said,
        )
        for n, plane in enumerate(values)
    ]  # fmt: skip


def fetched(tmp_path, tree, faces, *faults, runs=1):
    """Outcome of the row, and the delivered images, by number of their series and instance."""
    told = []
    with lying(*faults, archive=folder_archive(tree)) as (pacs, node):
        folder = project(
            tmp_path, pacs, node, number=1, attempts=1, export={"nifti": [{"modality": "CT"}]},
            deid={"key": f"${{file:{tmp_path}/key}}", "pixels": {"faces": faces}},
        )  # fmt: skip
        for _ in range(runs):
            with open_session(str(folder), action="run", clock=TestClock()) as session:
                find_rows(session)
                [plan] = studies.planned(session.ledger)
                for task in (fetch_study, deliver_study):
                    try:
                        task.fn(StudyRef(str(folder), plan.key))
                    except PacsflowError as error:
                        told.append(str(error))
                [outcome] = outcomes_of(session)
                staged = len(list(session.staging.rglob("*.dcm")))
    out = [dcmread(path) for path in (tmp_path / "data/out").rglob("*.dcm")]
    return outcome, {(int(i.SeriesNumber), int(i.InstanceNumber)): i for i in out}, staged, told


def test_a_ct_is_delivered_without_its_face_and_the_pet_of_its_frame_too_and_the_rest_is_bit_for_bit(tmp_path, phantom):
    shown = phantom.image(HOUNSFIELD)
    pet = np.where(phantom.tissue > 0, 500, 0)
    images = slices(shown, 1, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2", BodyPartExamined="HEAD")
    images += slices(pet, 2, Modality="PT", SOPClassUID="1.2.840.10008.5.1.4.1.1.128")
    write_files(images, tmp_path / "tree")
    outcome, out, _, _ = fetched(tmp_path, tmp_path / "tree", {"remove": ["CT", "PT"]})
    assert (outcome.status, outcome.reason) == ("complete", "")
    for series, before, empty in ((1, shown, -1000), (2, pet, 0)):
        after = np.stack([out[series, n + 1].pixel_array for n in range(SIZE)])
        gone = after != before
        assert (after[gone] == empty).all()
        face = phantom.face & (before != empty)
        assert gone[face].mean() >= 0.98
        assert 2 * (phantom.brain & ~gone).sum() / (phantom.brain.sum() + (phantom.brain & ~gone).sum()) >= 0.99
        assert (after[~gone] == before[~gone]).all()
        assert out[series, 1].RecognizableVisualFeatures == "NO"
        codes = [one.CodeValue for one in out[series, 1].DeidentificationMethodCodeSequence]
        assert codes.count("113102") == 1
        assert "113100" in codes
    [volume] = [nib.load(path) for path in (tmp_path / "data/out").rglob("*.nii.gz")]
    slabs = np.stack([out[1, n + 1].pixel_array for n in range(SIZE)])
    assert np.array_equal(np.sort(np.asarray(volume.dataobj).ravel()), np.sort(slabs.ravel()))


def test_compressed_slices_are_decoded_and_defaced(tmp_path, phantom):
    shown = phantom.image(HOUNSFIELD)
    images = slices(shown, 1, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    for one in images:
        one.compress(JPEGLSLossless, generate_instance_uid=False)
    write_files(images, tmp_path / "tree")
    _, out, _, _ = fetched(tmp_path, tmp_path / "tree", {"remove": ["CT"]})
    after = np.stack([out[1, n + 1].pixel_array for n in range(SIZE)])
    assert (after == -1000)[phantom.face].mean() >= 0.98
    assert (after == shown)[phantom.brain].mean() >= 0.99


def test_what_is_no_head_is_held_with_its_reason_and_never_on_disk_and_passes_where_a_person_says_so(tmp_path):
    noise = np.random.default_rng(3).integers(0, 100, (SIZE, SIZE, SIZE))
    write_files(slices(noise, 1, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), tmp_path / "tree")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    outcome, out, staged, _ = fetched(tmp_path / "a", tmp_path / "tree", {"remove": ["CT"]})
    assert (out, staged) == ({}, 0)
    assert outcome.status == "partial"
    assert "face: held for review: no skull with a brain in it was found" in outcome.reason
    looked = {"remove": ["CT"], "no_face": [{"Modality": "CT"}]}
    outcome, out, _, _ = fetched(tmp_path / "b", tmp_path / "tree", looked)
    assert outcome.status == "complete"
    assert len(out) == SIZE
    assert "RecognizableVisualFeatures" not in out[1, 1]


def test_half_a_series_is_not_written_and_is_asked_for_as_a_whole(tmp_path, phantom):
    images = slices(phantom.image(HOUNSFIELD), 1, Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    write_files(images, tmp_path / "tree")
    (tmp_path / "a").mkdir()
    cut = fault("abort", image=SIZE // 2, times=1)
    outcome, out, staged, told = fetched(tmp_path / "a", tmp_path / "tree", {"remove": ["CT"]}, cut)
    assert told
    assert (out, staged) == ({}, 0), outcome
    (tmp_path / "b").mkdir()
    outcome, out, _, _ = fetched(tmp_path / "b", tmp_path / "tree", {"remove": ["CT"]}, cut, runs=2)
    assert outcome.status == "complete"
    assert len(out) == SIZE
    assert (np.stack([out[1, n + 1].pixel_array for n in range(SIZE)]) == -1000)[phantom.face].mean() >= 0.98
