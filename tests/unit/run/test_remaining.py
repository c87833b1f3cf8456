"""The studies that are left are read once, and again after work on them."""

import threading

import pytest

from pacsflow.run import remaining
from pacsflow.run.remaining import Remaining


@pytest.fixture
def reads(monkeypatch):
    """What the ledger answers, one after the other; how often it was asked is how many are gone."""
    answers = [["a", "b"], ["b"], []]
    monkeypatch.setattr(remaining, "left_to_do", lambda *_: answers.pop(0))
    return answers


def test_the_ledger_is_read_once_however_often_is_asked(reads):
    left = Remaining(None, None)
    assert [left.plans() for _ in range(5)] == [["a", "b"]] * 5
    assert len(reads) == 2


def test_it_is_read_again_after_a_change_and_only_then(reads):
    left = Remaining(None, None)
    assert left.plans() == ["a", "b"]
    for _ in range(4):
        left.changed()
    assert [left.plans(), left.plans()] == [["b"], ["b"]]


def test_a_change_during_the_reading_counts_for_the_next_question(monkeypatch):
    reading, go_on, answers = threading.Event(), threading.Event(), [["a"], []]

    def read(*_):
        answer = answers.pop(0)
        reading.set()
        assert go_on.wait(30)
        return answer

    monkeypatch.setattr(remaining, "left_to_do", read)
    left, heard = Remaining(None, None), []
    asking = threading.Thread(target=lambda: heard.append(left.plans()))
    asking.start()
    assert reading.wait(30)
    left.changed()
    go_on.set()
    asking.join()
    assert heard == [["a"]]
    assert left.plans() == []


def test_what_is_given_is_nobody_elses_list(reads):
    left = Remaining(None, None)
    left.plans().clear()
    assert left.plans() == ["a", "b"]
