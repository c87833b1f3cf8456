"""Answers by patient, year and modality: a node may have a limit for each of them, which halves of the whole hide."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pacsflow.query.pieces import Keys, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydicom import Dataset

_YEAR = 4
_BY = ("PatientID", "StudyDate", "ModalitiesInStudy")


@dataclass(frozen=True)
class AnswerGroup:
    """The largest group by a keyword: the question for it alone, and its answers by UID."""

    name: str
    keys: Keys
    answers: Mapping[str, Dataset]


def largest_groups(keys: Keys, found: Mapping[str, Dataset]) -> Iterator[AnswerGroup]:
    """Of the studies that answered `keys`, by UID, the largest group by patient, by year and by modality.

    Where all are of one group, or the question names it, the group is the whole.
    """
    for name in _BY:
        groups: defaultdict[str, dict[str, Dataset]] = defaultdict(dict)
        for uid, answer in found.items():
            for value in _values(name, answer):
                groups[value][uid] = answer
        value = max(sorted(groups), key=lambda one: len(groups[one]), default="")
        asked = keys.get(name, "").strip()
        if not value:
            continue
        if len(groups[value]) < len(found) and (not asked or name == "StudyDate" or "*" in asked):
            yield AnswerGroup(name, {**keys, name: _narrowed(name, asked, value)}, groups[value])
        else:
            yield AnswerGroup(name, keys, found)


def sizes(answers: Iterable[Dataset]) -> dict[str, int]:
    """The number of answers in the largest group by patient, by year and by modality; 0 where there is no group."""
    listed = list(answers)
    counted = {name: Counter(value for one in listed for value in _values(name, one)) for name in _BY}
    return {name: max(of.values(), default=0) for name, of in counted.items()}


def _values(name: str, answer: Dataset) -> Iterable[str]:
    if name == "StudyDate":
        return [day[:_YEAR] for day in values([answer], name) if day[:_YEAR].isdecimal()]
    value = answer.get(name) or ""
    return {str(one).strip() for one in ([value] if isinstance(value, str) else value)} - {""}


def _narrowed(name: str, asked: str, value: str) -> str:
    """The value of the group's question: of a year the part that lies in the dates that were asked for."""
    if name != "StudyDate":
        return value
    begin, _, end = asked.partition("-")
    first, last = max(begin, f"{value}0101"), min(end or f"{value}1231", f"{value}1231")
    return f"{first}-{last}"
