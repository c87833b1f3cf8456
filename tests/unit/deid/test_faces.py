"""Faces: found in heads whose truth is known, cut out with every other bit as it was, held where it is not sure."""

import sys
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmwrite
from scipy import ndimage

from factory import make_instance
from head_phantom import HOUNSFIELD, T1, head
from pacsflow.deid.encoding.part10 import read_part10
from pacsflow.deid.faces import head_atlas, planes, stored
from pacsflow.deid.faces.defacing import FaceSeries, StudyFaces
from pacsflow.deid.faces.face_region import NoHeadError, Region
from pacsflow.deid.faces.head_ct import GRID, region_of_ct
from pacsflow.errors import ProjectError, RefusalError
from pacsflow.sealed import IN_MEMORY, Sealed
from unit.deid import instances

GOOD = head_atlas.Fit(0.7, 0.95, (1.0, 1.0, 1.0), 5.0, 0.01)


def volume(values, spacing, origin):
    image = SimpleITK.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing([spacing] * 3)
    image.SetOrigin(origin)
    return image


def carried(region, image):
    """Face and brain of a region on the grid of an image."""
    to_index = region.to_index @ np.linalg.inv(head_atlas.to_index_of(image))
    shape = image.GetSize()[::-1]
    return [head_atlas.carried(mask, to_index, shape)[0] for mask in (region.face, region.brain)]


@pytest.mark.parametrize(("turn", "wide"), [(0, 1.0), (12, 1.05), (-10, 0.93)])
def test_the_face_of_a_ct_is_found_and_the_brain_stays(turn, wide):
    phantom = head(64, 3.75, turn=turn, wide=wide)
    image = volume(phantom.image(HOUNSFIELD), phantom.spacing, phantom.origin)
    face, _ = carried(region_of_ct(head_atlas.on_grid(image, GRID)), image)
    assert face[phantom.face].mean() >= 0.98
    assert face[phantom.brain].mean() <= 0.005


def test_a_ct_without_a_skull_has_no_head():
    phantom = head(64, 3.75)
    soft = np.where(phantom.tissue > 0, 40, -1000)
    with pytest.raises(NoHeadError, match="no skull"):
        region_of_ct(head_atlas.on_grid(volume(soft, phantom.spacing, phantom.origin), GRID))


def test_the_face_of_a_turned_and_warped_mr_head_of_another_contrast_is_found():
    """The head is made of the atlas by a transform that is known: optimistic, and its truth is exact."""
    atlas = head_atlas._atlas()
    true = SimpleITK.AffineTransform(3)
    true.Rotate(1, 2, 0.15)
    true.Scale([1.06, 0.95, 1.02])
    true.SetCenter(atlas.image.TransformContinuousIndexToPhysicalPoint([s / 2 for s in atlas.image.GetSize()]))
    true.Translate([6.0, -9.0, 14.0])
    shown = SimpleITK.GetArrayFromImage(SimpleITK.Resample(atlas.image, true, SimpleITK.sitkLinear))
    contrast = np.where(shown > 40, 600 - shown, shown) + np.random.default_rng(5).normal(0, 8, shown.shape)
    image = SimpleITK.GetImageFromArray(contrast.astype(np.float32))
    image.CopyInformation(atlas.image)
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(true.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = true.TransformPoint([0.0, 0.0, 0.0])
    expected_face, expected_brain = carried(replace_index(atlas.region, atlas.region.to_index @ matrix), image)
    region, fit = head_atlas.region_of(image)
    face, _ = carried(region, image)
    tissue = ndimage.binary_opening(shown > 60)
    assert face[expected_face & tissue].mean() >= 0.98
    assert face[expected_brain].mean() <= 0.005
    assert fit.doubts() == ""


def replace_index(region, to_index):
    return Region(region.face, region.brain, to_index)


def test_a_head_that_is_like_no_head_is_held():
    phantom = head(48, 5.0)
    with pytest.raises(NoHeadError, match="registration to the atlas"):
        head_atlas.region_of(volume(phantom.image(T1)[:, ::-1], phantom.spacing, phantom.origin))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"likeness": 0.4}, "likeness 0.40"),
        ({"overlap": 0.7}, "overlap by 0.70"),
        ({"turn": 60.0}, "turned by 60 degrees"),
        ({"scales": (1.0, 1.0, 0.5)}, "sizes differ by 0.50"),
    ],
)
def test_a_registration_is_not_trusted_beyond_its_limits(bad, said):
    assert GOOD.doubts() == ""
    assert said in replace(GOOD, **bad).doubts()


def part10(dataset):
    out = BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def region_of_all_in_front():
    """Everything in front of the plane y = 0, in millimetres."""
    face = np.ones((41, 21, 41), bool)
    shift = np.eye(4)
    shift[:3, 3] = (20, 20, 20)
    return Region(face, ~face, shift)


def image(**said):
    values = np.arange(64, dtype="<i2").reshape(8, 8) + 5
    fields = {
        "Modality": "MR", "Rows": 8, "Columns": 8, "PixelSpacing": [2, 2], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [-7, -7, 0], "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 1, "PixelData": values.tobytes(),
    }  # fmt: skip
    return make_instance(**(fields | said))


def test_what_is_in_front_goes_and_each_other_bit_stays():
    data = part10(image())
    [plane] = planes.planes_of(0, stored.read(data, header=True))
    mask = plane.inside(region_of_all_in_front())
    assert mask[:4].all()
    assert not mask[4:].any()
    before, after = stored.read(data), stored.read(stored.cleared(data, {0: mask}, "MR"))
    assert (after.pixel_array[:4] == 0).all()
    assert (after.pixel_array[4:] == before.pixel_array[4:]).all()
    differing = {one.keyword for one in after if one != before.get(one.tag)}
    assert differing == {"PixelData", "RecognizableVisualFeatures", "DeidentificationMethodCodeSequence"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, "MOSAIC"),
        ({"ImagePositionPatient": None}, "without place"),
        ({"PixelSpacing": None}, "without place"),
    ],
)
def test_images_whose_pixels_have_no_place_are_held(said, why):
    data = part10(image(**said))
    faces = StudyFaces([FaceSeries(1, lambda _: data, "likely")])
    with pytest.raises(RefusalError, match=why) as caught:
        faces.check(0)
    assert "no_face" in caught.value.fix


def test_few_images_are_no_volume_and_pass_only_where_no_face_is_expected():
    data = part10(image())
    with pytest.raises(RefusalError, match="too few images"):
        StudyFaces([FaceSeries(1, lambda _: data, "likely")]).check(0)
    faces = StudyFaces([FaceSeries(1, lambda _: data, "unlikely")])
    faces.check(0)
    assert faces.cleared(0, 0) == data


def cleaner(**faces):
    return instances.cleaner(pixels={"faces": faces})


def source(dataset, **more):
    return replace(read_part10(part10(dataset)), **more)


def test_one_image_alone_is_refused_and_with_its_series_it_says_that_a_face_may_be_in_it():
    heads = cleaner(remove=["MR"], no_face=[{"SeriesDescription": "spine"}])
    with pytest.raises(RefusalError, match="whole series only"):
        heads.clean(source(image()))
    assert heads.clean(source(image(), with_series=True)).face == "likely"
    for other in ({"Modality": "CT"}, {"BodyPartExamined": "KNEE"}, {"SeriesDescription": "C Spine sag"}):
        assert heads.clean(source(image(**other))).face == ""
    chest = source(image(Modality="CT", BodyPartExamined="CHEST"), with_series=True)
    assert cleaner(remove=["CT"]).clean(chest).face == "unlikely"
    assert cleaner().clean(source(image())).face == ""


def test_without_the_package_a_profile_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ProjectError) as caught:
        cleaner(remove=["MR"])
    [problem] = caught.value.problems
    assert (problem.field, problem.fix) == ("pixels.faces.remove", "pip install 'pacsflow[pixels]'")
    assert cleaner().describe()


def test_what_is_set_aside_is_noise_on_disk_and_comes_back_whole():
    secret = b"a face " * 100
    with Sealed() as sealed:
        first, second = sealed.put(secret), sealed.put(b"x" * (IN_MEMORY + 1))
        assert sealed.get(first) == secret
        assert sealed.get(second)[:1] == b"x"
        sealed._file.seek(0)
        kept = sealed._file.read()
    assert b"a face" not in kept
    assert b"x" * 16 not in kept, "four of them come by chance in one of a hundred such files"


def test_an_error_nobody_thought_of_holds_one_series_and_repeats_nothing_of_it():
    def load(_):
        raise KeyError("Quistgaard")

    data = part10(image())
    faces = StudyFaces([FaceSeries(1, load, "likely"), FaceSeries(1, lambda _: data, "unlikely")])
    with pytest.raises(RefusalError, match=r"failed \(KeyError\)") as caught:
        faces.check(0)
    assert "Quistgaard" not in str(caught.value)
    assert faces.cleared(1, 0) == data
