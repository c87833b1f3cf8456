"""Conversion before and after de-identification under the shipped MR profile: the same NIfTI, for every series."""

import json
import logging
import subprocess
import warnings
from collections import defaultdict
from functools import cache

import dcm2niix
import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from ruamel.yaml import YAML

from documents import ROOT
from pacsflow.deid import compile_profile, read_part10
from pacsflow.errors import RefusalError
from schemas.deid import DeidProfile
from unit.deid.instances import KEY, whole

COLLECTIONS = {
    "PACSMAN_data": 1,
    "dcm_qa_12bit": 1,
    "dcm_qa_agfa": 2,
    "dcm_qa_deident": 1,
    "dcm_qa_enh": 2,
    "dcm_qa_frag": 2,
    "dcm_qa_nih": 5,
    "dcm_qa_ts": 7,
    "dcmqi": 12,
    "dicognito": 7,
    "dicom2nifti": 32,
    "highdicom": 21,
    "ms-health-anonymizer": 1,
    "presidio": 3,
}
"""Folders of ../shared/data, and how many of their series dcm2niix converts."""
NOT_TAKEN = {
    "dropped: Modality",
    "malformed: no SOP class or instance UID",
    "malformed: an image without pixel data",
    "no patient id and no study: nothing tells whose it is",
}
"""Reports, presentation states, a file without UIDs, one without pixels, one that is nobody's."""
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


@cache
def shipped():
    """The profile of projects/mr-nifti; its key is the tests', and pictures that may show text are kept."""
    profile = YAML(typ="safe", pure=True).load((ROOT / "projects/mr-nifti/deid.yaml").read_text("utf-8"))
    return compile_profile(
        DeidProfile.model_validate({**profile, "key": "${env:KEY}", "pixels": {"burned_in": "keep"}}), KEY
    )


def series_below(folder):
    """Files of each series; codec variants of one are told apart by folder and transfer syntax.

    A slide is a series by itself: dcm2niix takes two of one moment for doubles, or not, by their UIDs.
    """
    found = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            syntax = read_part10(path).transfer_syntax_uid
            ds = dcmread(path, specific_tags=["SeriesInstanceUID", "Modality"])
        except Exception:  # noqa: BLE001 - what cannot be read at all is no series
            continue
        slide = path.name if ds.get("Modality") == "SM" else ""
        found[path.parent, ds.get("SeriesInstanceUID"), syntax, slide].append(path)
    return found.values()


def converted(source, target):
    """The NIfTI of a folder of DICOM files, but those of overlays, which every profile takes out."""
    target.mkdir()
    command = [dcm2niix.bin, "-z", "n", "-b", "y", "-f", "image_%e", "-o", target, source]
    subprocess.run(command, check=False, capture_output=True)
    return sorted(image for image in target.glob("*.nii") if "_ROI" not in image.name)


def beside(image, suffix):
    path = image.with_suffix(suffix)
    return path.read_text() if path.exists() else None


def assert_same(first, second):
    images = nib.load(first), nib.load(second)
    assert np.array_equal(images[0].affine, images[1].affine)
    assert np.array_equal(*(np.asanyarray(image.dataobj) for image in images))
    assert [beside(first, kind) for kind in (".bval", ".bvec")] == [beside(second, k) for k in (".bval", ".bvec")]
    notes = [json.loads(beside(image, ".json") or "{}") for image in (first, second)]
    assert [notes[0].get(fact) for fact in FACTS] == [notes[1].get(fact) for fact in FACTS]


def cleaned_beside(files, place):
    """A folder with the originals, one with the cleaned files. Raises RefusalError."""
    before, after = place / "before", place / "after"
    before.mkdir(parents=True)
    after.mkdir()
    for number, file in enumerate(files):
        (before / f"{number:04}.dcm").symlink_to(file)
        (after / f"{number:04}.dcm").write_bytes(whole(shipped().clean(read_part10(file))))
    return before, after


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_voxels_affine_and_sidecars_are_the_same(shared_data, collection, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL, "pydicom")
    compared, refused = 0, set()
    for number, files in enumerate(series_below(shared_data / collection)):
        place = tmp_path / str(number)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                before, after = cleaned_beside(files, place)
        except RefusalError as refusal:
            refused.add(refusal.reason)
            continue
        if old := converted(before, place / "old"):
            new = converted(after, place / "new")
            assert [image.name for image in old] == [image.name for image in new], files[0]
            for first, second in zip(old, new, strict=True):
                assert_same(first, second)
            compared += 1
    assert compared == COLLECTIONS[collection]
    assert refused <= NOT_TAKEN
