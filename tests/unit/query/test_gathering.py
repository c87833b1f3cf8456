"""Questions asked in pieces: for any archive and any limit, all that an unlimited node gives, or a doubt that says so."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from pacsflow.errors import PacsError, PacsPermanentError
from pacsflow.query import gather
from pacsflow.query.ceiling import FEW, Ceiling
from pacsflow.query.gather import MOST_QUESTIONS, Gathering
from pacsflow.query.matching import matches
from pacsflow.query.pieces import of_series, of_studies

RETURN = dict.fromkeys(("StudyInstanceUID", "StudyDate", "StudyTime", "ModalitiesInStudy"), "")


class Node:
    """Keeps to its keys, but for those `ignored`, and gives `limit` answers; `says` so, or not."""

    def __init__(self, studies, limit, *, says=False, ignored=()):
        self.studies, self.limit, self.says, self.ignored, self.asked = studies, limit, says, ignored, 0

    def fitting(self, keys):
        heard = {keyword: value for keyword, value in keys.items() if keyword not in self.ignored}
        return [study for study in self.studies if matches(heard, study)]

    def __call__(self, keys):
        self.asked += 1
        found = self.fitting(keys)
        if len(found) > self.limit and self.says:
            raise PacsPermanentError("cut", answers=self.limit)
        return found[: self.limit]


def study(number, date="20150512", time="101112", modality="CT"):
    dataset = Dataset()
    dataset.StudyInstanceUID = f"1.2.{number}"
    dataset.StudyDate, dataset.StudyTime, dataset.ModalitiesInStudy = date, time, modality
    return dataset


def gathered(node, **keys):
    ceiling = Ceiling("auto" if node.says else node.limit)
    gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY"))
    return gathering, gathering.everything(RETURN | keys)


def uids(answers):
    return {answer.StudyInstanceUID for answer in answers}


days = st.dates(dt.date(1950, 1, 1), dt.date(2026, 11, 21)).map(lambda day: f"{day:%Y%m%d}")
few_days = st.sampled_from(["20150512", "20150513", "18991230", "20991231", ""])
times = st.sampled_from(["", "000000", "101112", "1011", "101112.5", "115959.9", "120000", "235959.999999"])
archives = st.lists(
    st.tuples(days | few_days, times, st.sampled_from(["CT", "MR", ["CT", "SR"], "ODD", ""])), max_size=40
).map(lambda made: [study(number, *each) for number, each in enumerate(made)])
asked = st.sampled_from(["", "20150512", "20150101-20151231", "20100101-", "-20150513", "19500101-20301231"])
asked_times = st.sampled_from(["", "1011", "10-12", "-120000", "235958-"])


@settings(max_examples=150, deadline=None)
@given(archives, st.integers(1, 12), asked, asked_times, st.booleans())
def test_what_a_node_cuts_is_found_in_pieces_or_doubted(studies, limit, date, time, says):
    node = Node(studies, limit, says=says)
    keys = {"StudyDate": date, "StudyTime": time}
    wanted = node.fitting(RETURN | keys)
    try:
        gathering, answers = gathered(node, **keys)
    except PacsError:
        return  # the node said itself that it cut, and nothing smaller helped
    assert uids(answers) <= uids(wanted)
    lost = [each for each in wanted if each.StudyInstanceUID not in uids(answers)]
    seen = {
        "a study without a date": lambda one: one.StudyDate,
        "a study without a time": lambda one: one.StudyTime,
        "an unusual modality": lambda one: one.ModalitiesInStudy not in ("ODD", ""),
    }
    for one in lost:
        assert gathering.doubts or any(not seen[what](one) for what in gathering.blind)
    assert len(answers) == len(uids(answers))
    assert node.asked <= MOST_QUESTIONS + 100


@pytest.mark.parametrize("says", [False, True])
def test_a_crowded_minute_is_split_by_time_and_then_by_modality(says):
    hour = [study(n, "20150512", f"1200{n:02d}") for n in range(60)]
    second = [study(100 + n, "20160512", "130000", modality) for n, modality in enumerate(["CT", "MR", "US", "SR"])]
    node = Node([*hour, *second], 3, says=says)
    gathering, answers = gathered(node, StudyDate="20150101-20161231")
    assert uids(answers) == uids(node.studies)
    assert gathering.doubts == set()
    assert gathering.blind == {"a study without a time", "an unusual modality"}
    assert gathering.cut_at == 3


def test_few_questions_are_asked_of_a_node_that_does_not_cut():
    node, ceiling = Node([study(n, f"201505{n:02d}") for n in range(1, 29)], 50), Ceiling("auto")
    judge = ceiling.at("STUDY", narrow=1)
    gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=judge)
    gathering.everything(RETURN | {"StudyDate": "20150512"})
    assert node.asked == 1, "one thing was asked for"
    asked = []
    for _ in range(3):
        before = node.asked
        gathering.everything(RETURN | {"StudyDate": "20150101-20151231"})
        asked.append(node.asked - before)
    assert asked == [3, 1, 1], "a wide answer is tested by its halves, once"


def test_what_cannot_be_asked_in_smaller_pieces_is_a_doubt():
    node = Node([study(n) for n in range(9)], 5)
    gathering, answers = gathered(node)
    [doubt] = gathering.doubts
    assert doubt == (
        "the node gave exactly 5 answers, where it may have cut, and there is no smaller question: narrow the row"
    )
    assert len(answers) == 5


def test_what_a_node_says_it_cut_and_nothing_smaller_helps_is_its_own_error():
    with pytest.raises(PacsPermanentError, match="cut"):
        gathered(Node([study(n) for n in range(9)], 5, says=True))


@pytest.mark.parametrize("ignored", ["StudyDate", "StudyTime", "ModalitiesInStudy"])
def test_a_node_that_does_not_keep_to_a_key_is_not_asked_a_thousand_times(ignored):
    node = Node([study(n, modality=["CT", "MR"][n % 2]) for n in range(20)], 5, ignored={ignored})
    gathering, _ = gathered(node, **({"StudyDate": "20150512", "StudyTime": "101112"} if "M" in ignored else {}))
    assert any(f"does not keep to {ignored}" in doubt for doubt in gathering.doubts)
    assert node.asked < 100


def test_a_study_without_a_date_that_was_answered_is_kept_and_a_doubt():
    node = Node([study(0, date=""), *(study(n, f"201505{n:02d}") for n in range(1, 20))], 10)
    gathering, answers = gathered(node)
    assert uids(answers) == uids(node.studies)
    assert gathering.doubts == {"the node may have cut its answers, and 1 of them did not come when asked in pieces"}
    assert gathering.blind == {"a study without a date"}


def test_the_number_of_questions_has_an_end(monkeypatch):
    most = 60  # this node compares each study with each question
    monkeypatch.setattr(gather, "MOST_QUESTIONS", most)
    node = Node([study(n, "20150512", f"{n % 24:02d}{n // 24 % 60:02d}00") for n in range(400)], 1)
    gathering, _ = gathered(node, StudyDate="20150512")
    assert any(f"{most} smaller questions were not enough" in doubt for doubt in gathering.doubts)
    assert most <= node.asked < most + 100


def test_series_are_asked_by_the_modalities_of_their_study():
    assert [q["Modality"] for q in of_series(["CT", "SR"])({"Modality": ""}).questions] == ["CT", "SR"]
    assert of_series(["CT", "SR"])({"Modality": ""}).blind == ""
    assert of_series([""])({"Modality": ""}).blind == "an unusual modality"


def test_series_of_one_modality_are_asked_by_their_times():
    one = {"Modality": "CT", "SeriesTime": ""}
    assert [q["SeriesTime"] for q in of_series(["CT"])(one).questions] == ["-115959", "115959-"]
    assert of_series(["CT"])(one).blind == "a series without a time"
    assert of_series(["CT"])({"Modality": "CT", "SeriesTime": "115959-115959"}) is None


@settings(max_examples=40, deadline=None)
@given(
    archives,
    st.integers(1, 59),
    st.lists(asked, min_size=1, max_size=4),
    st.sampled_from(["STUDY", "SERIES"]),
    st.booleans(),
)
def test_an_unknown_limit_is_noticed_or_the_answers_are_doubted(studies, limit, dates, level, says):
    node, ceiling = Node(studies, limit, says=says), Ceiling("auto")
    for date in dates:
        gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at(level))
        try:
            answers = gathering.everything(RETURN | {"StudyDate": date})
        except PacsError:
            continue  # the node said itself that it cut, and nothing smaller helped
        wanted = node.fitting(RETURN | {"StudyDate": date})
        lost = [each for each in wanted if each.StudyInstanceUID not in uids(answers)]
        few = len(wanted) <= FEW or len(answers) < FEW
        blind = any(not each.StudyDate or not each.StudyTime for each in wanted)
        odd = any(each.ModalitiesInStudy in ("ODD", "") for each in wanted)
        assert not lost or gathering.doubts or (gathering.blind and (blind or odd)) or few


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 59), st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_limit_below_sixty_studies_is_noticed_by_the_first_wide_question(limit, days, random):
    made = [
        study(n, f"201505{10 + random.randrange(days):02d}", f"{n % 24:02d}{random.randrange(60):02d}00")
        for n in range(60)
    ]
    random.shuffle(made)
    node, ceiling = Node(made, limit), Ceiling("auto")
    gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY"))
    answers = gathering.everything(RETURN | {"StudyDate": "20150101-20151231"})
    assert uids(answers) == uids(made) or gathering.doubts
    assert ceiling.known("STUDY", limit)


@pytest.mark.parametrize("first", [10, 33, 59])
def test_a_limit_that_is_what_a_row_has_in_truth_is_noticed_at_the_next(first):
    """The first question has as many answers as the node gives to any: that proves nothing for another."""
    made = [study(n, f"2015{1 + n // 28:02d}{1 + n % 28:02d}", f"{n % 24:02d}{n % 60:02d}00") for n in range(120)]
    node, ceiling = Node(made, first), Ceiling("auto")
    last = made[first - 1].StudyDate
    for asked in (f"20150101-{last}", "20150101-20151231"):
        gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY"))
        answers = gathering.everything(RETURN | {"StudyDate": asked})
        assert uids(answers) == {one.StudyInstanceUID for one in made if matches({"StudyDate": asked}, one)}


def test_one_crowded_moment_is_divided_by_the_ends_of_the_patient_ids():
    made = [study(n) for n in range(60)]
    for number, one in enumerate(made):
        one.PatientID = f"P{number:03d}"
    node, ceiling = Node(made, 33), Ceiling("auto")
    gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY"))
    answers = gathering.everything(RETURN | {"StudyDate": "20150512", "PatientID": ""})
    assert uids(answers) == uids(made)
    assert gathering.doubts == set()


def test_a_limit_that_changes_is_doubted_from_the_smallest_on():
    node, ceiling = Node([study(n, f"201505{n % 28 + 1:02d}", f"10{n:02d}00") for n in range(60)], 20), Ceiling("auto")
    for node.limit in (20, 40, 25):
        gathering = Gathering(node, of_studies, unique="StudyInstanceUID", judge=ceiling.at("STUDY"))
        assert uids(gathering.everything(RETURN | {"StudyDate": "20150501-20150531"})) == uids(node.studies)


def test_more_answers_than_can_be_held_are_an_error(monkeypatch):
    monkeypatch.setattr(gather, "MOST_ANSWERS", 30)
    with pytest.raises(PacsPermanentError, match="more than 30 answers"):
        gathered(Node([study(n, f"201505{n % 28 + 1:02d}") for n in range(40)], 50))


def test_a_ceiling_is_what_pacs_yaml_says():
    ceiling = Ceiling(20)
    assert [ceiling.reached("STUDY", n) for n in (100, 19, 20, 21)] == [True, False, True, False]


def test_a_ceiling_is_learnt_from_answers():
    ceiling = Ceiling("auto")
    assert ceiling.reached("STUDY", 100)
    assert [ceiling.reached("STUDY", n) for n in (137, 100, 137)] == [True, False, True]
    ceiling.proved("STUDY", 137)
    assert not ceiling.reached("STUDY", 137)
    assert [ceiling.reached("IMAGE", n) for n in (150, 149, 150)] == [True, False, True]
    ceiling.proved("SERIES", 30)
    ceiling.learn(17)
    assert ceiling.reached("SERIES", 17)
    assert [ceiling.reached("SERIES", n) for n in (18, 17)] == [False, False], "it gives more than we were told"
    ceiling.learn(20, "SERIES")
    assert [ceiling.reached("SERIES", n) for n in (19, 20, 30)] == [False, True, True]


def test_rows_answered_before_a_limit_was_known_are_named_once():
    ceiling = Ceiling("auto")
    for row, most in enumerate([1, 4, 7], 1):
        ceiling.answered(row, {"STUDY": most})
    assert ceiling.suspects() == []
    ceiling.learn(4, "STUDY")
    assert [ceiling.suspects(), ceiling.suspects()] == [[2, 3], []]
