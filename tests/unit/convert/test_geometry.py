"""Which sets of frames make regular volumes."""

import math
from pathlib import Path

import pytest

from factory import make_instance, write_files
from pacsflow.convert.frames import Frame, read_frames
from pacsflow.convert.geometry import judge
from pacsflow.errors import RefusalError

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def stack(depths, *, orientation=AXIAL, shift=0.0, size=(16, 16), spacing=(1.0, 1.0)) -> list[Frame]:
    """Axial frames at `depths`, each `shift` mm further along y per mm of depth."""
    return [Frame(i, size, (0.0, shift * z, z), orientation, spacing) for i, z in enumerate(depths)]


def reasons(frames: list[Frame]) -> list[str]:
    return [finding.reason for finding in judge(frames)]


def test_an_even_stack_is_a_volume_in_any_order() -> None:
    assert reasons(stack([3, 1, 2, 0, 4])) == []


def test_positions_rounded_to_a_tenth_are_even() -> None:
    assert reasons(stack([round(0.625 * i, 1) for i in range(40)])) == []


def test_thin_slices_with_a_small_irregularity_are_uneven() -> None:
    assert reasons(stack([0, 0.1, 0.2, 0.35, 0.45, 0.55])) == ["uneven-spacing"]


def test_two_spacings_in_one_series_are_uneven() -> None:
    assert reasons(stack([0, 1, 2, 3, 4, 6.5, 9, 11.5])) == ["uneven-spacing"]


def test_a_gap_of_whole_slices_is_missing_slices() -> None:
    frames = stack([0, 1, 2, 5, 6, 7])
    assert reasons(frames) == ["missing-slices"]
    assert "slices are missing: 2" in judge(frames)[0].message


def test_time_points_at_every_place_are_volumes() -> None:
    assert reasons(stack([*range(5)] * 7)) == []


def test_a_last_time_point_cut_short_is_an_incomplete_volume() -> None:
    assert reasons(stack([*range(5), *range(5), *range(3)])) == ["incomplete-volume"]


def test_frames_at_one_place_are_no_volume() -> None:
    assert reasons(stack([7.0] * 30)) == ["not-a-volume"]


def test_a_sheared_stack_is_tilted_by_the_right_angle() -> None:
    frames = stack([0, 5, 10, 15, 20], shift=math.tan(math.radians(12)))
    assert reasons(frames) == ["gantry-tilt"]
    assert "12.0 degrees" in judge(frames)[0].message


def test_a_drift_of_less_than_half_a_pixel_is_not_a_tilt() -> None:
    assert reasons(stack([0, 0.5, 1.0, 1.5], shift=0.1)) == []


def test_three_views_are_a_localizer() -> None:
    assert reasons(stack([0, 1, 2]) + stack([0, 1, 2], orientation=SAGITTAL)) == ["mixed-orientation"]


def test_matrix_sizes_and_pixel_spacings_must_agree() -> None:
    assert reasons(stack(range(4)) + stack(range(4, 8), size=(16, 32))) == ["mixed-size"]
    assert reasons(stack(range(4)) + stack(range(4, 8), spacing=(2.0, 1.0))) == ["mixed-size"]


def test_a_tilted_stack_with_a_gap_is_reported_as_both() -> None:
    assert reasons(stack([0, 5, 10, 20], shift=0.5)) == ["gantry-tilt", "missing-slices"]


def test_mosaics_are_volumes_by_themselves() -> None:
    mosaics = [Frame(i, (64, 64), (0.0, 0.0, 0.0), AXIAL, (3.0, 3.0), mosaic=True) for i in range(2)]
    assert reasons(mosaics) == []
    assert reasons([*mosaics, *stack([0])]) == ["mixed-kinds"]


def test_pictures_without_a_place_in_the_patient_have_no_position(tmp_path: Path) -> None:
    files = write_files([make_instance(InstanceNumber=i, ImagePositionPatient=None) for i in range(1, 6)], tmp_path)
    assert reasons(read_frames(files)) == ["no-position"]


def test_several_frames_without_functional_groups_have_no_position(tmp_path: Path) -> None:
    cine = make_instance(NumberOfFrames=4, PixelData=bytes(16 * 16 * 2 * 4))
    cine["PixelData"].VR = "OW"
    frames = read_frames(write_files([cine], tmp_path))
    assert len(frames) == 4
    assert reasons(frames) == ["no-position"]


def test_what_is_not_a_dicom_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(b"no")
    with pytest.raises(RefusalError) as refusal:
        read_frames([tmp_path / "x.dcm"])
    assert refusal.value.reason == "unreadable-file"
