"""Answers that a person must look at, and why."""

from collections.abc import Iterator, Sequence

from pydicom import Dataset

from pacsflow.query.levels import keys_at
from pacsflow.query.matching import mismatches, unanswered
from pacsflow.query.row import Row
from schemas.query import Guards

_EXACT = frozenset({"PatientID", "AccessionNumber", "StudyInstanceUID"})
_HOW = ("hold", "warn", "accept")


def fitting_studies(row: Row, answers: Sequence[Dataset]) -> tuple[Dataset, ...]:
    """The STUDY answers that fit a row.

    Where the row asks by an exact identifier, another birth date is a doubt (see `doubts`) and drops nothing.
    """
    keys = keys_at(row, "STUDY")
    if _EXACT.intersection(keys):
        keys.pop("PatientBirthDate", None)
    return tuple(answer for answer in answers if not mismatches(keys, answer))


def doubts(row: Row, answers: Sequence[Dataset], guards: Guards) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons to hold a row for a person, and warnings, among the STUDY answers that fit it.

    No reason holds a value of an answer.
    """
    found = dict(_doubts(row, answers))
    told = {
        how: tuple(f"{why} ({name})" for name, why in found.items() if getattr(guards, name) == how) for how in _HOW
    }
    unknown = {name for answer in answers for name in unanswered(keys_at(row, "STUDY"), answer)}
    unsure = tuple(f"the PACS does not answer {name}, so nobody knows whether it fits" for name in sorted(unknown))
    return (*unsure, *told["hold"]), told["warn"]


def _doubts(row: Row, answers: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    studies = {_text(answer, "StudyInstanceUID") for answer in answers}
    if row.keys.get("AccessionNumber") and not row.keys.get("StudyInstanceUID") and len(studies) > 1:
        yield "several_studies_per_accession", f"one accession number, {len(studies)} studies"
    births: dict[tuple[str, str], set[str]] = {}
    for answer in answers:
        births.setdefault(_person(answer), set()).add(_text(answer, "PatientBirthDate"))
    if len(births) > 1:
        yield "several_patients_per_row", f"one row, {len(births)} patient ids"
    asked = {"PatientBirthDate": row.keys.get("PatientBirthDate", "")}
    if any(mismatches(asked, answer) for answer in answers):
        yield "birth_date_mismatch", "the birth date of an answer is not the row's"
    elif any(len(dates - {""}) > 1 for dates in births.values()):
        yield "birth_date_mismatch", "one patient id, several birth dates"


def _person(answer: Dataset) -> tuple[str, str]:
    return _text(answer, "PatientID"), _text(answer, "IssuerOfPatientID")


def _text(answer: Dataset, keyword: str) -> str:
    return str(answer.get(keyword) or "").strip()
