"""A whole study of several subjects and sessions, accepted by the BIDS validator, whatever the order of delivery."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import MRImageStorage, PositronEmissionTomographyImageStorage

from factory import make_instance, write_files
from pacsflow.convert import convert_series
from pacsflow.convert.bids import bids_names
from pacsflow.export import StudyFolder, open_target, read_series
from schemas.bids import Bids
from schemas.export import BidsDataset

REST = {"datatype": "func", "entities": {"task": "rest"}}
PAIR = {"datatype": "fmap", "suffix": "epi", "intended_for": ["func/*"]}
MP2RAGE = {"datatype": "anat", "suffix": "MP2RAGE", "sidecar": {
    "RepetitionTimeExcitation": 0.006, "RepetitionTimePreparation": 5, "NumberShots": 160}}  # fmt: skip
"""What BIDS demands beside and no header says."""
PET = {"datatype": "pet", "suffix": "pet", "entities": {"trc": "FDG"}, "sidecar": {
    "InjectedMass": "n/a", "InjectedMassUnits": "n/a", "SpecificRadioactivity": "n/a", "SpecificRadioactivityUnits": "n/a",
    "ModeOfAdministration": "bolus", "AcquisitionMode": "list mode", "ReconMethodName": "OSEM", "ReconFilterType": "none",
    "ReconMethodParameterLabels": ["none"], "ReconMethodParameterUnits": ["none"], "ReconMethodParameterValues": [0],
    "AttenuationCorrection": "none"}}  # fmt: skip
ASL = {
    "datatype": "perf",
    "suffix": "asl",
    "asl_context": ["control", "label"],
    "sidecar": {
        "ArterialSpinLabelingType": "PCASL",
        "PostLabelingDelay": 1.8,
        "LabelingDuration": 1.8,
        "M0Type": "Absent",
        "BackgroundSuppression": False,
        "RepetitionTimePreparation": 4,
        "MRAcquisitionType": "3D",
    },
}
RULES = Bids.model_validate({"rules": [
    {"when": {"SeriesDescription": "localizer"}, "leave_out": True},
    {"when": {"Modality": "PT"}, **PET},
    {"when": {"SeriesDescription": "pcasl"}, **ASL},
    {"when": {"SeriesDescription": "dti"}, "datatype": "dwi", "suffix": "dwi"},
    {"when": {"SeriesDescription": "nback"}, "datatype": "func", "suffix": "bold", "entities": {"task": "nback"}},
    {"when": {"SeriesDescription": "mprage"}, "datatype": "anat", "suffix": "T1w"},
    {"when": {"SeriesDescription": "/inv1/i"}, **MP2RAGE, "entities": {"inv": 1}},
    {"when": {"SeriesDescription": "/inv2/i"}, **MP2RAGE, "entities": {"inv": 2}},
    {"when": {"SeriesDescription": "/_uni/i"}, "datatype": "anat", "suffix": "UNIT1"},
    {"when": {"SeriesDescription": "*_SBRef"}, **REST, "suffix": "sbref"},
    {"when": {"SeriesDescription": "rest*"}, **REST, "suffix": "bold", "sidecar": {"B0FieldSource": "pepolar"}},
    {"when": {"SeriesDescription": "fm_AP"}, **PAIR, "entities": {"dir": "AP"},
     "sidecar": {"B0FieldIdentifier": "pepolar", "PhaseEncodingDirection": "j-", "TotalReadoutTime": 0.05}},
    {"when": {"SeriesDescription": "fm_PA"}, **PAIR, "entities": {"dir": "PA"},
     "sidecar": {"B0FieldIdentifier": "pepolar", "PhaseEncodingDirection": "j", "TotalReadoutTime": 0.05}},
]})  # fmt: skip
SERIES = ("mprage", "mp_INV1", "mp_INV2", "mp_UNI", "fm_AP", "fm_PA", "rest", "rest_SBRef", "rest", "fm_AP", "fm_PA",
          "rest_SBRef", "rest", "dti", "pcasl", "fdg", "nback")  # fmt: skip
TIMES = {
    1: 0,
    2: 60,
    3: 60,
    4: 60,
    5: 120,
    6: 130,
    7: 200,
    8: 300,
    9: 305,
    10: 400,
    11: 410,
    12: 450,
    13: 455,
    14: 500,
    15: 600,
    16: 700,
    17: 800,
}
"""Seconds at which each series begins."""


def volumes(folder, patient, accession, number, description):
    """A series of 2 volumes where it is a time series, converted and named."""
    begin = TIMES[number]
    timed = description in ("rest", "nback")
    count = {"dti": 7, "pcasl": 4}.get(description, 2 if timed else 1)
    made = [
        make_instance(
            PatientID=patient, AccessionNumber=accession, SeriesNumber=number, SeriesDescription=description,
            SOPClassUID=MRImageStorage, Modality="MR", Manufacturer="SIEMENS", KVP=None, RescaleIntercept=None,
            RescaleSlope=None, RescaleType=None, InstanceNumber=1 + place + 6 * time, RepetitionTime="2000",
            EchoTime="30", InversionTime="700" if description.startswith("mp_") else None, MagneticFieldStrength="3",
            FlipAngle="9", AcquisitionNumber=time + 1, ImagePositionPatient=[0, 0, place], StudyDate=f"2020010{accession}",
            AcquisitionDate=f"2020010{accession}", AcquisitionTime=f"10{(begin + 2 * time) // 60:02}{(begin + 2 * time) % 60:02}",
        )
        for time in range(count)
        for place in range(6)
    ]  # fmt: skip
    if description == "dti":
        weighted(made)
    if description == "fdg":
        traced(made)
    files = write_files(made, folder / "dicom")
    series = read_series(files, convert_series("dcm2niix", files, folder / "out", geometry="refuse").files)
    return replace(series, bids=bids_names(RULES, files[0], series.converted)[0])


def weighted(made):
    """Volumes with b-values and directions, as Siemens writes them: the first without."""
    for number, one in enumerate(made):
        block = one.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        time = number // 6
        block.add_new(0x0C, "IS", "1000" if time else "0")
        if time:
            turned = np.array([np.cos(time), np.sin(time), time / 7])
            block.add_new(0x0E, "FD", list(turned / np.linalg.norm(turned)))


def traced(made):
    """Images of PET, 10 minutes long, an hour after the injection."""
    for one in made:
        one.SOPClassUID, one.Modality = PositronEmissionTomographyImageStorage, "PT"
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
        one.Units, one.DecayCorrection, one.ActualFrameDuration = "BQML", "START", "600000"
        one.ManufacturerModelName = "Scanner"
        nuclide, tracer, agent = Dataset(), Dataset(), Dataset()
        nuclide.CodeMeaning, agent.CodeMeaning = "^18^Fluorine", "Fluorodeoxyglucose F^18^"
        tracer.RadionuclideCodeSequence, tracer.RadiopharmaceuticalCodeSequence = [nuclide], [agent]
        tracer.RadionuclideTotalDose, tracer.RadiopharmaceuticalStartTime = "250000000", "091140"
        one.RadiopharmaceuticalInformationSequence = [tracer]


def test_three_subjects_with_two_sessions_are_a_valid_dataset(tmp_path):
    target = open_target(
        BidsDataset(
            kind="bids", path="${project.workdir}/bids", name="Of all", authors=["A"], license="CC0", events=True
        ),
        tmp_path,
    )
    for patient in ("P1", "P2", "P3"):
        for accession in ("1", "2"):
            place = tmp_path / patient / accession
            made = [volumes(place / str(n), patient, accession, n, name) for n, name in enumerate(SERIES, 1)]
            target.deliver(StudyFolder(tuple(made)))
    root = tmp_path / "bids"
    session = "sub-P1_ses-20200101101112"
    names = sorted(p.name.removeprefix(f"{session}_").removesuffix(".nii.gz") for p in root.rglob(f"{session}*.nii.gz"))
    assert names == sorted([
        "T1w", "inv-1_MP2RAGE", "inv-2_MP2RAGE", "UNIT1", *(f"dir-{d}_run-{n}_epi" for d in ("AP", "PA") for n in (1, 2)),
        "task-rest_run-1_bold", *(f"task-rest_run-{n}_{s}" for n in (2, 3) for s in ("bold", "sbref")),
        "dwi", "asl", "trc-FDG_pet", "task-nback_bold",
    ])  # fmt: skip
    tables = sorted(p.name.removeprefix(f"{session}_") for p in root.rglob(f"{session}*.tsv"))
    assert tables == ["aslcontext.tsv", "scans.tsv", "task-nback_events.tsv"]
    assert next(root.rglob("*aslcontext.tsv")).read_text().split() == ["volume_type", *["control", "label"] * 2]
    told = json.loads(next(root.rglob("*_pet.json")).read_text())
    assert (told["TracerRadionuclide"], told["InjectedRadioactivity"], told["InjectionStart"]) == ("F18", 250, -3600)
    assert all((root / name).is_file() for name in ("CHANGES", "LICENSE", ".bidsignore", "README"))
    program = Path(sys.executable).with_name("bids-validator-deno")
    try:
        done = subprocess.run([program, root, "--json"], capture_output=True, check=False, timeout=300)
        issues = json.loads(done.stdout)["issues"]["issues"]
    except (OSError, ValueError) as error:
        pytest.skip(f"the BIDS validator does not run here: {type(error).__name__}")
    assert [issue for issue in issues if issue["severity"] == "error"] == []
