"""Series that hold more than one volume: what is set aside, doubled, cut short, laid out in sheets or in a detector."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    GrayscaleSoftcopyPresentationStateStorage,
    MRImageStorage,
    NuclearMedicineImageStorage,
    RawDataStorage,
    SecondaryCaptureImageStorage,
)

from factory import make_instance, write_files
from pacsflow.convert import convert_series
from pacsflow.errors import RefusalError

SIDE = [0, 1, 0, 0, 0, -1]
KINDS = pytest.mark.parametrize("kind", ["dcm2niix", "dicom2nifti"])


def slices(count=8, **changes):
    return [make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, 3 * i], **changes) for i in range(1, count + 1)]


def other(number, **changes):
    return make_instance(InstanceNumber=number, SOPInstanceUID=f"1.2.3.{number}", **changes)


def without_pixels(sop_class):
    found = other(99, SOPClassUID=sop_class)
    for keyword in ("PixelData", "Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient"):
        del found[keyword]
    return found


def volume(size, *, cut=0, **changes):
    """`size` volumes of 8 slices, the last one without its last `cut` slices."""
    made = [
        make_instance(
            SOPClassUID=MRImageStorage, Modality="MR", KVP=None, RescaleIntercept=None, RescaleSlope=None,
            RescaleType=None, InstanceNumber=1 + place + 8 * time, AcquisitionNumber=time + 1,
            AcquisitionTime=f"1011{2 * time:02}", ImagePositionPatient=[0, 0, 3 * place], RepetitionTime="2000",
            EchoTime="30", **changes,
        )
        for time in range(size)
        for place in range(8)
    ]  # fmt: skip
    return made[: len(made) - cut]


def shapes(converted):
    return [nibabel.load(path).shape for path in converted.files if path.name.endswith(".nii.gz")]


def converted(instances, tmp_path, geometry="refuse", kind="dcm2niix"):
    files = write_files(instances, tmp_path / "in")
    return convert_series(kind, files, tmp_path / "out", geometry=geometry)


SET_ASIDE = {
    "raw data": (lambda: without_pixels(RawDataStorage), "1 object (Raw Data Storage)"),
    "presentation state": (lambda: without_pixels(GrayscaleSoftcopyPresentationStateStorage), "Presentation State"),
    "unknown object": (lambda: without_pixels("1.3.46.670589.11.0.0.12.1"), "of no standard kind"),
    "dose page": (lambda: other(99, SOPClassUID=SecondaryCaptureImageStorage, ImagePositionPatient=None), "Secondary Capture"),
    "scout": (lambda: other(0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], ImageOrientationPatient=SIDE), "1 scout"),
}  # fmt: skip


@KINDS
@pytest.mark.parametrize("what", SET_ASIDE)
def test_what_is_no_image_of_a_volume_is_set_aside_and_named(kind, what, tmp_path):
    make, said = SET_ASIDE[what]
    gave = converted([make(), *slices()], tmp_path, kind=kind)
    assert shapes(gave) == [(16, 16, 8)]
    assert any(text.startswith("set aside: ") and said in text for text in gave.warnings)


def test_a_series_of_captures_or_scouts_alone_is_judged_as_before(tmp_path):
    scouts = [other(n, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]) for n in range(3)]
    with pytest.raises(RefusalError) as caught:
        converted(scouts, tmp_path)
    assert caught.value.reason == "too-few-slices"


def test_a_series_without_an_image_is_refused(tmp_path):
    with pytest.raises(RefusalError) as caught:
        converted([without_pixels(RawDataStorage)], tmp_path)
    assert caught.value.reason == "no-image"


@pytest.mark.parametrize("geometry", ["refuse", "warn", "split"])
def test_every_slice_twice_is_never_a_series_of_two_volumes(geometry, tmp_path):
    twice = [*slices(), *slices()]
    for number, one in enumerate(twice):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number * 7 % 16}"
    if geometry == "refuse":
        with pytest.raises(RefusalError) as caught:
            converted(twice, tmp_path, geometry)
        assert caught.value.reason == "indistinct-frames"
        assert "8 images are exact doubles" in str(caught.value)
    else:
        gave = converted(twice, tmp_path, geometry)
        assert shapes(gave) == [(16, 16, 8)]
        assert any("8 images are exact doubles" in text for text in gave.warnings)


@pytest.mark.parametrize("geometry", ["refuse", "split", "warn"])
def test_two_phases_that_nothing_tells_apart_are_refused_or_warned_of(geometry, tmp_path):
    phases = [*slices(), *slices()]
    for number, one in enumerate(phases):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number * 7 % 16}"
        one.PixelData = bytes([number]) * len(one.PixelData)
    if geometry != "warn":
        with pytest.raises(RefusalError, match="8 images lie where another does") as caught:
            converted(phases, tmp_path, geometry)
        assert caught.value.reason == "indistinct-frames"
    else:
        assert any("8 images lie where another does" in text for text in converted(phases, tmp_path, geometry).warnings)


@pytest.mark.parametrize("value", [{"TriggerTime": "{}"}, {"AcquisitionNumber": "{}"}, {"EchoTime": "{}"},
                                   {"TemporalPositionIdentifier": "{}"}, {"ContentTime": "10111{}"}])  # fmt: skip
def test_one_value_that_differs_is_enough_to_tell_phases_apart(value, tmp_path):
    phases = []
    for number in (1, 2):
        changes = {keyword: text.format(number) for keyword, text in value.items()}
        made = slices(**changes)
        for one in made:
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{len(phases)}{one.InstanceNumber}"
            one.PixelData = bytes([number]) * len(one.PixelData)
        phases += made
    gave = converted(phases, tmp_path, "warn")
    assert not any("tells them apart" in text for text in gave.warnings)


def test_a_time_series_cut_short_keeps_its_complete_volumes(tmp_path):
    gave = converted(volume(4, cut=3), tmp_path, "split")
    assert shapes(gave) == [(16, 16, 8, 3)]
    assert any("5 images of a volume that was cut short" in text for text in gave.warnings)


def test_a_slice_lost_in_the_middle_is_not_taken_for_a_volume_cut_short(tmp_path):
    lost = volume(4)
    del lost[11]
    with pytest.raises(RefusalError) as caught:
        converted(lost, tmp_path, "split")
    assert caught.value.reason == "incomplete-volume"


def test_two_orientations_become_two_volumes_whatever_the_uids(tmp_path):
    side = [
        make_instance(
            InstanceNumber=20 + i,
            ImageOrientationPatient=SIDE,
            ImagePositionPatient=[3 * i, 0, 0],
            AcquisitionTime="101200",
            Rows=24,
        )
        for i in range(1, 7)
    ]
    lone = [make_instance(InstanceNumber=40, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], AcquisitionTime="101300")]
    gave = converted([*side, *lone, *slices()], tmp_path, "split")
    assert [path.name for path in gave.files] == ["image.json", "image.nii.gz", "image_v2.json", "image_v2.nii.gz"]
    assert shapes(gave) == [(16, 16, 8), (16, 24, 6)]
    assert any(text.startswith("1 image makes no volume and is left out: too few slices") for text in gave.warnings)


@pytest.mark.parametrize("case", ["missing", "cut"])
def test_warn_takes_what_the_converter_wrote_although_it_complained(case, tmp_path):
    made = (
        volume(3, cut=3)
        if case == "cut"
        else [one for one in slices(BitsStored=16, HighBit=15) if one.InstanceNumber != 5]
    )
    gave = converted(made, tmp_path, "warn")
    assert shapes(gave)
    assert gave.warnings


def sheet(number, **private):
    one = make_instance(SOPClassUID=MRImageStorage, Modality="MR", Manufacturer="UIH", InstanceNumber=number,
                        ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"], ImagePositionPatient=None,
                        ImageOrientationPatient=None, AcquisitionTime=f"1011{number:02}")  # fmt: skip
    if private:
        block = one.private_block(0x0065, "Image Private Header", create=True)
        block.add_new(0x51, "SQ", Sequence([Dataset()]))
    return one


@pytest.mark.parametrize("geometry", ["refuse", "warn", "split"])
def test_sheets_of_united_imaging_without_their_private_elements_are_refused_with_that_reason(geometry, tmp_path):
    with pytest.raises(RefusalError, match="group 0065") as caught:
        converted([sheet(n) for n in range(1, 6)], tmp_path, geometry)
    assert caught.value.reason == "grid"
    assert not list((tmp_path).rglob("*.nii.gz"))


@pytest.mark.parametrize("hint", [{"SequenceName": "ep_b1000"}, {"ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"]},
                                  {"SeriesDescription": "ax dwi"}, {"ProtocolName": "DTI 30"},
                                  {"DiffusionDirectionality": "NONE"}])  # fmt: skip
def test_lost_b_values_are_warned_of_whoever_made_the_image(hint, tmp_path):
    gave = converted(volume(2, Manufacturer="ANYBODY", **hint), tmp_path)
    assert any("without a b-value above 0" in text for text in gave.warnings)


def test_an_image_computed_of_diffusion_needs_no_b_value(tmp_path):
    gave = converted(volume(1, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]), tmp_path)
    assert not any("b-value" in text for text in gave.warnings)


@pytest.mark.parametrize("salt", [1, 5, 11])
def test_which_of_two_files_is_image_hangs_on_their_acquisition_and_on_no_uid(salt, tmp_path):
    large = [
        make_instance(InstanceNumber=i, ImagePositionPatient=[0, 0, 3 * i], Rows=32, Columns=32) for i in range(1, 7)
    ]
    small = [make_instance(InstanceNumber=10 + i, ImagePositionPatient=[0, 0, 3 * i]) for i in range(1, 7)]
    made = [*large, *small]
    for number, one in enumerate(made):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number * salt % 13}"
        one.SeriesInstanceUID = f"1.2.8.{salt * 977}"
    made.sort(key=lambda one: one.SOPInstanceUID)
    gave = converted(made, tmp_path, "warn")
    found = {path.name: nibabel.load(path).shape for path in gave.files if path.name.endswith(".nii.gz")}
    assert found == {"image.nii.gz": (32, 32, 6), "imagea.nii.gz": (16, 16, 6)}


def test_a_reconstructed_nuclear_image_has_its_places_at_the_detector(tmp_path):
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = [-40, -40, 0], [1, 0, 0, 0, 1, 0]
    image = make_instance(
        SOPClassUID=NuclearMedicineImageStorage, Modality="NM", ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        NumberOfFrames=8, SliceVector=list(range(1, 9)), NumberOfSlices=8, SpacingBetweenSlices="4", SliceThickness="4",
        DetectorInformationSequence=Sequence([detector]), ImagePositionPatient=None, ImageOrientationPatient=None,
        PixelSpacing=[4, 4], PixelData=np.arange(8 * 256, dtype="<u2").tobytes(),
    )  # fmt: skip
    image["PixelData"].VR = "OW"
    gave = converted([image], tmp_path)
    assert shapes(gave) == [(16, 16, 8)]


def test_a_cine_of_one_slice_is_a_volume_over_time_when_asked(tmp_path):
    cine = [
        make_instance(InstanceNumber=i, TriggerTime=str(40 * i), SOPClassUID=MRImageStorage, Modality="MR", KVP=None)
        for i in range(1, 9)
    ]
    with pytest.raises(RefusalError) as caught:
        converted(cine, tmp_path)
    assert caught.value.reason == "not-a-volume"
    assert shapes(converted(cine, tmp_path / "asked", "warn")) == [(16, 16, 1, 8)]


def test_jpeg_ls_in_several_fragments_is_decoded_before_the_converter(tmp_path):
    source = dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
    (stream,) = generate_frames(source.PixelData, number_of_frames=1)
    plain = source.pixel_array
    made = []
    for number in range(1, 6):
        one = dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
        one.PixelData = encapsulate([stream], fragments_per_frame=3)
        one.InstanceNumber, one.ImagePositionPatient = number, [0, 0, 2 * number]
        one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        made.append(one)
    gave = converted(made, tmp_path)
    assert shapes(gave) == [(64, 64, 5)]
    (image,) = (Path(path) for path in gave.files if path.name.endswith(".nii.gz"))
    values = np.asanyarray(nibabel.load(image).dataobj)[..., 2]
    assert sorted(np.unique(values)) == sorted(np.unique(plain))
