"""Names are given by what the originals say, and nothing of it is kept: the project to copy, on PACSMAN's sequences."""

import json
import re

import pytest
import yaml
from pydicom.uid import MRImageStorage

from documents import ROOT
from factory import make_instance, write_files
from pacsflow.convert.bids_facts import answers, condition_key
from pacsflow.ledger import naming, studies
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.simpacs.folder import folder_archive
from schemas.bids import Bids
from whole_run import lying, project, run_once

SEQUENCES = {
    "mprage-p3": "T1w", "rsfmri": "bold", "dti": "dwi", "dsi": "dwi", "hardi": "dwi", "t1map": "T1map",
    "t2map": "T2map", "spcir": "FLAIR", "spc3d": "FLAIR", "mt": "MTR", "nomt": "MTR",
}  # fmt: skip
"""Names of PACSMAN's sequences, and the suffix of each."""


def instances(sequences, **overrides):
    """A study with a series of each name; the diffusion-weighted ones have b-values as Siemens writes them."""
    for number, name in enumerate(sequences, 1):
        weighted = name in ("dti", "dsi", "hardi")
        for volume in range(2 if weighted else 1):
            for place in range(5):
                one = make_instance(
                    SOPClassUID=MRImageStorage, Modality="MR", Manufacturer="SIEMENS", SeriesNumber=number, KVP=None,
                    SeriesDescription=name, ProtocolName=name, InstanceNumber=1 + place + 5 * volume,
                    AcquisitionTime=f"10{number:02}{volume:02}", AcquisitionNumber=volume + 1, EchoTime="3",
                    RepetitionTime="8", ImageType=["ORIGINAL", "PRIMARY", "DIFFUSION" if weighted else "M", "NONE"],
                    RescaleIntercept=None, RescaleSlope=None, RescaleType=None, ImagePositionPatient=[0, 0, place],
                    SequenceName="*ep_b1000#1" if volume else "ep_b0", **overrides,
                )  # fmt: skip
                if weighted:
                    block = one.private_block(0x0019, "SIEMENS MR HEADER", create=True)
                    block.add_new(0x0C, "IS", "1000" if volume else "0")
                    if volume:
                        block.add_new(0x0E, "FD", [1.0, 0.0, 0.0])
                        block.add_new(0x27, "FD", [1000.0, 0, 0, 0, 0, 0])
                yield one


def shipped(name):
    return yaml.safe_load((ROOT / "projects" / "mr-nifti" / name).read_text())


def of_archive(tmp_path, made, rules, deid):
    """A run of a project with such a PACS; the folder and what was told."""
    write_files(list(made), tmp_path / "pacs")
    export = {
        "nifti": [{"modality": "MR", "bids": "bids.yaml"}],
        "targets": [{"kind": "bids", "path": "${project.workdir}/set", "name": "of sequences"}],
    }
    with lying(archive=folder_archive(tmp_path / "pacs")) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, export=export, deid=deid)
        (folder / "bids.yaml").write_text(json.dumps(rules))
        return folder, run_once(folder, pacs)


def images(folder):
    return sorted(path.name.removesuffix(".nii.gz").partition("_ses-")[2].partition("_")[2]
                  for path in (folder.parent / "data" / "set").rglob("*.nii.gz"))  # fmt: skip


def test_the_project_to_copy_delivers_all_sequences_of_pacsman(tmp_path):
    deid = {**shipped("deid.yaml"), "key": f"${{file:{tmp_path}/key}}"}
    folder, told = of_archive(tmp_path, instances(SEQUENCES), shipped("bids.yaml"), deid)
    assert told.rows == [("complete", "")]
    assert sorted(name.rpartition("_")[2] for name in images(folder)) == sorted(SEQUENCES.values())


SECRET = "Zebra^Zoe rfMRI_REST1_AP"
RULES = {
    "rules": [
        {"when": {"SeriesDescription": "*_SBRef"}, "datatype": "func", "suffix": "sbref", "entities": {"task": "rest"}},
        {"when": {"SeriesDescription": "*REST1*"}, "datatype": "func", "suffix": "bold", "entities": {"task": "rest"}},
        {"when": {"ProtocolName": "*zebra*"}, "datatype": "anat", "suffix": "T2w"},
    ]
}


@pytest.mark.parametrize("options", [[], ["clean-descriptors"]])
def test_names_come_of_texts_that_the_profile_takes_away_and_nothing_of_them_stays(tmp_path, options):
    deid = {
        "options": ["retain-longitudinal-full-dates", *options],
        "base": "ps3.15-basic",
        "key": f"${{file:{tmp_path}/key}}",
    }
    names = [SECRET, f"{SECRET}_SBRef", SECRET]
    folder, told = of_archive(tmp_path, instances(names, PatientName="Zebra^Zoe"), RULES, deid)
    assert images(folder) == ["task-rest_run-1_bold", "task-rest_run-2_bold", "task-rest_run-2_sbref"]
    assert told.rows == [("complete", "")]
    out = folder.parent / "data"
    for path in [*(out / "set").rglob("*"), *(out / "staging").rglob("*")]:
        assert not re.search(
            "zebra|rest1", path.name + (path.read_text("latin-1") if path.is_file() else ""), re.IGNORECASE
        )
    with open_session(str(folder), action="run") as run:
        (plan,) = studies.planned(run.ledger)
        said = naming.answered(run.ledger, plan.key)
    assert len(said) == len(names)
    assert {value for one in said.values() for value in one.answers.values()} <= {"0", "1", "-"}
    assert not re.search("zebra|rest1", json.dumps([dict(one.answers) for one in said.values()]), re.IGNORECASE)


def test_what_no_rule_fits_is_told_of_the_row_and_the_run_is_not_done(tmp_path):
    deid = {"options": ["retain-longitudinal-full-dates"], "base": "ps3.15-basic", "key": f"${{file:{tmp_path}/key}}"}
    folder, told = of_archive(tmp_path, instances(["rfMRI_REST1_AP", "unknown", "other"]), RULES, deid)
    assert images(folder) == ["task-rest_bold"]
    [(status, reason)] = told.rows
    assert (status, reason.partition(",")[0]) == ("partial", "2 of 3 series left out of the BIDS dataset")
    with open_session(str(folder), action="run") as run:
        assert [one.status for one in row_outcomes(run.ledger, run.project)] == ["partial"]


def test_the_original_is_never_asked_for_what_is_a_persons():
    rules = Bids.model_validate({"rules": [{"when": {"PatientName": "*"}, "datatype": "anat", "suffix": "T1w"},
        {"when": {"StudyDate": "*", "SeriesInstanceUID": "*", "AccessionNumber": "*", "Modality": "CT"},
         "leave_out": True}]})  # fmt: skip
    assert answers(rules, make_instance()) == {condition_key("Modality", "CT"): "1"}


def test_a_rule_that_is_newer_than_the_images_says_that_it_saw_the_cleaned_header(tmp_path):
    deid = {"options": ["retain-longitudinal-full-dates"], "base": "ps3.15-basic", "key": f"${{file:{tmp_path}/key}}"}
    made = list(instances(["rest"], BodyPartExamined="HEAD", AcquisitionContrast="PERFUSION", ScanOptions="FS"))
    write_files(made, tmp_path / "pacs")
    export = {
        "nifti": [{"modality": "MR", "bids": "bids.yaml"}],
        "targets": [{"kind": "bids", "path": "${project.workdir}/set", "name": "of sequences"}],
    }
    newer = {"when": {"PerformedProcedureStepDescription": "*"}, "datatype": "anat", "suffix": "T2w"}
    with lying(archive=folder_archive(tmp_path / "pacs")) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, export=export, deid=deid)
        (folder / "bids.yaml").write_text(
            json.dumps({"rules": [{"when": {"SeriesDescription": "rest"}, "leave_out": True}]})
        )
        assert run_once(folder, pacs).rows == [("complete", "")]
        assert images(folder) == []
        new = {"rules": [newer, {"when": {"SeriesDescription": "re*"}, "datatype": "anat", "suffix": "T1w"}]}
        (folder / "bids.yaml").write_text(json.dumps(new))
        [(status, reason)] = run_once(folder, pacs).rows
    assert images(folder) == ["T1w"], "what the node told of the series in finding answers as the original would"
    assert status == "partial"
    assert "1 of 1 series named by the cleaned header" in reason
