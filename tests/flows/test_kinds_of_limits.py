"""Limits of other kinds than so many answers to a query: what is cut is found, or the row is held and says so."""

from dataclasses import replace

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from whole_run import fault, find_only, lying, project

ANYBODY = {"guards": {"several_patients_per_row": "accept"}}
WIDE = {"id": "wide", "StudyDate": "20190101-20211231"}
NARROW = [
    {"id": "many", "PatientID": "MANY"},
    {"id": "year", "StudyDate": "20190101-20191231"},
    {"id": "kind", "StudyDate": "20190101-20211231", "ModalitiesInStudy": "CT"},
]
NUMBER = 60


def archive(number=NUMBER, **facts):
    """Studies of three years, half of them of one patient, two thirds of one modality."""
    made = phantom_archive(number, matrix=16, images=1).studies.values()
    return StudyArchive(
        replace(
            study,
            attributes={
                **study.attributes,
                "StudyDate": f"{2019 + n // 20}{n % 12 + 1:02d}10",
                "StudyTime": f"{n % 24:02d}{n % 60:02d}00",
                "ModalitiesInStudy": "CT" if n % 3 else "MR",
                "PatientID": "MANY" if n % 2 else f"P{n:02d}",
                "PatientBirthDate": "",
                **facts,
            },
        )
        for n, study in enumerate(made)
    )


def asked(tmp_path, rows, *faults, of=None):
    with lying(*faults, archive=of or archive()) as (pacs, node):
        return find_only(project(tmp_path, pacs, node, asked=rows, query=ANYBODY))


@pytest.mark.parametrize("per", ["patient", "year", "modality"])
@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        pytest.param([WIDE], 10, id="one row-10"),
        pytest.param([*NARROW, WIDE], 19, id="several-19"),
        pytest.param([WIDE], 19, id="one row-19", marks=pytest.mark.soak),
        pytest.param([*NARROW, WIDE], 10, id="several-10", marks=pytest.mark.soak),
    ],
)
def test_a_limit_for_each_group_is_never_found_with_fewer(tmp_path, per, limit, rows):
    told = asked(tmp_path, rows, fault("result-limit", answers=limit, per=per))
    numbers = {"wide": NUMBER, "many": 30, "year": 20, "kind": 40}
    for row, one in zip(rows, told, strict=True):
        assert len(one.studies) == numbers[row["id"]] or (one.status == "held" and "cut_answers" in one.reason), row


@pytest.mark.parametrize("limit", [10, 33, 59])
def test_a_node_that_answers_nothing_above_a_number_is_not_believed(tmp_path, limit):
    [one] = asked(tmp_path, [WIDE], fault("result-limit", answers=limit, status="nothing", levels=["STUDY"]))
    assert one.status == "failed"
    assert "answers nothing to the whole question, and something to a part of it" in one.reason


def test_a_wide_row_that_finds_nothing_is_asked_in_parts_a_few_times_only(tmp_path):
    nothing = [{"id": str(n), "StudyDate": "19500101-19501231", "PatientSex": "O"} for n in range(5)]
    with lying(archive=archive()) as (pacs, node):
        told = find_only(project(tmp_path, pacs, node, asked=nothing))
        assert pacs.counts["finds"] <= 5 + 3 * 28
    assert [one.status for one in told] == ["unmatched"] * 5


@pytest.mark.parametrize("limit", [2, 5, 9])
def test_few_studies_of_one_moment_are_compared_with_the_count_of_the_patient(tmp_path, limit):
    moment = {"StudyDate": "20200202", "StudyTime": "101112", "ModalitiesInStudy": "CT", "PatientID": "ONE"}
    row = {"id": "one", "PatientID": "ONE"}
    [cut] = asked(tmp_path / "cut", [row], fault("result-limit", answers=limit), of=archive(12, **moment))
    [whole] = asked(tmp_path / "whole", [row], of=archive(limit, **moment))
    assert (cut.status, "(cut_answers)" in cut.reason) == ("held", True)
    assert (whole.status, len(whole.studies)) == ("found", limit)


def test_a_node_that_lists_no_series_of_a_study_is_not_believed(tmp_path):
    faults = [fault("result-limit", answers=1, status="nothing", levels=["SERIES"]), fault("no-counts")]
    [study] = phantom_archive(1, matrix=16, images=1).studies.values()
    [one] = study.make_series()
    double = replace(one, attributes={**one.attributes, "SeriesInstanceUID": "1.2.3.4"})
    changed = StudyArchive([replace(study, make_series=lambda: (one, double))])
    [told] = asked(tmp_path, [{"id": "r", "StudyInstanceUID": study.uid}], *faults, of=changed)
    assert (told.status, "lists no series of a study" in told.reason) == ("failed", True)
