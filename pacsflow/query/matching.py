"""Answers compared again on our side: a PACS may ignore keys and answer more than was asked (PS3.4 C.2.2.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, MutableSequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pacsflow.query.columns import vr_of
from pacsflow.query.row import IDENTIFIERS

if TYPE_CHECKING:
    from pydicom import Dataset

_WILD = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
"""Value representations in which `*` and `?` are wildcards (PS3.4 C.2.2.2.4)."""
_WITH_CASE = frozenset(
    {
        *IDENTIFIERS - {"PatientName"},
        "IssuerOfPatientID",
        "OtherPatientIDs",
        "StudyID",
        "DeviceSerialNumber",
        "PerformedProcedureStepID",
    }
)
"""Identifiers: an archive may have two that differ in large and small letters only."""
_RANGED = {
    "DA": ("00010101", "99991231"),
    "TM": ("000000.000000", "235959.999999"),
    "DT": ("00010101000000.000000", "99991231235959.999999"),
}
"""Earliest and latest value of those in which ranges are asked for; what is missing is filled up from them."""


@dataclass(frozen=True)
class Match:
    """How an answer compares with the keys it was asked by; true where nothing differs.

    `differs`: keywords whose value is another, or empty; `unseen`: keys the answer leaves out, which an SCP
    may when it does not support them (PS3.4 C.2.2.1.3), so that it is not known.
    """

    differs: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.differs


def matches(keys: Mapping[str, str], answer: Dataset, match_case: Mapping[str, bool] | None = None) -> Match:
    """Compare an answer with keys (keyword -> value sent). An identifier that is not answered differs.

    Large and small letters differ in identifiers; in descriptions, codes and names an SCP may take them for the same
    (PS3.4 C.2.2.2.1). `match_case` says otherwise, by keyword.
    """
    differs, unseen = [], []
    for keyword, asked in keys.items():
        if not asked.strip():
            continue
        cased = (match_case or {}).get(keyword, keyword in _WITH_CASE)
        if keyword not in answer and keyword not in IDENTIFIERS:
            unseen.append(keyword)
        elif not any(_value_matches(keyword, asked, value, cased=cased) for value in _values(answer, keyword)):
            differs.append(keyword)
    return Match(tuple(differs), tuple(unseen))


def _values(answer: Dataset, keyword: str) -> list[str]:
    """The values of an attribute as text; any one of several may match (PS3.4 C.2.2.2.1)."""
    try:
        found = answer.get(keyword)
    except (ValueError, TypeError, OverflowError):  # not a value of its VR: it matches nothing
        return []
    values = list(found) if isinstance(found, MutableSequence) else [found]
    return [_normal(str(value)) for value in values if value is not None and str(value) != ""]


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip(" \0"))


def _value_matches(keyword: str, asked: str, value: str, *, cased: bool) -> bool:
    vr, asked = vr_of(keyword), _normal(asked)
    if vr == "UI":
        return value in [uid.strip() for uid in asked.split("\\")]
    if vr in _RANGED:
        return _in_range(asked, value, vr)
    if vr == "PN":
        return _name_matches(asked, value, cased=cased)
    if vr in {"IS", "DS"}:
        return _same_number(asked, value)
    return _pattern(asked, cased=cased).fullmatch(value) is not None if vr in _WILD else asked == value


def _in_range(asked: str, value: str, vr: str) -> bool:
    """Date and time matching; a range may be open at one end, and both ends belong to it (PS3.4 C.2.2.2.5)."""
    asked, value = _digits(asked), _digits(value)
    if "-" not in asked:
        return value.startswith(asked) if vr != "DA" else asked == value
    earliest, latest = _RANGED[vr]
    begin, _, end = asked.partition("-")
    first, last = begin + earliest[len(begin) :], end + latest[len(end) :]
    return first <= value + earliest[len(value) :] <= last


def _digits(text: str) -> str:
    # 12:30:00 and 2015.05.12 are ACR-NEMA's ways, still answered by old archives.
    return text.replace(":", "") if ":" in text else re.sub(r"^(\d{4})\.(\d\d)\.(\d\d)$", r"\1\2\3", text)


def _name_matches(asked: str, value: str, *, cased: bool) -> bool:
    """Person names, without case unless `cased`; one component group of the answer is enough (PS3.4 C.2.2.2.1.1)."""
    asked, value = (asked, value) if cased else (asked.casefold(), value.casefold())
    wanted = [_group(group) for group in asked.split("=")]
    found = [_group(group) for group in value.split("=")]
    if len(wanted) == 1:
        return any(_group_matches(wanted[0], group) for group in found if group)
    pairs = zip(wanted, [*found, "", ""], strict=False)
    return all(not want or _group_matches(want, group) for want, group in pairs)


def _group_matches(wanted: str, group: str) -> bool:
    # DOE is short for DOE^, which DOE^* must find.
    return any(_pattern(wanted, cased=True).fullmatch(form) for form in (group, f"{group}^"))


def _group(text: str) -> str:
    return "^".join(part.strip() for part in text.split("^")).rstrip("^")


def _same_number(asked: str, value: str) -> bool:
    try:
        return float(asked) == float(value)
    except ValueError:  # an answer that is not a number
        return False


@lru_cache(maxsize=4096)
def _pattern(asked: str, *, cased: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    flags = re.DOTALL if cased else re.DOTALL | re.IGNORECASE
    return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in asked), flags)
