"""Ten actions, scored over synthetic instances with an answer key; `pytest -rP` shows the score."""

from collections import Counter, defaultdict
from datetime import date

import pytest
from pydicom.uid import UID

from pacsflow.errors import RefusalError
from unit.deid.answer_key import ACTIONS, generate
from unit.deid.instances import cleaner, encoded, read

OPTIONS = ["retain-longitudinal-modified-dates", "retain-patient-characteristics", "clean-descriptors"]
FREE_TEXT_SCORE = 0.999


def at(ds, path):
    """The element's value; None where it is absent."""
    for part in path:
        ds = ds[part] if isinstance(part, int) else ds.get(part)
        if ds is None:
            return None
    return ds


def day(value):
    return date(int(value[:4]), int(value[4:6]), int(value[6:8]))


class Judge:
    """Compares each instance before and after with what its answer asks for."""

    def __init__(self, before, after):
        self.before, self.after = before, after
        self.shifts, self.uids, self.patients = defaultdict(Counter), defaultdict(set), defaultdict(set)
        for old, new in zip(before, after, strict=True):
            if new is not None:
                self.shifts[old.PatientID][day(new.StudyDate) - day(old.StudyDate)] += 1
                self.patients[old.PatientID].add(new.PatientID)
                self.patients["new", new.PatientID].add(old.PatientID)
        self.texts = [
            None if new is None else "\n".join(str(elem.value) for elem in new.iterall()).casefold() for new in after
        ]

    def right(self, answer):
        old, new = self.before[answer.instance], self.after[answer.instance]
        if answer.action == "pixels_hidden":
            return new is None
        if new is None:
            return False
        return getattr(self, answer.action)(answer, at(old, answer.path), at(new, answer.path))

    def tag_retained(self, answer, old, new):
        return new is not None

    def text_notnull(self, answer, old, new):
        return bool(str(new or ""))

    def text_retained(self, answer, old, new):
        return answer.value in str(new).split() if answer.value else new == old

    def text_removed(self, answer, old, new):
        return answer.value.casefold() not in self.texts[answer.instance]

    def date_shifted(self, answer, old, new):
        shifts = self.shifts[self.before[answer.instance].PatientID]
        moved = day(new) - day(old)
        return len(shifts) == 1 and moved in shifts and moved.days != 0 and new[8:] == old[8:]

    def uid_changed(self, answer, old, new):
        return new != old and UID(new).is_valid

    def uid_consistent(self, answer, old, new):
        self.uids[old].add(new)
        self.uids["new", new].add(old)
        return len(self.uids[old]) == len(self.uids["new", new]) == 1

    def patid_consistent(self, answer, old, new):
        return len(self.patients[old]) == len(self.patients["new", new]) == 1 and new != old

    def pixels_retained(self, answer, old, new):
        return new == old


@pytest.fixture(scope="module")
def judged():
    """(answer, whether it is right) for the whole key."""
    before, answers = generate()
    profile = cleaner(options=OPTIONS, patient={"prefix": "SUBJ-"})
    after, reasons = [], set()
    for ds in before:
        try:
            after.append(read(profile.clean(encoded(ds))))
        except RefusalError as refusal:
            reasons.add(refusal.reason.split(" (")[0])
            after.append(None)
    assert reasons == {"pixels: may show text"}
    judge = Judge(before, after)
    assert sum(ds is not None for ds in after) >= 300
    return [(answer, judge.right(answer)) for answer in answers]


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
