"""b-values and gradient directions of a conversion are those that the images themselves have."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from gradients import Converted, assert_gradients
from pacsflow.convert import convert_series
from pacsflow.deid import read_part10
from unit.convert.test_convert_references import dicom_files
from unit.deid.instances import cleaner, whole

OF_GE = "ge/dti/001"
PATIENTS = ["philips/dti/001", "siemens/dti_classic/001"]
"""Whose directions are told in the patient."""
CONVERSIONS = [
    *(("dcm2niix", series) for series in [*PATIENTS, "philips_enhanced/dti/001"]),
    *(("dicom2nifti", series) for series in PATIENTS),
]


@pytest.mark.parametrize(("kind", "series"), CONVERSIONS)
def test_each_volume_has_the_gradient_of_its_slices(kind, series, shared_data, tmp_path):
    files = dicom_files(shared_data / "dicom2nifti" / series)
    convert_series(kind, files, tmp_path / "out", geometry="refuse")
    assert_gradients(tmp_path / "out" / "image.nii.gz", files)


def test_directions_that_ge_gives_along_the_scan_are_left_and_warned_of(shared_data, tmp_path):
    folder = shared_data / "dicom2nifti" / OF_GE
    files = dicom_files(folder)
    converted = convert_series("dicom2nifti", files, tmp_path / "out", geometry="warn")
    assert any(".bvec" in warning for warning in converted.warnings)
    published = np.loadtxt(folder.with_name("001_ground_truth.bvec"))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "out" / "image.bvec"), published)


def test_dcm2niix_warns_where_ge_does_not_tell_the_direction_of_phase_encoding(shared_data, tmp_path):
    files = dicom_files(shared_data / "dicom2nifti" / OF_GE)
    converted = convert_series("dcm2niix", files, tmp_path / "out", geometry="refuse")
    assert any("gradient" in warning for warning in converted.warnings)
    assert_gradients(tmp_path / "out" / "image.nii.gz", files)
    along = np.abs(Converted(tmp_path / "out" / "image.nii.gz").directions)
    np.testing.assert_array_equal(along, [[0, 0, 0], [1, 0, 0]])


# which set of private elements holds a series' gradients (in two, the private creators were lost), if one does
NEEDED = {
    "ge/dti/001": "nifti-without-creator",
    "philips/dti/001": None,
    "philips_enhanced/dti/001": None,
    "siemens/dti_classic/001": "nifti-without-creator",
}


def cleaned(files: list[Path], folder: Path, **profile: object) -> list[Path]:
    clean = cleaner(**profile)
    folder.mkdir()
    for n, path in enumerate(files):
        (folder / f"{n}.dcm").write_bytes(whole(clean.clean(read_part10(path))))
    return sorted(folder.iterdir())


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("series", NEEDED)
def test_gradients_outlive_a_profile_that_keeps_what_holds_them(series, shared_data, tmp_path):
    files = dicom_files(shared_data / "dicom2nifti" / series)
    kept = {"private": {"keep": [NEEDED[series]]}} if NEEDED[series] else {}
    convert_series("dcm2niix", cleaned(files, tmp_path / "in", **kept), tmp_path / "out", geometry="refuse")
    assert_gradients(tmp_path / "out" / "image.nii.gz", files)


@pytest.mark.parametrize("kind", ["dcm2niix", "dicom2nifti"])
def test_gradients_that_a_profile_took_out_are_missed_aloud(kind, shared_data, tmp_path):
    files = dicom_files(shared_data / "dicom2nifti" / "siemens/dti_classic/001")
    converted = convert_series(kind, cleaned(files, tmp_path / "in"), tmp_path / "out", geometry="refuse")
    assert any("without a b-value above 0" in warning for warning in converted.warnings)


def undirected(files: list[Path], folder: Path, *, above: float) -> list[Path]:
    """The images with b-values from `above` on, without the directions of their gradients."""
    for path in files:
        image = dcmread(path)
        del image.DiffusionGradientOrientation
        if image.DiffusionBValue >= above:
            image.save_as(folder / path.name)
    return sorted(folder.iterdir())


@pytest.mark.parametrize(("above", "ending"), [(0, ".bvec"), (1000, ".bval")], ids=["with b0", "as trace images"])
def test_b_values_without_directions_are_missed_aloud(shared_data, tmp_path, above, ending):
    (tmp_path / "in").mkdir()
    nowhere = undirected(dicom_files(shared_data / "dicom2nifti" / "philips/dti/001"), tmp_path / "in", above=above)
    converted = convert_series("dcm2niix", nowhere, tmp_path / "out", geometry="warn")
    assert max(path.suffix for path in converted.files if path.suffix.startswith(".bv")) == ending
    assert any("without a direction" in warning for warning in converted.warnings)
