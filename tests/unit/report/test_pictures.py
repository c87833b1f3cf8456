"""Pictures of middle slices, as a viewer would show them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from factory import make_instance, make_study, write_files
from pacsflow.report import pictures
from pacsflow.report.pictures import EDGE, middle_slice


def shown(png: bytes | None) -> np.ndarray:
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)))


def flat(value: int, **overrides):
    """An image of two halves: left 0, right `value`."""
    pixels = np.zeros((16, 16), "<u2")
    pixels[:, 8:] = value
    instance = make_instance(PixelData=pixels.tobytes(), **overrides)
    instance["PixelData"].VR = "OW"
    return instance


def test_the_middle_is_found_by_position_not_by_name(tmp_path) -> None:
    depths = [30, 10, 20, 0, 40]
    instances = [flat(100 * d, ImagePositionPatient=[0, 0, d], InstanceNumber=n, WindowCenter=-24, WindowWidth=4000)
                 for n, d in enumerate(depths, 1)]  # fmt: skip
    right = shown(middle_slice(write_files(instances, tmp_path)))[:, -1]
    lone = shown(middle_slice(write_files([instances[2]], tmp_path / "lone")))[:, -1]
    assert (right == lone).all()


def test_the_window_of_the_header_is_used_after_the_rescale(tmp_path) -> None:
    files = write_files([flat(1064, WindowCenter=40, WindowWidth=80)], tmp_path)
    image = shown(middle_slice(files))
    assert image[:, 0].max() == 0
    assert abs(int(image[0, -1]) - 128) <= 3


def test_a_window_that_shows_nothing_gives_way_to_the_pixels(tmp_path) -> None:
    image = shown(middle_slice(write_files([flat(1000, WindowCenter=30000, WindowWidth=10)], tmp_path)))
    assert image.min() == 0
    assert image.max() == 255


def test_monochrome1_is_inverted(tmp_path) -> None:
    image = shown(middle_slice(write_files([flat(1000, PhotometricInterpretation="MONOCHROME1")], tmp_path)))
    assert image[0, 0] == 255
    assert image[0, -1] == 0


def test_pixels_that_are_not_square_are_shown_in_their_proportions(tmp_path) -> None:
    files = write_files([make_instance(PixelSpacing=[2, 1])], tmp_path)
    assert shown(middle_slice(files)).shape == (EDGE, EDGE // 2)


def test_what_has_no_pixels_has_no_picture(tmp_path) -> None:
    report = make_instance(Rows=None, PixelData=None)
    assert middle_slice(write_files([report], tmp_path)) is None
    assert middle_slice([]) is None


def test_broken_pixels_leave_a_gap(tmp_path) -> None:
    assert middle_slice(write_files([make_instance(PixelData=b"\0\0")], tmp_path)) is None


@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI.dcm",
        "CT_small.dcm",
        "JPEGLSNearLossless_16.dcm",
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_palette.dcm",
        "examples_ybr_color.dcm",
        "liver_1frame.dcm",
        "rtdose.dcm",
    ],
)
def test_images_of_many_kinds_can_be_shown(name: str) -> None:
    path = get_testdata_file(name, download=False)
    image = shown(middle_slice([Path(str(path))]))
    assert max(image.shape[:2]) == EDGE
    assert image.min() < image.max()


def test_real_series_have_pictures(shared_data) -> None:
    for series in ("dcm_qa_enh/In/Philips", "dicom2nifti/generic/rgb/001", "dcmqi/segmentations/ct-3slice"):
        files = sorted((shared_data / series).iterdir())
        assert shown(middle_slice(files)).std() > 1


def test_a_whole_series_of_a_study(tmp_path) -> None:
    assert shown(middle_slice(write_files(make_study(series=1, images=5), tmp_path))).ndim == 2


def test_a_frame_above_the_ceiling_is_not_decoded(tmp_path, monkeypatch):
    files = write_files([make_instance()], tmp_path)
    assert middle_slice(files)
    decoded = []
    monkeypatch.setattr(pictures, "pixel_array", lambda *args, **_: decoded.append(args))
    monkeypatch.setattr(pictures, "MOST_OF_FRAME", 16 * 16 - 1)
    assert middle_slice(files) is None
    assert not decoded
