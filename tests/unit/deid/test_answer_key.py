"""Ten actions, scored over synthetic instances with an answer key; `pytest -rP` shows the score."""

from collections import Counter

import pytest

from unit.deid import answer_classes
from unit.deid.answer_key import ACTIONS, generate
from unit.deid.judge import Judge, score
from unit.deid.judge import judged as judged_by

FREE_TEXT_SCORE = 0.999


@pytest.fixture(scope="module")
def judged():
    """(answer, whether it is right) for the whole key."""
    before, answers = generate()
    marks, reasons = judged_by(before, answers)
    assert set(reasons) == {"pixels: may show text"}
    assert len(before) - reasons.total() >= 300
    return marks


def test_the_key_asks_for_every_action(judged):
    counts = Counter(answer.action for answer, _ in judged)
    assert set(counts) == set(ACTIONS)
    assert min(counts.values()) >= 40


@pytest.mark.parametrize("action", ACTIONS)
def test_every_answer_outside_free_text_is_right(judged, action):
    wrong = {answer.path for answer, right in judged if answer.action == action and not answer.free_text and not right}
    assert not wrong


@pytest.mark.parametrize("action", ["text_retained", "text_removed", "text_notnull"])
def test_free_text_is_right_nearly_always(judged, action):
    free = [right for answer, right in judged if answer.action == action and answer.free_text]
    assert len(free) > 1000
    assert sum(free) >= FREE_TEXT_SCORE * len(free)


def test_the_judge_finds_what_is_wrong():
    before, answers = generate(per_series=1)
    judge = Judge(before, before)
    score = Counter(answer.action for answer in answers if judge.right(answer))
    for action in ("text_removed", "date_shifted", "uid_changed", "patid_consistent", "pixels_hidden"):
        assert not score[action], action


def test_the_score(judged):
    for action in ACTIONS:
        marks = [right for answer, right in judged if answer.action == action]
        share = 100 * sum(marks) / len(marks)
        print(f"{action:<17} {sum(marks):6,} of {len(marks):6,}  {share:7.3f} %")  # noqa: T201 - `pytest -rP` shows it
    assert all(right for answer, right in judged if not answer.free_text)


def test_31_sop_classes_score_as_published():
    before, answers = answer_classes.generate(per_class=2)
    marks, reasons = judged_by(before, answers)
    found = score(marks)
    assert len(answer_classes.CLASSES) == len({ds.SOPClassUID for ds in before}) == 31
    assert set(reasons) == {"pixels: may show text"}
    assert min(found[action]["answers"] for action in ACTIONS) >= 8
    assert found["all"]["percent"] >= 99.9, found
