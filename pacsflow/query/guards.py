"""Answers that a person must look at, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pacsflow.query.levels import EXACT, keys_at
from pacsflow.query.matching import matches
from pacsflow.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydicom import Dataset

    from pacsflow.query.row import Row
    from schemas.query import Guards

_HOW = ("hold", "warn", "accept")


@dataclass(frozen=True)
class Judgement:
    """What a row's STUDY answers come to. No text in it holds a value of an answer.

    `accepted`: the answers that fit; `dropped`: how many did not, by keyword; `holds`: why a person
    must settle the row (empty: not needed); `warnings`: doubts that the project lets pass.
    """

    accepted: tuple[Dataset, ...] = field(repr=False)
    dropped: Mapping[str, int]
    holds: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(
    row: Row, answers: Sequence[Dataset], guards: Guards, *, match_case: Mapping[str, bool] | None = None
) -> Judgement:
    """Filter a row's STUDY answers again by its study keys, and put the guards to what is left."""
    keys = compared_keys(row)
    compared = [(answer, matches(keys, answer, match_case)) for answer in answers]
    accepted = tuple(answer for answer, match in compared if match)
    dropped = Counter(keyword for _, match in compared for keyword in match.differs)
    unseen = {keyword for _, match in compared if match for keyword in match.unseen}
    unsure = tuple(f"the PACS does not answer {name}, so it is not known whether it fits" for name in sorted(unseen))
    holds, warnings = hold_reasons(row, accepted, guards)
    return Judgement(accepted, dict(dropped), (*unsure, *holds), warnings)


def compared_keys(row: Row) -> dict[str, str]:
    """The row's study keys that an answer must match to be kept.

    Where an exact identifier is asked for, another birth date is a doubt and not a reason to drop an answer.
    """
    keys = keys_at(row, "STUDY")
    if EXACT.intersection(keys):
        keys.pop("PatientBirthDate", None)
    return keys


def hold_reasons(row: Row, accepted: Sequence[Dataset], guards: Guards) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons to hold a row for a person, and warnings, among the answers that fit it."""
    return sort_doubts(_doubts(row, accepted), guards)


def sort_doubts(doubts: Iterable[tuple[str, str]], guards: Guards) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Reasons to hold a row, and warnings, among doubts (name of a guard, why), as the guards say."""
    found = tuple(doubts)
    told = {how: tuple(f"{why} ({name})" for name, why in found if getattr(guards, name) == how) for how in _HOW}
    return told["hold"], told["warn"]


def _doubts(row: Row, answers: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    studies = {_text(answer, "StudyInstanceUID") for answer in answers}
    if row.keys.get("AccessionNumber") and not row.keys.get("StudyInstanceUID") and len(studies) > 1:
        yield "several_studies_per_accession", f"one accession number, {counted(len(studies), 'study', 'studies')}"
    births: dict[tuple[str, str], set[str]] = {}
    for answer in answers:
        births.setdefault(_person(answer), set()).add(_text(answer, "PatientBirthDate"))
    if len(births) > 1:
        yield "several_patients_per_row", f"one row, {len(births)} patient ids"
    if another := list(other_birth_date(row, answers)):
        yield from another
    elif any(len(dates - {""}) > 1 for dates in births.values()):
        yield "birth_date_mismatch", "one patient id, several birth dates"


def other_birth_date(row: Row, answers: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    """The doubt (name of a guard, why) that an answer has another birth date than the row."""
    asked = {"PatientBirthDate": row.keys.get("PatientBirthDate", "")}
    if not all(matches(asked, answer) for answer in answers):
        yield "birth_date_mismatch", "the birth date of an answer is not the row's"


def _person(answer: Dataset) -> tuple[str, str]:
    return _text(answer, "PatientID"), _text(answer, "IssuerOfPatientID")


def _text(answer: Dataset, keyword: str) -> str:
    return str(answer.get(keyword) or "").strip()
