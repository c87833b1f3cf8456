"""Nodes that cut, lose or change their answers to queries: everything is found, or a guard speaks."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from pacsflow.refs import RowRef
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from sometimes import sometimes
from tasks.steps import find_row
from whole_run import IMAGES, by_uid, fault, find_only, find_rows, lying, project, run_once


@pytest.mark.parametrize("how", ["hold", "warn", "accept"])
def test_fewer_series_than_the_node_counts_go_to_the_guard(tmp_path, how):
    archive = phantom_archive(2, matrix=16, images=IMAGES)
    claims = [
        replace(s, attributes={**s.attributes, "NumberOfStudyRelatedSeries": "2"}) for s in archive.studies.values()
    ]
    with lying(archive=StudyArchive(claims)) as (pacs, node):
        guards = {"guards": {"fewer_series_than_counted": how}}
        told = found(project(tmp_path, pacs, node, number=1, query=guards))
        assert pacs.counts["finds SERIES"] == 2
    why = "the node counts 2 series in a study, but lists 1 (fewer_series_than_counted)"
    assert told == [
        {"hold": ("held", why, (), 0), "warn": ("found", "", (why,), 1), "accept": ("found", "", (), 1)}[how]
    ]


EVERYTHING = {"id": "all", "StudyDate": "20000101-20301231"}
ANYBODY = {"several_patients_per_row": "accept"}


def found(folder):
    """Rows by status and reason, after finding."""
    return [(one.status, one.reason, tuple(one.row.warnings), len(one.studies)) for one in find_only(folder)]


@pytest.mark.parametrize("limit", [{}, {"status": "warning"}, {"status": "out-of-resources"}])
def test_all_studies_are_found_at_a_node_that_cuts_its_answers(tmp_path, limit):
    nobody = {"id": "nobody", "StudyDate": "20000101-20301231", "PatientSex": "O"}
    faults = [fault("result-limit", answers=100, **limit), fault("ignored-keys", keys=["PatientSex"])]
    with lying(*faults, archive=phantom_archive(120, matrix=16, images=1)) as (pacs, node):
        told = found(project(tmp_path, pacs, node, asked=[EVERYTHING, nobody], query={"guards": ANYBODY}))
        assert 2 * 3 <= pacs.counts["finds STUDY"] <= 2 * 40
    assert told == [
        ("found", "", (), 120),
        ("unmatched", "no study fits (120 with another PatientSex)", (), 0),
    ]


def test_a_limit_that_pacs_yaml_names_is_met(tmp_path):
    with lying(fault("result-limit", answers=7), archive=phantom_archive(30, matrix=16, images=1)) as (pacs, node):
        node |= {"limits": {"results_per_query": 7}}
        told = run_once(project(tmp_path, pacs, node, asked=[EVERYTHING], query={"guards": ANYBODY}), pacs)
    assert told.rows == [("complete", "")]
    assert told.studies == [("complete", "")] * 30


@pytest.mark.parametrize("status", ["success", "warning", "out-of-resources"])
def test_an_answer_that_came_and_does_not_come_in_pieces_goes_to_the_guard(tmp_path, status):
    made = list(phantom_archive(12, matrix=16, images=1).studies.values())
    times = ["", *(f"{8 + hour:02d}0000" for hour in range(11))]
    untold = [
        replace(study, attributes={**study.attributes, "StudyDate": "20200202", "StudyTime": time})
        for study, time in zip(made, times, strict=True)
    ]
    with lying(fault("result-limit", answers=5, status=status), archive=StudyArchive(untold)) as (pacs, node):
        node |= {"limits": {"results_per_query": 5}}
        asked = [{"id": "a day", "StudyDate": "20200202"}]
        told = {
            how: found(
                project(tmp_path / how, pacs, node, asked=asked, query={"guards": {"cut_answers": how} | ANYBODY})
            )
            for how in ("hold", "accept")
        }
    lost = "the node may have cut its answers, and 1 of them did not come when asked in pieces (cut_answers)"
    blind = ("the node cuts its answers; asked in pieces, a study without a time is not found",)
    assert told == {"hold": [("held", lost, blind, 0)], "accept": [("found", "", blind, 12)]}


def at_one_moment(number):
    """Studies that no smaller question tells apart."""
    moment = {"StudyDate": "20200202", "StudyTime": "101112", "ModalitiesInStudy": "CT", "PatientID": "ONE"}
    moment["PatientBirthDate"] = "19500101"
    made = phantom_archive(number, matrix=16, images=1).studies.values()
    return StudyArchive([replace(study, attributes={**study.attributes, **moment}) for study in made])


def test_answers_that_may_have_been_cut_go_to_the_guard(tmp_path):
    with lying(fault("result-limit", answers=7), archive=at_one_moment(9)) as (pacs, node):
        node |= {"limits": {"results_per_query": 7}}
        told = {
            how: found(
                project(
                    tmp_path / how, pacs, node, asked=[EVERYTHING], query={"guards": {"cut_answers": how} | ANYBODY}
                )
            )
            for how in ("hold", "warn", "accept")
        }
    cut = "the node gave exactly 7 answers, where it may have cut, and there is no smaller question: narrow the row"
    blind = tuple(
        f"the node cuts its answers; asked in pieces, {what} is not found"
        for what in ("a study without a time", "an unusual modality")
    )
    assert told["hold"] == [("held", f"{cut} (cut_answers)", blind, 0)]
    assert told["warn"] == [("found", "", (f"{cut} (cut_answers)", *blind), 7)]
    assert told["accept"] == [("found", "", blind, 7)]


@pytest.mark.parametrize(("status", "transient"), [("warning", False), ("out-of-resources", True)])
def test_a_row_that_the_node_says_it_cut_and_that_cannot_be_split_fails(tmp_path, status, transient):
    with lying(fault("result-limit", answers=3, status=status), archive=at_one_moment(4)) as (pacs, node):
        told = run_once(project(tmp_path, pacs, node, asked=[EVERYTHING]), pacs)
    assert [row[0] for row in told.rows] == ["failed"]
    assert [error.transient for error in told.errors] == ([True] * 3 if transient else [False])


def test_a_study_that_was_not_among_the_answers_is_found_by_the_next_run(tmp_path, honest):
    with lying(fault("changing-answers", every=2)) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        pacs.injector.nth(pacs.injector.faults[0], "nothing is asked yet")
        with ExitStack() as stack:
            run = stack.enter_context(open_session(str(folder), action="run"))
            find_rows(run)
            assert [one.status for one in row_outcomes(run.ledger, run.project)] == ["found", "found"]
            find_row.fn(RowRef(str(folder), 1))
            assert [one.status for one in row_outcomes(run.ledger, run.project)] == ["unmatched", "found"]
        told = run_once(folder, pacs)
    assert told.rows == [("complete", "")] * 2
    assert told.out == honest


REFUSING = {"status": "out-of-resources"}
WIDE = {"id": "all", "StudyDate": "20000101-20301231"}


@pytest.mark.parametrize(
    ("how", "limit"),
    sometimes(
        [(how, limit) for how in ({}, REFUSING) for limit in (1, 3, 9, 10, 33, 50, 58, 59)],
        [({}, 1), ({}, 9), ({}, 33), ({}, 59), (REFUSING, 3), (REFUSING, 10), (REFUSING, 50), (REFUSING, 58)],
    ),
)
def test_any_limit_is_noticed_by_the_run_itself(tmp_path, limit, how):
    with lying(fault("result-limit", answers=limit, **how), archive=phantom_archive(60, matrix=16, images=1)) as made:
        pacs, node = made
        asked = [WIDE, {"id": "again", "StudyDate": "20000101-"}, *by_uid(pacs.archive, 1)]
        told = found(project(tmp_path, pacs, node, asked=asked, query={"guards": ANYBODY}))
    if limit > 1:
        assert [(status, studies) for status, _, _, studies in told] == [("found", 60), ("found", 60), ("found", 1)]
    else:  # where a node gives one answer, none is ever proven
        assert [status in ("held", "failed") for status, *_ in told] == [True, True, False]


def test_rows_answered_before_a_limit_was_known_are_asked_again(tmp_path):
    """One patient has two studies, of which the node gives one: which is not seen before a wide row is cut."""
    made = list(phantom_archive(40, matrix=16, images=1).studies.values())
    pair = [replace(one, attributes={**one.attributes, "PatientID": "PAIR"}) for one in made[:2]]
    with lying(fault("result-limit", answers=1), archive=StudyArchive([*pair, *made[2:]])) as (pacs, node):
        asked = [{"id": "pair", "PatientID": "PAIR"}, WIDE]
        told = found(project(tmp_path, pacs, node, asked=asked, query={"guards": ANYBODY}))
    assert [(status, "cut_answers" in reason) for status, reason, _, _ in told] == [("held", True)] * 2


def test_a_node_that_ignores_dates_cannot_prove_that_its_answers_are_whole(tmp_path):
    faults = [fault("result-limit", answers=33), fault("ignored-keys", keys=["StudyDate"])]
    with lying(*faults, archive=phantom_archive(60, matrix=16, images=1)) as (pacs, node):
        [(status, reason, _, _)] = found(project(tmp_path, pacs, node, asked=[WIDE], query={"guards": ANYBODY}))
    assert status == "held"
    assert "it does not keep to StudyDate" in reason


def test_a_wide_answer_is_tested_once_and_a_narrow_one_costs_nothing_more(tmp_path):
    with lying(archive=phantom_archive(60, matrix=16, images=1)) as (pacs, node):
        number = next(iter(pacs.archive.studies.values())).attributes["AccessionNumber"]
        asked = [{"id": "one", "AccessionNumber": number}, WIDE, {**WIDE, "id": "again"}]
        found(project(tmp_path, pacs, node, asked=asked, query={"guards": ANYBODY}))
        assert pacs.counts["finds STUDY"] == 1 + 9 + 1
