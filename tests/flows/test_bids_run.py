"""A whole run into a BIDS dataset: rules are read with the project, and new rules name everything anew."""

import json

from clock import TestClock
from pacsflow.ledger import outcomes, studies
from pacsflow.refs import StudyRef
from pacsflow.simpacs import phantom_archive
from tasks.asking import to_retrieve
from tasks.deliver import deliver_study, left_to_do
from tasks.fetch import fetch_study
from tasks.session import open_session
from whole_run import find_rows, lying, project

T1 = {"when": {"SeriesDescription": "*mprage*"}, "datatype": "anat", "suffix": "T1w"}
OTHER = {"when": {"Modality": "CT"}, "leave_out": True}


def run(folder):
    """One run; the warnings of conversions, and the studies left to deliver at its end."""
    with open_session(str(folder), action="run", clock=TestClock()) as session:
        find_rows(session)
        for key in [plan.key for plan in to_retrieve(session, "")]:
            fetch_study.fn(StudyRef(str(folder), key))
        for key in [plan.key for plan in left_to_do(session.ledger, session.project)]:
            deliver_study.fn(StudyRef(str(folder), key))
        keys = [plan.key for plan in studies.planned(session.ledger)]
        warnings = [text for key in keys for one in outcomes.outputs(session.ledger, key) for text in one.warnings]
        return warnings, left_to_do(session.ledger, session.project)


def write_rules(folder, *rules):
    (folder / "bids.yaml").write_text(json.dumps({"rules": rules}))


def images(folder):
    return sorted(path.name.partition("_ses-")[2] for path in (folder.parent / "data" / "set").rglob("*.nii.gz"))


def test_names_are_given_in_a_run_and_anew_when_rules_change(tmp_path):
    export = {
        "nifti": [{"modality": "*", "bids": "bids.yaml"}],
        "targets": [{"kind": "bids", "path": "${project.workdir}/set", "name": "of phantoms"}],
    }
    keep = {"options": ["retain-longitudinal-full-dates", "clean-descriptors"]}
    with lying(archive=phantom_archive(4, matrix=16, images=6)) as (pacs, node):
        folder = project(
            tmp_path, pacs, node, number=4, export=export, deid={"key": f"${{file:{tmp_path}/key}}", **keep}
        )
        write_rules(folder, OTHER)
        warnings, left = run(folder)
        assert len(warnings) == 2, "two studies of four are MR"
        assert all("BIDS: left out, no rule fits" in text for text in warnings)
        assert (images(folder), left) == ([], [])
        write_rules(folder, T1, OTHER)
        assert run(folder) == ([], [])
        assert len(images(folder)) == 2
        assert all(name.endswith("_T1w.nii.gz") for name in images(folder))
        write_rules(folder, {**T1, "entities": {"acq": "new"}}, OTHER)
        run(folder)
        assert [name.endswith("_acq-new_T1w.nii.gz") for name in images(folder)] == [True, True], "the old are gone"
        assert pacs.counts["gets"] == 4, "nothing is fetched again"
