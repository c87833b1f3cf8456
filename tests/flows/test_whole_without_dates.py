"""Archives whose answers no date, time or modality tells apart, as de-identified ones: what is whole is not held."""

from dataclasses import replace

import pytest

from pacsflow.simpacs import phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from whole_run import fault, find_only, lying, project

PERSON = {"id": "person", "PatientID": "SUBJECT-07"}
MOMENT = {"StudyDate": "20200202", "StudyTime": "101112", "ModalitiesInStudy": "CT"}
BLANK = {"StudyDate": "", "StudyTime": ""}
ANYBODY = {"several_patients_per_row": "accept"}


def of_one_person(number, facts, others=0):
    """So many studies of one person, which share `facts`, and `others` of other persons."""
    made = phantom_archive(number + others, matrix=16, images=1).studies.values()
    return StudyArchive(
        replace(
            study,
            attributes={
                **study.attributes,
                **facts,
                "PatientBirthDate": "",
                "PatientID": "SUBJECT-07" if place < number else f"SUBJECT-{place:02d}",
            },
        )
        for place, study in enumerate(made)
    )


def found(tmp_path, archive, *faults, asked=PERSON):
    with lying(*faults, archive=archive) as (pacs, node):
        folder = project(tmp_path, pacs, node, asked=[asked], query={"guards": ANYBODY})
        [one] = find_only(folder)
        return one.status, one.reason, len(one.studies), pacs.counts["finds"] - len(one.studies)


@pytest.mark.parametrize("number", [9, 10, 33])
@pytest.mark.parametrize("facts", [MOMENT, BLANK], ids=["one moment", "no date"])
@pytest.mark.parametrize("faults", [(), (fault("no-service", services=["patient-root"]),)], ids=["counts", "no counts"])
def test_all_studies_of_a_person_at_an_honest_node_are_found(tmp_path, number, facts, faults):
    status, reason, studies, questions = found(tmp_path, of_one_person(number, facts, others=3), *faults)
    assert (status, reason, studies) == ("found", "", number)
    assert questions <= 12


@pytest.mark.parametrize("facts", [MOMENT, BLANK], ids=["one moment", "no date"])
def test_a_person_who_is_the_whole_archive_is_proven_by_its_count(tmp_path, facts):
    assert found(tmp_path, of_one_person(12, facts))[:3] == ("found", "", 12)


@pytest.mark.parametrize("facts", [MOMENT, BLANK], ids=["one moment", "no date"])
@pytest.mark.parametrize("limit", [10, 13, 19])
@pytest.mark.parametrize("faults", [(), (fault("no-service", services=["patient-root"]),)], ids=["counts", "no counts"])
def test_what_a_node_cuts_is_held_still(tmp_path, facts, limit, faults):
    archive = of_one_person(20, facts, others=20)
    status, reason, _, _ = found(tmp_path, archive, fault("result-limit", answers=limit), *faults)
    assert status == "held"
    assert "cut_answers" in reason


def test_a_day_whose_studies_have_no_time_is_found_where_more_days_give_more(tmp_path):
    made = list(phantom_archive(30, matrix=16, images=1).studies.values())
    day = {"StudyDate": "20200202", "StudyTime": ""}
    archive = StudyArchive([*(replace(s, attributes={**s.attributes, **day}) for s in made[:20]), *made[20:]])
    told = found(tmp_path, archive, asked={"id": "day", "StudyDate": "20200202"})
    assert told[:3] == ("found", "", 20)


def test_a_node_whose_pieces_lack_what_the_whole_had_is_tested_at_each_wide_row(tmp_path):
    """It leaves out one answer where it has more than five: a number of answers proves nothing then."""
    archive = phantom_archive(24, matrix=16, images=1)
    years = [{"id": "all", "StudyDate": "20000101-20301231"}, {"id": "part", "StudyDate": "20000101-20201231"}]
    with lying(archive=archive) as (pacs, node):
        whole = pacs.injector.answer

        def without_one(query, answers):
            given, status = whole(query, answers)
            return (given[:-1] if query.level == "STUDY" and len(given) > 5 else given), status

        pacs.injector.answer = without_one
        told = find_only(project(tmp_path, pacs, node, asked=years, query={"guards": ANYBODY}))
    dates = [study.attributes["StudyDate"] for study in archive.studies.values()]
    for one, wanted in zip(told, (len(dates), sum(date < "2021" for date in dates)), strict=True):
        assert len(one.studies) == wanted or (one.status == "held" and "cut_answers" in one.reason)
