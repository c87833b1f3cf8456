"""A whole run into a BIDS dataset: rules are read with the project, and new rules rename everything."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from clock import TestClock
from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.ledger import outcomes, studies
from pacsflow.refs import StudyRef
from pacsflow.run.fetching.missing import to_retrieve
from pacsflow.run.opening import open_session
from pacsflow.run.remaining import left_to_do
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.folder import folder_archive
from tasks.steps import deliver_study, fetch_study
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
            with suppress(TargetError):  # then it is left to deliver
                deliver_study.fn(StudyRef(str(folder), key))
        keys = [plan.key for plan in studies.planned(session.ledger)]
        warnings = [text for key in keys for one in outcomes.outputs(session.ledger, key) for text in one.warnings]
        return warnings, left_to_do(session.ledger, session.project)


def write_rules(folder, *rules):
    (folder / "bids.yaml").write_text(json.dumps({"rules": rules}))


def images(folder):
    return sorted(path.name.partition("_ses-")[2] for path in (folder.parent / "data" / "set").rglob("*.nii.gz"))


def test_names_are_given_in_a_run_and_again_when_rules_change(tmp_path):
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


def labels(folder):
    """Names of the sessions of a dataset, by participant."""
    found = {}
    for path in sorted((folder.parent / "data" / "set").glob("sub-*/ses-*")):
        found.setdefault(path.parent.name, []).append(path.name)
    return sorted(found.values())


def sessions(tmp_path, pacs, node, *, cells=None, **settings):
    """Names of the sessions that a run writes, by participant; `cells`: of a column `visit`, by row."""
    export = {
        "nifti": [{"modality": "*", "bids": "bids.yaml"}],
        "targets": [{"kind": "bids", "path": "${project.workdir}/set", "name": "of phantoms", **settings}],
    }
    lines = [f"r{n},{uid},{cells[n] if cells else ''}\n" for n, uid in enumerate(pacs.archive.studies)]
    table = {"file": "cohort.csv", "columns": {"visit": "ignore"}}
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "cohort.csv").write_text("".join(["ID,StudyInstanceUID,visit\n", *lines]))
    folder = project(tmp_path, pacs, node, number=0, query={"table": table}, export=export)
    write_rules(folder, {"when": {"Modality": "*"}, "datatype": "anat", "suffix": "T1w"})
    run(folder)
    return labels(folder)


@pytest.fixture
def twice():
    """Two studies of one patient, the later one first, in a PACS."""
    first, second = list(phantom_archive(2, matrix=16, images=6).studies.values())
    person = {key: first.attributes[key] for key in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")}
    moved = [
        replace(one, attributes={**one.attributes, **person, "StudyDate": day})
        for one, day in ((first, "20200310"), (second, "20200301"))
    ]
    with lying(archive=StudyArchive(moved)) as given:
        yield given


@pytest.mark.parametrize(
    ("settings", "cells", "wanted"),
    [
        ({"sessions": "order"}, None, ["ses-01", "ses-02"]),
        (
            {"sessions": "column", "session_column": "visit"},
            ["follow-up", "base line"],
            ["ses-baseline", "ses-followup"],
        ),
        ({"sessions": "days", "session_column": "visit"}, ["2020-03-05", "2020-03-05"], ["ses-m0004", "ses-p0005"]),
        ({"sessions": "column", "session_column": "visit"}, ["", "base"], ["ses-base"]),
    ],
)
def test_sessions_are_called_as_asked(tmp_path, twice, settings, cells, wanted):
    names = sessions(tmp_path, *twice, cells=cells, **settings)
    assert sorted(name for each in names for name in each) == wanted


@pytest.mark.parametrize("days", [["20200310", "20200320", "20200301"], ["20200320", "20200301", "20200310"]])
def test_studies_that_come_later_are_counted_in_and_no_label_is_held_by_one_that_has_another_now(tmp_path, days):
    """Sessions are 01, 02, 03 in the order of their dates, in whatever order the studies come to the project."""
    uids = [f"1.2.3.{n}" for n in range(3)]
    for uid, day in zip(uids, days, strict=True):
        write_files(make_study(series=1, images=5, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", StudyDate=day),
                    tmp_path / "tree" / uid)  # fmt: skip
    export = {
        "nifti": [{"modality": "*", "bids": "bids.yaml"}],
        "targets": [{"kind": "bids", "path": "${project.workdir}/set", "name": "of phantoms", "sessions": "order"}],
    }
    with lying(archive=folder_archive(tmp_path / "tree")) as (pacs, node):
        for number in (1, 2, 3):
            asked = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(uids[:number])]
            folder = project(tmp_path, pacs, node, asked=asked, export=export)
            write_rules(folder, {"when": {"Modality": "*"}, "datatype": "anat", "suffix": "T1w"})
            assert run(folder) == ([], [])
            assert labels(folder) == [[f"ses-0{n}" for n in range(1, number + 1)]]
