"""Real series with published NIfTI: the same voxels at the same places come out."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from pacsflow.convert import convert_series
from pacsflow.errors import RefusalError

DCM2NIIX = {
    "dcm_qa_12bit/In/12bitUnsigned.dcm": {"": "2"},
    "dcm_qa_12bit/In/12bitUnsigned_0x0F0F.dcm": {"": "3"},
    "dcm_qa_12bit/In/12bitSigned_0x0F0F.dcm": {"": "4"},
    "dcm_qa_enh/In/Philips": {
        "_e1": "Philips_WIP_B0_NS_801_e1",
        "_e2_fieldmaphz": "Philips_WIP_B0_NS_801_e2_fieldmaphz",
    },
    "dcm_qa_enh/In/Siemens/XA10": {"": "Siemens_REST1_w_SMS_PF7-8_6"},
    "dcm_qa_nih/In/20180918GE/mr_0004": {"": "DCM2NIIX_regression_test_4"},
    "dcm_qa_nih/In/20180918Si/mr_0003": {"": "EPI_PE=AP_3"},
    "dcm_qa_nih/In/20180918Si/mr_0004": {"": "EPI_PE=PA_4"},
    "dcm_qa_nih/In/20180918Si/mr_0005": {"": "EPI_PE=RL_5"},
    "dcm_qa_nih/In/20180918Si/mr_0006": {"": "EPI_PE=LR_6"},
    **{f"dcm_qa_ts/In/{n}.dcm": {"": str(n)} for n in range(1, 10)},
}
DICOM2NIFTI = [
    "anatomical/001",
    "ge/anatomical/001",
    "ge/dti/001",
    "ge/dti/002",
    "ge/fmri/001",
    "generic/anatomical/001",
    "generic/anatomical/002_non_isotropic",
    "generic/compressed/001",
    "generic/compressed_j2k/001",
    "generic/compressed_jpeg/001",
    "generic/compressed_jpegls/001",
    "generic/compressed_rle/001",
    "generic/rgb/001",
    "hitachi/anatomical/001",
    "hyperfine/anatomical/001",
    "philips/anatomical/001",
    "philips/dti/001",
    "philips/fmri/001",
    "philips_enhanced/anatomical/001",
    "philips_enhanced/dti/001",
    "philips_enhanced/fmri/001",
    "siemens/anatomical/001",
    "siemens/dti_classic/001",
    "siemens/fmri/001",
    "siemens/fmri_classic/001",
]
DOUBTED = {"ge/dti/001": "gradient-directions", "philips_enhanced/dti/001": "frames-lost"}
"""Of these, what dicom2nifti makes is not right: the published one neither."""
FAILING = {
    "gantrytilting/001": "gantry-tilt",
    "notavolume/001": "not-a-volume",
    "slicecount/001": "too-few-slices",
    "sliceincrement/001": "missing-slices",
    "sliceincrement/002": "gantry-tilt",
    "sliceorientation/001": "mixed-orientation",
}


def dicom_files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(p for p in place.iterdir() if p.read_bytes()[128:132] == b"DICM")


def assert_same_image(ours: Path, theirs: Path) -> None:
    """Same voxels at the same places, whatever the order in which the file lists them."""
    a, b = (nibabel.as_closest_canonical(nibabel.Nifti1Image.from_filename(p)) for p in (ours, theirs))
    np.testing.assert_array_equal(np.squeeze(a.dataobj), np.squeeze(b.dataobj), strict=True)
    np.testing.assert_allclose(a.affine, b.affine, atol=1e-4)


@pytest.mark.parametrize("series", DCM2NIIX)
def test_dcm2niix_gives_the_reference(series: str, shared_data: Path, tmp_path: Path) -> None:
    converted = convert_series("dcm2niix", dicom_files(shared_data / series), tmp_path / "out", geometry="refuse")
    wanted = DCM2NIIX[series]
    made = {p.name for p in converted.files}
    assert made == {f"image{suffix}{end}" for suffix in wanted for end in (".nii.gz", ".json")}
    for suffix, name in wanted.items():
        reference = shared_data / series.split("/", maxsplit=1)[0] / "Ref" / f"{name}.nii"
        assert_same_image(tmp_path / "out" / f"image{suffix}.nii.gz", reference)


@pytest.mark.parametrize("series", DICOM2NIFTI)
def test_dicom2nifti_gives_the_reference(series: str, shared_data: Path, tmp_path: Path) -> None:
    folder, geometry = shared_data / "dicom2nifti" / series, "warn" if series in DOUBTED else "refuse"
    converted = convert_series("dicom2nifti", dicom_files(folder), tmp_path / "out", geometry=geometry)
    assert_same_image(tmp_path / "out" / "image.nii.gz", folder.with_name(f"{folder.name}_ground_truth.nii.gz"))
    published = folder.with_name(f"{folder.name}_ground_truth.bval")
    assert ({".bval", ".bvec"} <= {path.suffix for path in converted.files}) == published.exists()
    if published.exists():
        np.testing.assert_array_equal(np.loadtxt(tmp_path / "out" / "image.bval"), np.loadtxt(published))


@pytest.mark.parametrize("series", DOUBTED)
def test_what_dicom2nifti_does_wrong_without_notice_is_refused(series, shared_data, tmp_path) -> None:
    files = dicom_files(shared_data / "dicom2nifti" / series)
    with pytest.raises(RefusalError) as refusal:
        convert_series("dicom2nifti", files, tmp_path / "out", geometry="refuse")
    assert refusal.value.reason == DOUBTED[series]
    assert "dcm2niix" in refusal.value.fix
    assert list(tmp_path.iterdir()) == []
    assert convert_series("dicom2nifti", files, tmp_path / "out", geometry="warn").warnings


@pytest.mark.parametrize("series", DICOM2NIFTI)
def test_dcm2niix_takes_every_regular_series(series: str, shared_data: Path, tmp_path: Path) -> None:
    files = dicom_files(shared_data / "dicom2nifti" / series)
    assert convert_series("dcm2niix", files, tmp_path / "out", geometry="refuse").files


@pytest.mark.parametrize("kind", ["dcm2niix", "dicom2nifti"])
@pytest.mark.parametrize("series", FAILING)
def test_what_is_not_a_volume_is_refused_with_its_reason(kind, series, shared_data, tmp_path) -> None:
    files = dicom_files(shared_data / "dicom2nifti" / "failing" / series)
    with pytest.raises(RefusalError) as refusal:
        convert_series(kind, files, tmp_path / "out", geometry="refuse")
    assert refusal.value.reason == FAILING[series]
    assert list(tmp_path.iterdir()) == []


def test_a_tilted_series_is_converted_with_a_warning_when_that_is_wanted(shared_data: Path, tmp_path: Path) -> None:
    files = dicom_files(shared_data / "dicom2nifti/failing/gantrytilting/001")
    for kind in ("dcm2niix", "dicom2nifti"):
        converted = convert_series(kind, files, tmp_path / kind, geometry="warn")
        assert any("gantry tilt" in w for w in converted.warnings)
        assert tmp_path / kind / "image.nii.gz" in converted.files


def test_what_dicom2nifti_refuses_under_its_own_checks_it_converts_without(shared_data: Path, tmp_path: Path) -> None:
    for series in ("failing/slicecount/001", "ge/anatomical/001_single_slice"):
        folder = shared_data / "dicom2nifti" / series
        convert_series("dicom2nifti", dicom_files(folder), tmp_path / "out", geometry="warn")
        assert_same_image(tmp_path / "out" / "image.nii.gz", folder.with_name(f"{folder.name}_ground_truth.nii.gz"))


def test_volumes_that_dicom2nifti_drops_are_noticed(shared_data: Path, tmp_path: Path) -> None:
    """Of several enhanced instances it converts the first, with no word about the others."""
    files = dicom_files(shared_data / "dcm_qa_enh/In/Siemens/XA10")
    with pytest.raises(RefusalError, match="24 frames went in, 6 came out") as refusal:
        convert_series("dicom2nifti", files, tmp_path / "out", geometry="refuse")
    assert refusal.value.reason == "frames-lost"
    converted = convert_series("dicom2nifti", files, tmp_path / "out", geometry="warn")
    assert "24 frames went in, 6 came out" in converted.warnings


def test_objects_without_an_image_are_refused(shared_data: Path, tmp_path: Path) -> None:
    report = [shared_data / "dcmqi/sr-example/sr.dcm"]
    for kind in ("dcm2niix", "dicom2nifti"):
        with pytest.raises(RefusalError) as refusal:
            convert_series(kind, report, tmp_path / "out", geometry="warn")
        assert refusal.value.reason == "no-image"
