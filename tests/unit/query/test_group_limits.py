"""Limits for each patient, year or modality: what a node cuts of one group is found, or doubted, in the first rows."""

import pytest
from pydicom import Dataset

from pacsflow.query.ceiling import Ceiling
from pacsflow.query.gather import Gathering
from pacsflow.query.matching import matches
from pacsflow.query.pieces import of_studies

RETURN = dict.fromkeys(("StudyInstanceUID", "StudyDate", "StudyTime", "ModalitiesInStudy", "PatientID"), "")


def study(number, date, modality, patient):
    dataset = Dataset()
    dataset.StudyInstanceUID = f"1.2.{number}"
    dataset.StudyDate, dataset.StudyTime = date, f"{number % 24:02d}{number % 60:02d}00"
    dataset.ModalitiesInStudy, dataset.PatientID = modality, patient
    return dataset


GROUPS = {
    "PatientID": lambda one: one.PatientID,
    "StudyDate": lambda one: one.StudyDate[:4],
    "ModalitiesInStudy": lambda one: one.ModalitiesInStudy,
}


class Grouping:
    """A node that gives `limit` studies of each group, in success."""

    def __init__(self, studies, by, limit):
        self.studies, self.of, self.limit, self.asked = studies, GROUPS[by], limit, 0

    def __call__(self, keys):
        self.asked += 1
        given, found = {}, []
        for one in self.studies:
            if matches(keys, one):
                given[self.of(one)] = given.get(self.of(one), 0) + 1
                if given[self.of(one)] <= self.limit:
                    found.append(one)
        return found


def archive():
    """60 studies of three years: 30 of one patient, 40 of one modality."""
    return [
        study(n, f"{2019 + n // 20}{n % 12 + 1:02d}10", "CT" if n % 3 else "MR", "MANY" if n % 2 else f"P{n}")
        for n in range(60)
    ]


WIDE = {"StudyDate": "20190101-20211231"}
NARROW = [
    *({"PatientID": "MANY", **dates} for dates in ({}, WIDE)),
    *({"StudyDate": f"{year}0101-{year}1231"} for year in (2019, 2020, 2021)),
    *({"ModalitiesInStudy": modality, **WIDE} for modality in ("CT", "MR")),
]


@pytest.mark.parametrize("by", GROUPS)
@pytest.mark.parametrize("limit", [10, 11, 13, 19, 20, 29, 33, 59])
@pytest.mark.parametrize(
    "rows", [[WIDE], NARROW, [*NARROW, WIDE], [WIDE, *NARROW]], ids=["one", "narrow", "both", "wide"]
)
def test_a_limit_for_each_group_loses_nothing_in_silence(by, limit, rows):
    node, ceiling = Grouping(archive(), by, limit), Ceiling("auto")
    for _ in range(2):  # rows that were answered before a limit was learnt are asked again
        lost = []
        for row in rows:
            gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY", narrow=1))
            answers = {one.StudyInstanceUID for one in gathering.everything(RETURN | row)}
            wanted = {one.StudyInstanceUID for one in node.studies if matches(row, one)}
            if answers != wanted and not gathering.doubts:
                lost.append((gathering.most, len(answers), len(wanted)))
    assert not lost


@pytest.mark.parametrize("by", GROUPS)
def test_an_honest_node_is_asked_little_more(by):
    node, ceiling = Grouping(archive(), by, 1000), Ceiling("auto")
    asked = []
    for row in (WIDE, WIDE, *NARROW):
        before = node.asked
        Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY", narrow=1)).everything(
            RETURN | row
        )
        asked.append(node.asked - before)
    assert asked[0] <= 1 + 2 + 2 * 3
    assert asked[1] == 1, "the same question is not tested again"
    assert max(asked[2:]) <= 3, "another of as many answers is"
