"""How a web service compares: wildcards, ranges of dates, values with blanks and with letters beyond A to Z.

Where it takes them literally, or stumbles, it answers nothing at all, and a row finds nothing and no error is reported.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from pacsflow.dicom.probe.results import CheckResult, Sample, Verdict
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import day

_FEW = 5
_NOBODY = "ZZPACSFLOW"
_WORDS = {"blanks": "values with blanks", "other letters": "values with letters beyond A to Z"}
_OWN = ("StudyDescription", "PatientName")


def check(visit: Visit) -> Iterator[CheckResult]:
    """`matching`: the sample's study is asked for in ways that find it, and in ways that must not."""
    sample = visit.sample
    if sample is None:
        return
    facts = dict(_facts(visit, sample))
    understood = [_WORDS.get(name, name) for name, well in facts.items() if well]
    failing = [_WORDS.get(name, name) for name, well in facts.items() if not well]
    parts = [("matches by", understood), ("does not match by", failing)]
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in parts if names)
    verdict: Verdict = "partly" if failing else "ok" if understood else "unknown"
    fix = f"in the rows, do without {', '.join(failing)}: the node does not match by them" if failing else ""
    yield CheckResult(
        "matching", verdict, said or "not known: the study to try with has nothing to ask by", facts, fix=fix
    )


def _facts(visit: Visit, sample: Sample) -> Iterator[tuple[str, bool]]:
    wild = f"{sample.patient_id[:-1]}*"
    if len(sample.patient_id) > 1 and "PatientID" not in visit.ignored:
        yield "wildcards", _tells(visit, {"PatientID": wild}, {"PatientID": f"{_NOBODY}*"})
    studied = day(sample.study_date)
    if studied and "StudyDate" not in visit.ignored:
        yield "date ranges", _tells(visit, _days(studied, -1), _days(studied, 1))
    own = visit.ask("STUDY", {"StudyInstanceUID": sample.study_uid, **dict.fromkeys(_OWN, "")}, most=_FEW).found
    values = {name: str(own[0].get(name) or "") for name in _OWN} if len(own) == 1 else {}
    for what, special in (("blanks", _has_blank), ("other letters", _has_letters)):
        name = next((name for name, value in values.items() if special(value)), None)
        if name:
            yield what, _tells(visit, {name: values[name]}, {name: f"{_NOBODY}{values[name]}"})


def _tells(visit: Visit, right: Mapping[str, str], wrong: Mapping[str, str]) -> bool:
    """Whether the sample's study is found by the right keys, and not by the wrong ones."""
    study = {"StudyInstanceUID": visit.sample.study_uid if visit.sample else ""}
    right_one, wrong_one = (visit.ask("STUDY", {**study, **keys}, most=_FEW).found for keys in (right, wrong))
    return bool(right_one) and not wrong_one


def _days(studied: date, begin: int) -> dict[str, str]:
    first = studied + timedelta(begin)
    return {"StudyDate": f"{first:%Y%m%d}-{first + timedelta(2):%Y%m%d}"}


def _has_blank(value: str) -> bool:
    return " " in value.strip() and value.isascii()


def _has_letters(value: str) -> bool:
    return not value.isascii() and " " not in value
