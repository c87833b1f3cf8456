"""Nodes that go on for ever: each study, or row, ends with a reason and what to do, and the run goes on to the others."""

import pytest

from pacsflow.dicom import budget
from pacsflow.run.fetching import reception
from whole_run import METHODS, fault, find_only, lying, project, run_once

ENDLESS = [
    fault("endless-pending", times=1),
    fault("endless-pending", image=1, seconds=0.3, times=1),
    fault("same-image", times=1),
    fault("same-image", seconds=0.3, times=1),
    fault("drip", seconds=0.2, times=1),
    fault("drip", image=1, seconds=0.3, times=1),
]


def impatient(tmp_path, pacs, node, **fields):
    folder = project(tmp_path, pacs, node, **fields)
    path = folder / "pacs.yaml"
    text = path.read_text()
    path.write_text(
        text.replace('"timeouts": {', '"timeouts": {"progress": 3, ').replace('"response": 30', '"response": 3')
    )
    return folder


@METHODS
@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(
            one, id=f"{one['kind']}-{one.get('seconds', 0)}", marks=() if number in (0, 3, 4) else pytest.mark.soak
        )
        for number, one in enumerate(ENDLESS)
    ],
)
def test_a_retrieval_without_end_ends_and_the_next_attempt_and_the_other_studies_come(tmp_path, method, endless):
    with lying(endless, method=method) as (pacs, node):
        told = run_once(impatient(tmp_path, pacs, node), pacs)
    assert told.errors, "each study's first retrieval is endless"
    assert [str(error) for error in told.errors if "we ended it" not in str(error) or not error.fix] == []
    assert {status for status, _ in told.studies} == {"complete"}


@METHODS
def test_a_study_that_never_ends_is_failed_and_no_lane_is_lost(tmp_path, method):
    with lying(fault("endless-pending"), method=method) as (pacs, node):
        told = run_once(impatient(tmp_path, pacs, node, attempts=2), pacs)
    assert {status for status, _ in told.studies} == {"failed"}
    assert all("without sending anything new" in reason for _, reason in told.studies)


@METHODS
def test_strangers_without_end_are_ended(tmp_path, method, monkeypatch):
    monkeypatch.setattr(reception, "MOST_STRANGERS", 20)
    with lying(fault("same-image", renamed=True), method=method) as (pacs, node):
        told = run_once(impatient(tmp_path, pacs, node, attempts=1, number=1), pacs)
    assert "not asked for, without end" in str(told.errors[0])
    assert pacs.counts["images sent"] < 2000


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("seconds", [0, 0.2])
def test_answers_without_end_fail_the_row(tmp_path, monkeypatch, new, seconds):
    monkeypatch.setattr(budget, "MOST_ANSWERS", 50)
    with lying(fault("endless-answers", new=new, seconds=seconds)) as (pacs, node):
        told = find_only(impatient(tmp_path, pacs, node, number=1))
    assert {one.status for one in told} <= {"failed", "held", "error"}
    assert all(one.reason for one in told)


@METHODS
def test_a_slow_link_passes_although_one_image_takes_longer_than_the_time_for_progress(tmp_path, method):
    slow = fault("drip", seconds=0.006, times=1)
    with lying(slow, method=method) as (pacs, node):
        folder = impatient(tmp_path, pacs, node, number=1, attempts=1)
        path = folder / "pacs.yaml"
        path.write_text(path.read_text().replace('"timeouts": {', '"timeouts": {"slowest": 20, '))
        told = run_once(folder, pacs)
    assert [str(error) for error in told.errors] == []
    assert {status for status, _ in told.studies} == {"complete"}
