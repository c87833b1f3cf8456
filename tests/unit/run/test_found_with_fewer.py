"""For any limit, of any kind, at DICOM and web nodes: no row is `found` with fewer studies than the node has."""

from contextlib import ExitStack
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pacsflow.dicom.lanes import open_lane
from pacsflow.errors import PacsError, PacsPermanentError
from pacsflow.query.ceiling import Ceiling
from pacsflow.query.row import Row
from pacsflow.run.search import Search
from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from pacsflow.simpacs.archive import StudyArchive
from pacsflow.simpacs.faults import FaultInjector
from pacsflow.simpacs.find import FindRequest, answer_dataset, answers
from peers.mint import Mint
from schemas import Query
from schemas.pacs import PacsNode

ANYBODY = Query.model_validate({"rows": [{"id": "x"}], "guards": {"several_patients_per_row": "accept"}})
YEARS = {"StudyDate": "20190101-20211231"}
MADE = tuple(phantom_archive(60, matrix=16, images=1).studies.values())
SOME_WEB = [1, 2, 10, 25, 59]
ROUNDS = 30
"""Of rows that are asked again, at most: each is for something that was learnt of the node."""


class Memory:
    """A lane to an archive with faults, without a network."""

    def __init__(self, archive, *faults, patients=True):
        self.archive, self.asked, self.patients = archive, 0, patients
        self.faults = FaultInjector(Faults.model_validate({"faults": list(faults)}))

    def find(self, level, keys, *, limit=None):
        self.asked += 1
        if level == "PATIENT" and not self.patients:
            raise PacsPermanentError("patients cannot be asked for here")
        query = self.faults.ask(FindRequest(level, dict(keys), finding=True))
        found = [answer_dataset(query, one) for one in answers(self.archive, query)]
        given, status = self.faults.answer(query, found)
        if status:
            raise PacsPermanentError("cut", answers=len(given))
        return given


def fitting(archive, keys):
    return {one["StudyInstanceUID"] for one in answers(archive, FindRequest("STUDY", keys))}


def found(lane, asked):
    """Status and studies of each row, asked again as a run does once it knows more of the node."""
    ceiling, told = Ceiling("auto"), {}

    def ask(number):
        search = Search(
            lane, Row(number, str(number), asked[number], {}, ("rows", number), {}), ANYBODY, ceiling=ceiling
        )
        try:
            finding = search.finding()
        except PacsError:
            told[number] = ("failed", set())
            return
        told[number] = (finding.status, {hit.study_uid for hit in finding.hits})
        ceiling.answered(number, search.most)

    rounds = 0
    for number in range(len(asked)):
        ask(number)
        while suspects := ceiling.suspects():
            rounds += 1
            assert rounds < ROUNDS, f"rows {suspects} are asked again and again"
            for again in suspects:
                ask(again)
    return [told[number] for number in range(len(asked))]


def never_fewer(lane, archive, asked):
    for keys, (status, studies) in zip(asked, found(lane, asked), strict=True):
        wanted = fitting(archive, keys)
        if status == "found":
            assert studies == wanted, keys
        elif status == "unmatched":
            assert not wanted, keys
        else:
            assert status in ("held", "failed")


@st.composite
def archives(draw, alike=({}, {"StudyDate": "20200202"}, {"StudyTime": "101112"})):
    """Studies of some patients; by `alike` they have a day or a time in common, as far as it says."""
    number, patients = draw(st.sampled_from([20, 40, 60])), draw(st.sampled_from([1, 3, 10, 30]))
    same = draw(st.sampled_from(alike))
    dice = draw(st.randoms(use_true_random=False))
    facts = [
        {
            "StudyDate": f"{dice.randint(2019, 2021)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}",
            "StudyTime": f"{n % 24:02d}{dice.randint(0, 19) * 3 + n // 24:02d}00",
            "ModalitiesInStudy": dice.choice(["CT", "MR"]),
            "PatientID": f"P{dice.randrange(patients):02d}",
            "PatientBirthDate": "",
            **same,
        }
        for n in range(number)
    ]
    return StudyArchive(
        replace(one, attributes={**one.attributes, **own}) for one, own in zip(MADE, facts, strict=False)
    )


persons = st.integers(0, 29).map(lambda n: {"PatientID": f"P{n:02d}"})
narrow = st.one_of(
    persons, persons.map(lambda one: one | YEARS), persons.map(lambda one: one | {"ModalitiesInStudy": "CT"})
)
wide = st.sampled_from([YEARS, {"StudyDate": "20200101-20201231", "ModalitiesInStudy": "MR"}])
limits = st.fixed_dictionaries(
    {
        "kind": st.just("result-limit"),
        "answers": st.one_of(st.integers(2, 9), st.integers(10, 59)),
        "per": st.sampled_from(["query", "patient", "year", "modality"]),
        "status": st.sampled_from(["success", "success", "nothing", "hollow", "warning"]),
        "levels": st.sampled_from([["STUDY"], ["PATIENT", "STUDY", "SERIES", "IMAGE"]]),
    }
)


@settings(max_examples=25, deadline=None)
@given(archives(), limits, st.lists(narrow, min_size=1, max_size=5), st.booleans(), st.booleans())
def test_rows_that_name_a_patient_are_never_found_with_fewer(archive, limit, asked, counts, patients):
    assume(patients or limit["per"] == "query")
    faults = [limit, *([] if counts else [{"kind": "no-counts"}])]
    never_fewer(Memory(archive, *faults, patients=patients), archive, asked)


@settings(max_examples=25, deadline=None)
@given(
    archives(alike=({}, {"StudyDate": "20200202"})),
    limits,
    st.lists(wide | narrow, min_size=1, max_size=5),
    st.booleans(),
    st.booleans(),
)
def test_wide_and_narrow_rows_are_never_found_with_fewer(archive, limit, asked, counts, patients):
    assume(patients or limit["per"] == "query")
    faults = [limit, *([] if counts else [{"kind": "no-counts"}])]
    never_fewer(Memory(archive, *faults, patients=patients), archive, asked)


@settings(max_examples=10, deadline=None)
@given(archives(), st.lists(persons, min_size=3, max_size=6))
def test_an_honest_node_finds_all_and_is_asked_little_more(archive, asked):
    lane = Memory(archive)
    told = found(lane, asked)
    assert [studies for _, studies in told] == [fitting(archive, keys) for keys in asked]
    assert not {status for status, _ in told} & {"held", "failed"}
    assert lane.asked <= sum(8 + len(studies) for _, studies in told) + 40, "a count more, and the tests of first rows"


@pytest.mark.parametrize("limit", SOME_WEB)
@pytest.mark.parametrize("per", ["query", "patient"])
def test_rows_at_a_dicomweb_service_are_never_found_with_fewer(limit, per):
    archive = grouped()
    told = Faults.model_validate({"faults": [{"kind": "result-limit", "answers": limit, "per": per}]})
    with SimPacs(archive, told, web=0) as pacs, ExitStack() as stack:
        lane = open_lane(PacsNode.model_validate({"name": "web", "protocol": "dicomweb", "url": pacs.url}))
        stack.callback(lane.close)
        never_fewer(lane, archive, ASKED)


@pytest.mark.parametrize("limit", SOME_WEB)
def test_rows_at_a_mint_service_are_never_found_with_fewer(limit):
    archive = grouped()
    with Mint(archive) as service, ExitStack() as stack:
        service.most, urls = limit, {"mint": service.url, "rad69": service.url}
        lane = open_lane(
            PacsNode.model_validate({"name": "web", "protocol": "mint", "urls": urls, "fetch": {"method": "rad69"}})
        )
        stack.callback(lane.close)
        never_fewer(lane, archive, ASKED)


ASKED = [{"PatientID": "P00"}, {"PatientID": "P00", **YEARS}, {"PatientID": "P17"}, YEARS]


def grouped():
    """60 studies of three years, half of them of one patient."""
    facts = [
        {
            "StudyDate": f"{2019 + n // 20}{n % 12 + 1:02d}10",
            "StudyTime": f"{n % 24:02d}{n % 60:02d}00",
            "PatientID": "P00" if n % 2 else f"P{n % 20 + 1:02d}",
            "PatientBirthDate": "",
        }
        for n in range(len(MADE))
    ]
    return StudyArchive(
        replace(one, attributes={**one.attributes, **own}) for one, own in zip(MADE, facts, strict=True)
    )
