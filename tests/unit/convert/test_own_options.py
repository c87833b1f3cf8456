"""Options of dcm2niix's own: those that are harmless reach it, others are refused with the project."""

import nibabel as nib
import pytest
from pydantic import ValidationError

from factory import make_instance, write_files
from pacsflow.convert import convert_series
from schemas.nifti import Nifti


def test_an_option_reaches_the_converter(tmp_path):
    looks = {
        "Modality": "MR",
        "RescaleIntercept": None,
        "RescaleSlope": None,
        "Rows": 64,
        "Columns": 64,
        "ImageType": ["ORIGINAL", "PRIMARY", "M"],
    }
    made = [make_instance(InstanceNumber=n, ImagePositionPatient=[0, 0, 3 * n], **looks) for n in range(1, 17)]
    files = write_files(made, tmp_path / "dicom")
    plain = convert_series("dcm2niix", files, tmp_path / "plain", geometry="refuse")
    ignored = convert_series("dcm2niix", files, tmp_path / "again", geometry="refuse", options=["-l", "y"])
    slopes = [nib.load(gave.files[-1]).get_fdata().max() for gave in (plain, ignored)]
    stored = [nib.load(gave.files[-1]).dataobj.get_unscaled().max() for gave in (plain, ignored)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-3)
    assert stored[0] < stored[1], "scaled to 16 bits"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"options": {"-o": "/etc"}}, "none of"),
        ({"options": {"-b": "n"}}, "none of"),
        ({"options": {"-p": "y -o x"}}, "none of"),
        ({"options": {"-p": ""}}, "none of"),
        ({"options": {"-p": "n"}, "converter": "dicom2nifti"}, "dcm2niix"),
    ],
)
def test_other_options_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        Nifti.model_validate({"modality": "MR", **fields})
