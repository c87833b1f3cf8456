"""Faults of answers and counts, as another client than ours sees them."""

import pytest
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from pacsflow.simpacs import Faults, SimPacs, phantom_archive


def asked(faults, level, **keys):
    """Identifiers and statuses of the responses."""
    told = Faults.model_validate({"faults": faults})
    query = Dataset()
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    with SimPacs(phantom_archive(6, matrix=16, images=2), told) as pacs:
        entity = AE()
        entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
        association = entity.associate("127.0.0.1", pacs.port)
        responses = [
            (status.Status, answer)
            for status, answer in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind)
        ]
        association.release()
    return responses


@pytest.mark.parametrize(
    ("level", "number"), [("STUDY", 6), ("SERIES", 4)], ids=["not at this level", "cut at this level"]
)
def test_a_limit_holds_at_its_levels(level, number):
    fault = {"kind": "result-limit", "answers": 4, "levels": ["SERIES"]}
    responses = asked([fault], level, StudyInstanceUID="", SeriesInstanceUID="")
    assert [status for status, _ in responses] == [0xFF00] * number + [0]


def test_a_hollow_response_comes_before_success():
    fault = {"kind": "result-limit", "answers": 4, "status": "hollow"}
    responses = asked([fault], "STUDY", StudyInstanceUID="")
    assert [status for status, _ in responses] == [0xFF00] * 4 + [0xFF01, 0]


def test_answers_are_one_where_counts_are_asked_for():
    fault = {"kind": "folded-answers"}
    counts = {"NumberOfStudyRelatedSeries": None}
    assert [len(asked([fault], "STUDY", StudyInstanceUID="", **more)) - 1 for more in ({}, counts)] == [6, 1]


def test_counts_are_too_high():
    keys = {"StudyInstanceUID": "", "SeriesInstanceUID": "", "NumberOfSeriesRelatedInstances": None}
    responses = asked([{"kind": "higher-counts", "more": 3}], "SERIES", **keys)
    assert {int(answer.NumberOfSeriesRelatedInstances) for _, answer in responses if answer} == {5}


def test_images_are_listed_without_their_series():
    keys = {"StudyInstanceUID": "", "SeriesInstanceUID": "1.2.3", "SOPInstanceUID": ""}
    answers = [answer for _, answer in asked([{"kind": "series-blind"}], "IMAGE", **keys) if answer]
    assert len(answers) == 6 * 2
    assert not any("SeriesInstanceUID" in answer for answer in answers)
