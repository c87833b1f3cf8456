"""Images of PET and ASL have what BIDS demands, or are left out with the reason."""

import json

import nibabel as nib
import numpy as np
import pytest
from pydicom import Dataset

from factory import make_instance, write_files
from pacsflow.convert.bids import bids_names
from schemas.bids import Bids

ASL = {"ArterialSpinLabelingType": "PCASL", "PostLabelingDelay": 1.8, "LabelingDuration": 1.8, "M0Type": "Absent",
       "BackgroundSuppression": False, "RepetitionTimePreparation": 4, "MRAcquisitionType": "3D",
       "MagneticFieldStrength": 3, "EchoTime": 0.01}  # fmt: skip


def named(tmp_path, rule, told, *, volumes=4, **header):
    [dicom] = write_files([make_instance(**header)], tmp_path / "dicom")
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, volumes), "i2"), np.eye(4)), tmp_path / "image.nii.gz")
    (tmp_path / "image.json").write_text(json.dumps(told))
    rules = Bids.model_validate({"rules": [{"when": {"Modality": "*"}, **rule}]})
    names, warnings = bids_names(rules, dicom, [tmp_path / "image.nii.gz", tmp_path / "image.json"])
    return names.get("image"), " ".join(warnings)


@pytest.mark.parametrize(
    ("context", "volumes", "kinds"),
    [(["control", "label"], 4, ["control", "label"] * 2), (["m0scan", "deltam"], 2, ["m0scan", "deltam"]),
     (["control", "label"], 5, None), ([], 4, None)],
)  # fmt: skip
def test_kinds_of_volumes_come_out_even_or_the_image_is_left_out(tmp_path, context, volumes, kinds):
    rule = {"datatype": "perf", "suffix": "asl", "asl_context": context, "sidecar": {"TotalAcquiredPairs": 1}}
    name, said = named(tmp_path, rule, ASL, volumes=volumes)
    assert (name.asl_context if name else None) == kinds
    assert bool(name) != ("asl_context" in said)


@pytest.mark.parametrize("key", sorted(ASL))
def test_asl_without_a_field_is_left_out_and_the_field_named(tmp_path, key):
    rule = {"datatype": "perf", "suffix": "asl", "asl_context": ["control", "label"]}
    told = {name: value for name, value in ASL.items() if name != key}
    name, said = named(tmp_path, rule, told)
    assert name is None
    assert key in said
    whole, said = named(tmp_path, {**rule, "sidecar": {key: ASL[key]}}, told)
    assert (whole.sidecar["TotalAcquiredPairs"], said) == (2, "")


def test_pet_takes_from_headers_what_they_say_and_names_what_is_missing(tmp_path):
    nuclide, tracer = Dataset(), Dataset()
    nuclide.CodeMeaning = "^11^Carbon"
    tracer.RadionuclideCodeSequence = [nuclide]
    tracer.Radiopharmaceutical, tracer.RadionuclideTotalDose = "Raclopride", "370000000"
    tracer.RadiopharmaceuticalStartTime = "101110.5"
    header = {"Modality": "PT", "RadiopharmaceuticalInformationSequence": [tracer], "AcquisitionTime": "101112",
              "Units": "BQML", "DecayCorrection": "START", "ActualFrameDuration": "60000"}  # fmt: skip
    name, said = named(tmp_path, {"datatype": "pet", "suffix": "pet"}, {"Units": "BQML"}, volumes=1, **header)
    assert name is None
    assert "InjectedMass," in said
    assert not [key for key in ("TracerName", "TimeZero", "FrameDuration", " Units,") if key in said]
    missing = said.partition("lacks ")[2].partition(": put")[0].split(", ")
    rule = {"datatype": "pet", "suffix": "pet", "entities": {"trc": "RAC", "rec": "ac"}}
    name, said = named(tmp_path, {**rule, "sidecar": dict.fromkeys(missing, "n/a")}, {}, volumes=1, **header)
    assert said == ""
    assert name.sidecar | {"InjectionStart": -1.5, "TimeZero": "10:11:12", "Units": "Bq/mL", "TracerName": "Raclopride",
                           "TracerRadionuclide": "C11", "FrameDuration": [60], "InjectedRadioactivity": 370,
                           "ImageDecayCorrected": True} == name.sidecar  # fmt: skip
