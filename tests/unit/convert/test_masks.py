"""Segmentations and structure sets as label maps: the voxels that highdicom, rt-utils and geometry say."""

import json
import warnings
from copy import deepcopy
from itertools import pairwise

import highdicom
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from factory import make_instance, make_uid, write_files
from pacsflow.convert import convert_series
from pacsflow.convert.masks import convert_masks
from pacsflow.errors import RefusalError

SEGMENTATIONS = {
    "dcmqi/segmentations/liver.dcm": "dcmqi/segmentations/ct-3slice",
    "dcmqi/segmentations/partial_overlaps.dcm": "dcmqi/segmentations/ct-3slice",
    "dcmqi/segmentations/sparse-labelmap-noppv.dcm": "dcmqi/segmentations/24x38x3/image",
    "dcmqi/segmentations/sparse-labelmap-ppv5.dcm": "dcmqi/segmentations/24x38x3/image",
    "dcmqi/segmentations/24x38x3/seg/label.seg": "dcmqi/segmentations/24x38x3/image",
    "dcmqi/segmentations/23x38x3/seg/label.seg": "dcmqi/segmentations/23x38x3/image",
}


def image_of(folder, place):
    files = sorted(path for path in folder.iterdir() if path.suffix == ".dcm")
    gave = convert_series("dcm2niix", files, place / "image", geometry="warn")
    return [path for path in gave.files if path.name.endswith(".nii.gz")]


def points(voxels, affine):
    """Places in the patient, in mm, of the centres of voxels, as a set."""
    return {tuple(each) for each in np.round(voxels @ affine[:3, :3].T + affine[:3, 3], 2) + 0.0}


def regions(gave):
    """Name of each segment -> the centres of its voxels in DICOM's patient."""
    found = {}
    for path in gave.files:
        if path.suffix == ".json":
            image = nib.load(path.with_suffix(".nii.gz"))
            values, affine = np.asanyarray(image.dataobj), np.diag([-1, -1, 1, 1]) @ image.affine
            for value, told in json.loads(path.read_text())["Segments"].items():
                voxels = np.argwhere(values == int(value))
                assert len(voxels) == told["Voxels"]
                found[told["Name"]] = points(voxels, affine)
    return found


def by_highdicom(path):
    """The same, by highdicom."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source = highdicom.seg.segread(path)
        found = {}
        for number in set(source.segment_numbers) - {0}:
            volume = source.get_volume(segment_numbers=[number], rescale_fractional=False, skip_overlap_checks=True)
            voxels = np.argwhere(volume.array[..., 0])
            found[source.get_segment_description(number).segment_label] = points(voxels, volume.affine)
    return {name: where for name, where in found.items() if where}


def dice(one, other):
    return 2 * len(one & other) / (len(one) + len(other))


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_segments_are_those_that_highdicom_reads(name, shared_data, tmp_path):
    images = image_of(shared_data / SEGMENTATIONS[name], tmp_path)
    gave = convert_masks([shared_data / name], tmp_path / "masks", images)
    found, wanted = regions(gave), by_highdicom(shared_data / name)
    assert found.keys() == wanted.keys()
    assert all(len(found[label]) == len(wanted[label]) and dice(found[label], wanted[label]) == 1.0 for label in wanted)
    grid = nib.load(images[0])
    for path in gave.files:
        if path.name.endswith(".nii.gz"):
            assert nib.load(path).shape == grid.shape[:3]
            assert np.allclose(nib.load(path).affine, grid.affine)
    assert sorted(path.name for path in gave.files)[:2] == ["image.json", "image.nii.gz"]


def ct(tmp_path, *, spacing=(0.5, 2.0), shape=(40, 30), orientation=(1, 0, 0, 0, 1, 0), slices=6):
    """A volume of slices `spacing[1]` mm apart, and its NIfTI."""
    normal = np.cross(orientation[:3], orientation[3:])
    made = [
        make_instance(
            InstanceNumber=n, ImagePositionPatient=list(np.array([-10, 5, 40]) + normal * n * spacing[1]),
            PixelSpacing=[spacing[0]] * 2, Rows=shape[0], Columns=shape[1], ImageOrientationPatient=list(orientation),
        )
        for n in range(slices)
    ]  # fmt: skip
    folder = tmp_path / "ct"
    files = write_files(made, folder)
    return made, files, image_of(folder, tmp_path)


def structure_set(tmp_path, regions, kind="CLOSED_PLANAR"):
    """A structure set; `regions`: name -> contours, each as points in the patient."""
    plan = make_instance(Modality="RTSTRUCT", SOPClassUID="1.2.840.10008.5.1.4.1.1.481.3", SeriesNumber=9,
                         PixelData=b"", Rows=None, Columns=None)  # fmt: skip
    for keyword in [element.keyword for element in plan if element.tag.group in (0x0028, 0x7FE0)]:
        delattr(plan, keyword)
    names, contours = [], []
    for number, (name, places) in enumerate(regions.items(), 1):
        names.append(dataset(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=make_uid("frame")))
        shapes = [
            dataset(ContourGeometricType=kind, NumberOfContourPoints=len(p), ContourData=list(np.ravel(p)))
            for p in places
        ]
        contours.append(dataset(ReferencedROINumber=number, ContourSequence=shapes))
    plan.RTROIObservationsSequence = []
    plan.StructureSetROISequence, plan.ROIContourSequence = names, contours
    return write_files([plan], tmp_path / "plan")


def dataset(**values):
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def box(image, left, top, right, bottom):
    """A rectangle in a slice, in pixels, its corners between pixels."""
    origin = np.array(image.ImagePositionPatient, dtype=float)
    column, row = np.array(image.ImageOrientationPatient[:3]), np.array(image.ImageOrientationPatient[3:])
    step = float(image.PixelSpacing[0])
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [origin + step * (x - 0.5) * column + step * (y - 0.5) * row for x, y in corners]


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1), (0.8, 0.6, 0, -0.6, 0.8, 0)]
)
def test_boxes_with_holes_have_their_known_volumes(tmp_path, orientation):
    slices, _, images = ct(tmp_path, orientation=orientation)
    whole = [box(one, 3, 5, 13, 25) for one in slices[1:5]]
    hole = [box(one, 6, 10, 8, 13) for one in slices[2:4]]
    small = [box(one, 20, 20, 21, 21) for one in slices[:1]]
    gave = convert_masks(
        structure_set(tmp_path, {"box": whole + hole, "voxel": small, "over it": whole[:1]}), tmp_path / "m", images
    )
    counts = {name: len(found) for name, found in regions(gave).items()}
    assert counts == {"box": 4 * 10 * 20 - 2 * 2 * 3, "voxel": 1, "over it": 200}
    assert gave.warnings == ("segments overlap: they are in 2 files",)
    where = regions(gave)["voxel"]
    centre = np.array(slices[0].ImagePositionPatient, dtype=float)
    centre += 0.5 * 20 * (np.array(orientation[:3]) + np.array(orientation[3:]))
    assert np.allclose(next(iter(where)), centre, atol=0.02)


def test_a_cylinder_agrees_with_rt_utils_and_its_volume(tmp_path):
    rt_utils = pytest.importorskip("rt_utils", reason="it brings a package `tests`, which hides ours")
    slices, files, images = ct(tmp_path, shape=(80, 80), spacing=(1.0, 2.0))
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    circles = [
        [np.add(one.ImagePositionPatient, [40.3 + 25 * np.cos(a), 38.2 + 25 * np.sin(a), 0]) for a in angles]
        for one in slices
    ]
    path = structure_set(tmp_path, {"cylinder": circles})[0]
    found = regions(convert_masks([path], tmp_path / "m", images))["cylinder"]
    assert len(found) == pytest.approx(6 * np.pi * 25**2, rel=0.01)
    plan = dcmread(path)
    for contour, one in zip(plan.ROIContourSequence[0].ContourSequence, slices, strict=True):
        contour.ContourImageSequence = [
            dataset(ReferencedSOPClassUID=one.SOPClassUID, ReferencedSOPInstanceUID=one.SOPInstanceUID)
        ]
    plan.ReferencedFrameOfReferenceSequence = [dataset(FrameOfReferenceUID=make_uid(1), RTReferencedStudySequence=[dataset(
        RTReferencedSeriesSequence=[dataset(ContourImageSequence=plan.ROIContourSequence[0].ContourSequence[0].ContourImageSequence)])])]  # fmt: skip
    plan.save_as(path)
    other = rt_utils.RTStructBuilder.create_from(str(files[0].parent), str(path)).get_roi_mask_by_name("cylinder")
    step = np.eye(4)
    step[:3, 3] = [-10, 5, 40]
    rows, columns, depths = np.nonzero(other)
    voxels = np.stack([columns, rows, 2 * depths], axis=1)
    assert dice(found, points(voxels, step)) > 0.97, "rt-utils rounds corners to whole pixels"


def test_what_is_not_filled_or_lies_outside_is_said(tmp_path):
    slices, _, images = ct(tmp_path)
    inside = [box(one, 3, 5, 13, 25) for one in slices]
    beyond = [[np.add(point, [0, 0, 100]) for point in contour] for contour in inside[:2]]
    gave = convert_masks(structure_set(tmp_path, {"box": inside + beyond, "empty": []}), tmp_path / "m", images)
    assert gave.warnings == ("2 contours lie outside the image", "a segment covers no voxel of the image")
    open_ones = structure_set(tmp_path, {"line": inside}, kind="OPEN_PLANAR")
    assert refused(open_ones, images, tmp_path) == "outside-image"
    assert refused(structure_set(tmp_path, {"far": beyond}), images, tmp_path) == "outside-image"
    tilted = [[np.add(point, [0, 0, 0.7 * number]) for number, point in enumerate(contour)] for contour in inside]
    assert refused(structure_set(tmp_path, {"tilted": tilted}), images, tmp_path) == "oblique-mask"
    assert refused(structure_set(tmp_path, {}), images, tmp_path) == "no-mask"
    assert refused(write_files(slices[:1], tmp_path / "ct2"), images, tmp_path) == "not-a-mask"
    assert refused(open_ones, [], tmp_path) == "no-image-of-mask"
    open_ones[0].write_bytes(b"no DICOM")
    assert refused(open_ones, images, tmp_path) == "unreadable-file"
    assert not list(tmp_path.glob(".*")), "nothing half made is left"


@given(
    planes=st.lists(st.sampled_from([-0.4, -0.3, 0.0, 0.3, 0.45]), min_size=1, max_size=4, unique=True),
    twice=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_contours_beside_a_slice_never_make_holes_in_it(grid_of_a_ct, tmp_path_factory, planes, twice):
    slices, images = grid_of_a_ct
    place = tmp_path_factory.mktemp("planes")
    one = box(slices[2], 3, 5, 13, 25)
    contours = [[np.add(point, [0, 0, 2.0 * off]) for point in one] for off in planes]
    gave = convert_masks(structure_set(place, {"box": contours * (2 if twice else 1)}), place / "m", images)
    assert {name: len(found) for name, found in regions(gave).items()} == {"box": 10 * 20}
    apart = sum(abs(off - min(planes, key=abs)) > 0.1 for off in planes)
    assert any("between slices" in text for text in gave.warnings) == bool(apart)
    assert any("taken once" in text for text in gave.warnings) == twice


@pytest.fixture(scope="module")
def grid_of_a_ct(tmp_path_factory):
    slices, _, images = ct(tmp_path_factory.mktemp("grid"))
    return slices, images


def test_a_contour_that_reaches_beyond_the_image_is_said(tmp_path):
    slices, _, images = ct(tmp_path)
    gave = convert_masks(
        structure_set(
            tmp_path, {"over": [box(slices[1], 20, 5, 45, 25)], "edge": [box(slices[2], 0, 0, 30, 40)],
                       "beside": [box(slices[3], 3, 5, 13, 25), box(slices[3], 90, 5, 95, 25)]}
        ), tmp_path / "m", images,
    )  # fmt: skip
    assert gave.warnings == ("1 contour reaches beyond the edge of the image", "1 contour lies outside the image")
    assert {name: len(found) for name, found in regions(gave).items()} == {"over": 200, "edge": 1200, "beside": 200}


@pytest.mark.parametrize("jitter", [0.0, 0.002, 0.02])
def test_frames_that_lie_apart_by_rounding_only_keep_their_thickness(tmp_path, jitter):
    slices, _, images = ct(tmp_path, spacing=(1.0, 2.0), shape=(20, 20))
    mask = np.zeros((len(slices), 40, 40), dtype=np.uint8)
    mask[1:3, 8:16, 8:24] = 1
    source = finer(slices, mask, fractional=False)
    twin = deepcopy(source.PerFrameFunctionalGroupsSequence[0])
    twin.PlanePositionSequence[0].ImagePositionPatient[2] += jitter
    source.PerFrameFunctionalGroupsSequence.append(twin)
    source.NumberOfFrames = len(source.PerFrameFunctionalGroupsSequence)
    frame = 40 * 40 // 8
    source.PixelData = source.PixelData[: 2 * frame] + source.PixelData[:frame]
    source.save_as(tmp_path / "seg.dcm")
    [found] = regions(convert_masks([tmp_path / "seg.dcm"], tmp_path / "m", images)).values()
    assert len(found) == 2 * 4 * 8


def test_a_segment_that_is_not_described_is_there_and_said(tmp_path):
    slices, _, images = ct(tmp_path, spacing=(1.0, 2.0), shape=(20, 20))
    mask = np.zeros((len(slices), 40, 40), dtype=np.uint8)
    mask[1:3, 8:16, 8:24] = 1
    source = finer(slices, mask, fractional=False)
    source.SegmentSequence[0].SegmentNumber = 7
    source.save_as(tmp_path / "seg.dcm")
    gave = convert_masks([tmp_path / "seg.dcm"], tmp_path / "m", images)
    assert "1 segment is not described" in gave.warnings
    assert {name: len(found) for name, found in regions(gave).items()} == {"": 2 * 4 * 8}


def refused(files, images, tmp_path):
    with pytest.raises(RefusalError) as refusal:
        convert_masks(files, tmp_path / "never", images)
    assert not (tmp_path / "never").exists()
    return refusal.value.reason


@pytest.mark.parametrize("fractional", [False, True])
def test_a_segmentation_of_a_finer_grid_comes_onto_that_of_its_image(tmp_path, fractional):
    """Twice as fine: each voxel of the image takes what its nearest pixel says."""
    slices, _, images = ct(tmp_path, spacing=(1.0, 2.0), shape=(20, 20))
    mask = np.zeros((len(slices), 40, 40), dtype=np.uint8)
    mask[1:3, 8:16, 8:24] = 1
    source = finer(slices, mask, fractional=fractional)
    path = tmp_path / "seg.dcm"
    source.save_as(path)
    gave = convert_masks([path], tmp_path / "m", images)
    [found] = regions(gave).values()
    assert len(found) == 2 * 4 * 8
    assert any("another grid" in text for text in gave.warnings)
    assert any("fractional" in text for text in gave.warnings) == fractional
    zs = sorted({each[2] for each in found})
    assert all(b - a == 2 for a, b in pairwise(zs))


def finer(slices, mask, *, fractional):
    from highdicom.sr.coding import CodedConcept

    code = CodedConcept("85756007", "SCT", "Tissue")
    segment = highdicom.seg.SegmentDescription(
        1, "all of it", code, code, highdicom.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    positions = [
        highdicom.PlanePositionSequence("PATIENT", list(np.array(one.ImagePositionPatient) - [0.25, 0.25, 0]))
        for one in slices
    ]
    kind = (
        highdicom.seg.SegmentationTypeValues.FRACTIONAL if fractional else highdicom.seg.SegmentationTypeValues.BINARY
    )
    return highdicom.seg.Segmentation(
        slices, mask.astype(float) * 0.8 if fractional else mask, kind, [segment], make_uid("seg"), 5,
        make_uid("seg instance"), 1, "nobody", "none", "1", "1",
        pixel_measures=highdicom.PixelMeasuresSequence([0.5, 0.5], 2.0, 2.0),
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", [1, 0, 0, 0, 1, 0]), plane_positions=positions,
        omit_empty_frames=True,
    )  # fmt: skip
