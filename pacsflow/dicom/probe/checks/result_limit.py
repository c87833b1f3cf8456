"""Whether the node cuts its answers, and at which number: a wide window is compared with its two halves."""

from collections.abc import Iterator
from datetime import date

from pacsflow.dicom.probe.results import CheckResult
from pacsflow.dicom.probe.visit import Answers, Visit
from pacsflow.dicom.probe.words import day
from pacsflow.wording import counted

_WORTHWHILE = 200
"""Answers from which on a window is wide enough to see a limit."""
_NAME = "result limit"
_BEGINNING = date(1900, 1, 1)


def check(visit: Visit) -> Iterator[CheckResult]:
    """`result limit`: five queries at most, each listened to for MOST_ANSWERS answers."""
    if visit.sample is None:
        return
    if "StudyDate" in visit.ignored:
        yield CheckResult(
            _NAME, "unknown", "not known: the node ignores StudyDate, so that no two windows can be compared"
        )
        return
    if visit.boundless:
        yield CheckResult(_NAME, "unknown", "not asked: the node would give all its studies at once")
        return
    today = date.today()  # noqa: DTZ011 - the hospital's calendar, as ours
    year = (day(visit.sample.study_date) or today).year
    window = (date(year, 1, 1), date(year, 12, 31))
    answers = _ask(visit, *window)
    if answers.whole and not answers.cut and len(answers.found) < _WORTHWHILE:
        window = (_BEGINNING, today)
        answers = _ask(visit, *window)
    yield _judge(visit, answers, window)


def _judge(visit: Visit, answers: Answers, window: tuple[date, date]) -> CheckResult:
    number = len(answers.found)
    if not answers.whole:
        return CheckResult(_NAME, "ok", f"none up to {counted(number - 1, 'answer')}", {"seen": number - 1})
    if not number:
        why = (
            f"a query by dates alone ended with {answers.refusal}" if answers.cut else "nothing is found by dates alone"
        )
        facts = {} if answers.status is None else {"status": f"{answers.status:04X}"}
        return CheckResult(_NAME, "unknown", f"not known: {why}", facts)
    if answers.cut:
        return _limited(number, f"the node says so, with {answers.refusal}")
    if number > 1 and (halves := _halves(visit, answers, window)) > number:
        if len(_ask(visit, *window).found) == number:
            return _limited(
                number, f"the halves of a time have {counted(halves, 'study', 'studies')}; the node does not say so"
            )
        return CheckResult(_NAME, "unknown", "not known: the same query was answered with another number of studies")
    return CheckResult(_NAME, "ok", f"none seen in {counted(number, 'answer')}", {"seen": number})


def _limited(number: int, why: str) -> CheckResult:
    request = f"raise the largest number of answers to a query: it is {number}"
    return CheckResult(_NAME, "partly", f"answers are cut after {number}: {why}", {"limit": number}, request=request)


def _halves(visit: Visit, answers: Answers, window: tuple[date, date]) -> int:
    """Studies of both halves of a window, divided at the middle one of the dates answered."""
    dates = sorted(filter(None, (day(str(answer.get("StudyDate") or "")) for answer in answers.found)))
    if not dates:
        return 0
    middle = min(dates[(len(dates) - 1) // 2], date.fromordinal(window[1].toordinal() - 1))
    after = date.fromordinal(middle.toordinal() + 1)
    return len(_ask(visit, window[0], middle).found) + len(_ask(visit, after, window[1]).found)


def _ask(visit: Visit, first: date, last: date) -> Answers:
    return visit.ask("STUDY", {"StudyInstanceUID": "", "StudyDate": f"{first:%Y%m%d}-{last:%Y%m%d}"})
