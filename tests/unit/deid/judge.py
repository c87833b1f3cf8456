"""What became of instances with an answer key, judged action by action."""

from collections import Counter, defaultdict
from datetime import date

from pydicom.uid import UID

from pacsflow.errors import RefusalError
from unit.deid.answer_key import ACTIONS
from unit.deid.instances import cleaner, encoded, read

OPTIONS = ["retain-longitudinal-modified-dates", "retain-patient-characteristics", "clean-descriptors"]


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


def judged(before, answers):
    """(answer, whether it is right) for a whole key, and the reasons of those that were refused."""
    profile = cleaner(options=OPTIONS, patient={"prefix": "SUBJ-"})
    after, reasons = [], Counter()
    for ds in before:
        try:
            after.append(read(profile.clean(encoded(ds))))
        except RefusalError as refusal:
            reasons[refusal.reason.split(" (")[0]] += 1
            after.append(None)
    judge = Judge(before, after)
    return [(answer, judge.right(answer)) for answer in answers], reasons


def score(marks):
    """Per action, and of all: how many answers there are, and the share of right ones in percent."""
    found = {}
    for action in (*ACTIONS, "all"):
        rights = [right for answer, right in marks if action in ("all", answer.action)]
        found[action] = {"answers": len(rights), "percent": round(100 * sum(rights) / max(1, len(rights)), 4)}
    return found
