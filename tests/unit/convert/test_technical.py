"""A series' technical attributes, whatever kind of objects it holds."""

import json

import pytest
from pydicom import dcmread

from factory import make_instance, write_files
from pacsflow.convert.frames import read_frames
from pacsflow.convert.sidecar import described
from pacsflow.convert.technical import COLUMNS, technical_line
from pacsflow.errors import RefusalError


def line(tmp_path, instances):
    found = technical_line(write_files(instances, tmp_path / "series"))
    assert tuple(found) == COLUMNS
    return {column: value for column, value in found.items() if value is not None}


def test_a_volume_over_time_with_a_gap(tmp_path):
    places = (0, 2.5, 5, 10, 12.5)
    made = [
        make_instance(
            InstanceNumber=10 * time + place, ImagePositionPatient=[0, 0, depth], ConvolutionKernel=["B30f", "3"],
            AcquisitionTime=f"1011{time:02}", Modality="CT", ContrastBolusAgent="Agent", PixelSpacing=[0.5, 0.75],
        )
        for time in range(2)
        for place, depth in enumerate(places)
    ]  # fmt: skip
    found = line(tmp_path, made)
    assert (found["slices"], found["volumes"], found["frames"], found["images"]) == (5, 2, 10, 10)
    assert (found["spacing_row_mm"], found["spacing_column_mm"], found["spacing_slice_mm"]) == (0.5, 0.75, 2.5)
    assert (found["geometry"], found["orientation"], found["kernel"]) == ("missing-slices", "axial", "B30f\\3")
    assert (found["kvp_kv"], found["contrast_agent"], found["series_number"]) == (120.0, "Agent", 1.0)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"Modality": "CR", "ImagePositionPatient": None}, "no-position"),
        ({"NumberOfFrames": 2_000_000_000, "PatientName": "X"}, "too-many-frames"),
        ({"Rows": None, "Columns": None, "PixelData": b""}, "no-image"),
    ],
)
def test_what_is_no_volume_has_its_verdict_and_no_shape(tmp_path, changes, verdict):
    found = line(tmp_path, [make_instance(**changes)])
    assert found["geometry"] == verdict
    assert found["geometry_message"]
    assert not {"slices", "volumes", "spacing_slice_mm"} & set(found)


@pytest.mark.parametrize("odd", ["nan", "-inf", "1e400", "abc"])
def test_values_that_are_no_numbers_are_left_out_of_tables_and_sidecars(tmp_path, odd):
    """As devices write them: what is right stays, and all of it is JSON."""
    made = [make_instance(InstanceNumber=n, ImagePositionPatient=[0, 0, n], Modality="MR") for n in range(6)]
    for one in made:
        one.pop("KVP", None)
        one.add_new("KVP", "LO", odd)
    files = write_files(made, tmp_path)
    for path in files:
        path.write_bytes(path.read_bytes().replace(b"\x18\x00\x60\x00LO", b"\x18\x00\x60\x00DS"))
    told = described(dcmread(files[0]))
    assert told["Modality"] == "MR"
    json.dumps(told, allow_nan=False)
    found = technical_line(files)
    assert (found["kvp_kv"], found["geometry"]) == (None, "regular")
    json.dumps(found, allow_nan=False)


def test_values_of_enhanced_images_come_out_of_their_groups(shared_data):
    enhanced = [
        path
        for path in sorted((shared_data / "dcm_qa_enh").rglob("*.dcm"))
        if any(one.position for one in read_frames([path])) and technical_line([path])["modality"] == "MR"
    ]
    found = [technical_line([path]) for path in enhanced]
    assert found
    assert all(one["te_ms"] and one["spacing_row_mm"] and one["orientation"] for one in found)


def test_a_damaged_file_is_refused(tmp_path):
    path = write_files([make_instance()], tmp_path)[0]
    path.write_bytes(b"no DICOM")
    with pytest.raises(RefusalError) as refused:
        technical_line([path])
    assert refused.value.reason == "unreadable-file"
