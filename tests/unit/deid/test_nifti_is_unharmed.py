"""Conversion before and after de-identification, with the private elements it needs kept: the same NIfTI."""

import json
import subprocess
from pathlib import Path

import dcm2niix
import nibabel as nib
import numpy as np
import pytest

from pacsflow.deid import read_part10
from pacsflow.errors import RefusalError
from unit.deid.instances import cleaner, whole

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PROFILE = {
    "options": ["retain-longitudinal-modified-dates", "retain-patient-characteristics", "retain-safe-private"],
    "private": {
        "keep": [
            "ps3.15-safe",
            "siemens-csa-for-nifti",
            "ge-for-nifti",
            "philips-for-nifti",
            "nifti-without-creator",
        ]
    },
}
FACTS = (
    "SliceTiming",
    "PhaseEncodingDirection",
    "PhaseEncodingAxis",
    "TotalReadoutTime",
    "EffectiveEchoSpacing",
    "EchoTime",
    "RepetitionTime",
    "FlipAngle",
    "MultibandAccelerationFactor",
    "ParallelReductionFactorInPlane",
    "BandwidthPerPixelPhaseEncode",
    "AcquisitionTime",
    "PhilipsRescaleSlope",
)
SERIES = (
    "dcm_qa_nih/In/20180918Si",
    "dcm_qa_nih/In/20180918GE",
    "dcm_qa_enh/In/Siemens",
    "dcm_qa_enh/In/Philips",
    "dcm_qa_ts/In/1.dcm",
    "dcm_qa_ts/In/3.dcm",
    "dcm_qa_ts/In/7.dcm",
    "dcm_qa_12bit/In",
    "dcm_qa_agfa/Agfa",
    "dicom2nifti/ge/dti/001",
    "dicom2nifti/siemens/dti_classic/001",
    "dicom2nifti/siemens/fmri_classic/001",
    "dicom2nifti/philips/dti/001",
    "dicom2nifti/philips_enhanced/dti/001",
    "dicom2nifti/hitachi/anatomical/001",
)


def converted(source, target):
    target.mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "y", "-f", "%s_%e", "-o", target, source]
    subprocess.run(command, check=True, capture_output=True)
    return sorted(target.glob("*.nii"))


def beside(image, suffix):
    path = image.with_suffix(suffix)
    return path.read_text() if path.exists() else None


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("series", SERIES)
def test_voxels_affine_and_sidecars_are_the_same(series, tmp_path):
    before, after, profile = tmp_path / "before", tmp_path / "after", cleaner(**PROFILE)
    before.mkdir()
    after.mkdir()
    place = DATA / series
    for number, file in enumerate(sorted(place.rglob("*")) if place.is_dir() else [place]):
        try:
            source = read_part10(file) if file.is_file() else None
        except RefusalError:
            continue
        if source:
            (before / f"{number}.dcm").write_bytes(file.read_bytes())
            (after / f"{number}.dcm").write_bytes(whole(profile.clean(source)))
    old, new = converted(before, tmp_path / "old"), converted(after, tmp_path / "new")
    assert len(old) == len(new) > 0
    for first, second in zip(old, new, strict=True):
        images = nib.load(first), nib.load(second)
        assert np.array_equal(images[0].affine, images[1].affine)
        assert np.array_equal(*(np.asanyarray(image.dataobj) for image in images))
        assert [beside(first, kind) for kind in (".bval", ".bvec")] == [beside(second, k) for k in (".bval", ".bvec")]
        notes = [json.loads(beside(image, ".json") or "{}") for image in (first, second)]
        assert [notes[0].get(fact) for fact in FACTS] == [notes[1].get(fact) for fact in FACTS]
