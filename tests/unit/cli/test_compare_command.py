"""compare: delivered NIfTI, and that of delivered DICOM files, against the originals'."""

import csv
import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

from commands import pacsflow
from factory import make_instance, write_files
from gradients import DIFFUSION
from unit.deid.test_nifti_is_unharmed import cleaned_beside


def volume(number, **changes):
    return [
        make_instance(SeriesNumber=number, InstanceNumber=n, ImagePositionPatient=[0, 0, n], Modality="MR", **changes)
        for n in range(1, 7)
    ]


@pytest.fixture
def trees(tmp_path):
    """Two volumes and a picture that gives no NIfTI; cleaned files of all."""
    single = make_instance(SeriesNumber=3, Modality="CR", ImagePositionPatient=None)
    files = write_files([*volume(1), *volume(2, PixelSpacing=[2, 2]), single], tmp_path / "head")
    _, cleaned = cleaned_beside(files, tmp_path / "cleaned")
    return tmp_path / "head", cleaned, tmp_path / "table.csv"


def compared(originals, delivered, table, *, expect=0):
    said = pacsflow("compare", originals, delivered, "--table", table, expect=expect)
    with table.open() as stream:
        return said, [(row["verdict"], row["voxels"], row["affine"]) for row in csv.DictReader(stream)]


EQUAL = ("equal", "equal", "equal")


def test_cleaned_files_and_their_nifti_are_equal(trees):
    originals, cleaned, table = trees
    nothing = ("no NIfTI", "", "")
    _, found = compared(originals, cleaned, table)
    assert sorted(found) == sorted([EQUAL, EQUAL, nothing])
    pacsflow("convert", cleaned, cleaned.parent / "nifti", expect=1)
    _, found = compared(originals, cleaned.parent / "nifti", table)
    assert sorted(found) == sorted([EQUAL, EQUAL, nothing])


def nifti(cleaned: Path) -> list[Path]:
    pacsflow("convert", cleaned, cleaned.parent / "nifti", expect=1)
    return sorted((cleaned.parent / "nifti").rglob("*.nii.gz"))


@pytest.mark.parametrize("part", ["voxel", "affine", "missing", "foreign", "unreadable"])
def test_what_was_harmed_is_found(trees, part):
    originals, cleaned, table = trees
    first = nifti(cleaned)[0]
    image = nib.load(first)
    values, affine = np.asanyarray(image.dataobj).copy(), image.affine.copy()
    if part == "voxel":
        values[1, 2, 3] += 1
    if part == "affine":
        affine[0, 3] += 0.5
    if part == "foreign":
        values, affine = values[:5], affine * 3
    if part == "missing":
        first.unlink()
    elif part == "unreadable":
        first.write_bytes(b"no image")
    else:
        nib.save(nib.Nifti1Image(values, affine), first)
    _, found = compared(originals, first.parents[3], table, expect=1 if part == "missing" else 12)
    wanted = {
        "voxel": ("differs", "differs", "equal"),
        "affine": ("differs", "equal", "differs"),
        "missing": ("not delivered", "", ""),
        "foreign": ("no original", "", ""),
        "unreadable": ("differs", "", ""),
    }[part]
    assert wanted in found
    assert EQUAL in found


def test_harmed_pixels_and_places_of_dicom_files_are_found(trees):
    originals, cleaned, table = trees
    for path in sorted(cleaned.iterdir()):
        image = dcmread(path)
        if image.SeriesNumber == 1:
            image.ImagePositionPatient[0] += 1
        elif image.SeriesNumber == 2 and image.InstanceNumber == 4:
            image.PixelData = b"\1" * len(image.PixelData)
        image.save_as(path)
    _, found = compared(originals, cleaned, table, expect=12)
    assert {("differs", "equal", "differs"), ("differs", "differs", "equal")} <= set(found)


def test_directions_and_slice_timing_count(tmp_path, shared_data):
    source = shared_data / "dicom2nifti" / DIFFUSION[1]
    pacsflow("convert", source, tmp_path / "out")
    pacsflow("compare", source, tmp_path / "out")
    bvec = next((tmp_path / "out").rglob("*.bvec"))
    kept = bvec.read_text()
    bvec.write_text(kept.replace("0", "1", 1))
    pacsflow("compare", source, tmp_path / "out", expect=12)
    bvec.write_text(kept)
    sidecar = bvec.with_suffix(".json")
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "SliceTiming": [0, 1]}))
    pacsflow("compare", source, tmp_path / "out", expect=12)


def test_nothing_to_compare_is_said(trees):
    originals, cleaned, _ = trees
    empty = cleaned.parent / "empty"
    empty.mkdir()
    assert "neither DICOM nor NIfTI" in pacsflow("compare", originals, empty, expect=2)
    assert "holds no DICOM" in pacsflow("compare", empty, cleaned, expect=2)
    shutil.copy(max(originals.iterdir()), empty / "picture.dcm")
    assert "0 images compared" in pacsflow("compare", empty, empty, expect=1)


def test_volumes_that_are_alike_have_an_original_each(tmp_path):
    files = write_files([*volume(1), *volume(2)], tmp_path / "head")
    _, cleaned = cleaned_beside(files, tmp_path / "cleaned")
    pacsflow("convert", cleaned, tmp_path / "nifti")
    _, found = compared(tmp_path / "head", tmp_path / "nifti", tmp_path / "table.csv")
    assert found == [EQUAL, EQUAL]
