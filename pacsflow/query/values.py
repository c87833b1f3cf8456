"""One cell -> the value sent for a keyword, or what is wrong with it (PS3.5 6.2, PS3.4 C.2.2.2)."""

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pacsflow.query.ages import read_age
from pacsflow.query.columns import vr_of
from pacsflow.query.dates import SPREADSHEET_DAY, WINDOWS_EPOCH, from_spreadsheet, read_dates, read_times, without_time
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell
from pacsflow.wording import counted

LENGTHS = {"AE": 16, "AS": 4, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "SH": 16, "ST": 1024, "UI": 64}
"""Longest value per value representation, in characters (PS3.5 6.2)."""
_PN_GROUP = 64
_HARD_BLANK = "\N{NO-BREAK SPACE}"
_EXCEL_DIGITS = 15
_UID = re.compile(r"^[0-9]+(\.[0-9]+)+$")
_STRICT_UID = re.compile(r"^(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+$")
_CS = re.compile(r"^[A-Z0-9_ *?]+$")
_SHORTENED = re.compile(r"^[0-9](\.[0-9]+)?E\+?[0-9]+$", re.IGNORECASE)
_ID_VR = frozenset({"LO", "SH"})


@dataclass(frozen=True)
class Manner:
    """How values are read: date formats, digits to pad to, whether `*` only asks back, a spreadsheet's day 0."""

    date_formats: tuple[str, ...] = ()
    zero_pad: dict[str, int] = field(default_factory=dict)
    stars_ask_back: bool = False
    epoch: dt.date = WINDOWS_EPOCH


@dataclass(frozen=True)
class KeyValue:
    """What is sent (empty: only asked back), and what the user should know of it."""

    text: str = field(repr=False)
    warnings: tuple[str, ...] = ()


def read_value(keyword: str, cell: Cell, manner: Manner) -> KeyValue:
    """The value of `keyword` in `cell`, which is not blank. Raises FaultError, which never repeats the value."""
    text = cell.text.strip()
    if manner.stars_ask_back and text == "*":
        return KeyValue("")
    vr = vr_of(keyword)
    _check_cell(cell, text, vr)
    _check_characters(text, vr)
    text, warnings = _repaired(keyword, text, cell, manner)
    text = _READERS.get(vr, _text)(keyword, text, manner)
    _check_length(text, vr)
    return KeyValue(text, (*warnings, *_warnings(keyword, text, vr)))


def _check_cell(cell: Cell, text: str, vr: str) -> None:
    if cell.kind == "odd":
        raise FaultError("is not text", "write one value")
    if cell.kind == "unquoted" and vr not in {"DA", "TM", "IS", "DS", "UI"} and not _survives(text):
        raise FaultError("YAML does not take this for text, it may lose zeros", "write it in quotes")
    if cell.kind == "date" and vr not in {"DA", "DT", "TM"}:
        raise FaultError("is a date cell", "format the column as text and type the value again")
    if cell.kind == "number" and vr not in {"DA", "TM", "IS", "DS"} and len(text) > _EXCEL_DIGITS:
        raise FaultError("is a number cell of more than 15 digits, its last digits are lost", "store it as text")
    if vr in _ID_VR and _SHORTENED.match(text):
        raise FaultError("is a number that a spreadsheet has shortened", "store the column as text")


def _survives(text: str) -> bool:
    """Whether an unquoted YAML value means the same to every reader of YAML."""
    return bool(re.fullmatch(r"0|[1-9][0-9]*|[0-9]{4}-[0-9]{2}-[0-9]{2}", text))


def _check_characters(text: str, vr: str) -> None:
    if not text.isprintable() and any(unicodedata.category(letter) in {"Cc", "Cf"} for letter in text):
        raise FaultError("holds an invisible character", "type the value again")
    if _HARD_BLANK in text:
        raise FaultError("holds a no-break space, which no PACS has in its values", "type the blank again")
    if "\\" in text and vr != "UI":
        raise FaultError("holds a backslash, which separates values in DICOM", "write one value per row")
    if text and not text.strip("*? ^="):
        raise FaultError("asks for everything", "leave the cell empty to leave the attribute out")


def _repaired(keyword: str, text: str, cell: Cell, manner: Manner) -> tuple[str, list[str]]:
    digits = manner.zero_pad.get(keyword, 0)
    vr = vr_of(keyword)
    if text.isascii() and text.isdigit() and len(text) < digits:
        return text.zfill(digits), [f"{keyword}: padded with zeros from {len(text)} to {counted(digits, 'digit')}"]
    if cell.kind == "number" and vr in _ID_VR and not digits:
        return text, [f"{keyword}: a number cell, zeros at its front may be lost (see zero_pad)"]
    if vr == "DA" and not any("%H" in form or "%I" in form for form in manner.date_formats):
        day, timed = without_time(text)
        if timed:
            return day, [f"{keyword}: the time of day beside the date is left out"]
    if cell.kind == "number" and vr == "DA" and SPREADSHEET_DAY.match(text):
        return from_spreadsheet(text, manner.epoch), [f"{keyword}: a spreadsheet's day number, taken for a date"]
    if vr in _ID_VR and re.fullmatch(r"[0-9]+\.0", text):
        return text, [f"{keyword}: ends in .0, as if a spreadsheet had made a number of it"]
    return text, []


def _dates(keyword: str, text: str, manner: Manner) -> str:
    if SPREADSHEET_DAY.match(text):
        raise FaultError("is a spreadsheet's day number", "format the column as a date, or as text YYYYMMDD")
    return read_dates(text, manner.date_formats, birth="Birth" in keyword)


def _times(_keyword: str, text: str, _manner: Manner) -> str:
    return read_times(text)


def _uids(_keyword: str, text: str, _manner: Manner) -> str:
    uids = [uid.strip() for uid in text.split("\\")]
    for uid in uids:
        if not _UID.match(uid):
            raise FaultError("is not a UID", "write digits and dots; wildcards cannot be used in UIDs")
        if len(uid) > LENGTHS["UI"]:
            raise FaultError("is longer than the 64 characters of a UID", "fix the UID")
    return "\\".join(uids)


def _code(_keyword: str, text: str, _manner: Manner) -> str:
    if _CS.match(text):
        return text
    if _CS.match(text.upper()):
        raise FaultError("has small letters", "write capital letters, as CT")
    raise FaultError("is not a code string", "write capital letters, digits, blank and _; one value per row")


def _whole_number(_keyword: str, text: str, _manner: Manner) -> str:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise FaultError("is not a whole number", "write digits")
    return str(int(text))


def _age(_keyword: str, text: str, _manner: Manner) -> str:
    return read_age(text)


def _text(_keyword: str, text: str, _manner: Manner) -> str:
    return text


def _check_length(text: str, vr: str) -> None:
    longest = LENGTHS.get(vr)
    if vr == "PN" and any(len(group) > _PN_GROUP for group in text.split("=")):
        raise FaultError("is longer than the 64 characters of a name", "shorten it, with a * at its end")
    if longest and vr != "UI" and len(text) > longest:
        raise FaultError(
            f"is longer than the {counted(longest, 'character')} of {vr}", "shorten it, with a * at its end"
        )


def _warnings(keyword: str, text: str, vr: str) -> Iterator[str]:
    if keyword in _MISLEADING:
        yield f"{keyword}: {_MISLEADING[keyword]}"
    if keyword in {"PatientID", "AccessionNumber"} and set("*?") & set(text):
        yield f"{keyword}: a wildcard in an identifier may find other people"
    if vr == "PN" and not set("^*") & set(text):
        yield f"{keyword}: finds exactly this; write FAMILY^GIVEN, or FAMILY^* for all given names"
    if vr == "UI" and not all(map(_STRICT_UID.match, text.split("\\"))):
        yield f"{keyword}: a part begins with zero, which DICOM forbids; sent as it is"


_MISLEADING = {
    "StudyTime": "often differs by seconds between systems; a query by it finds less than there is",
    "StudyID": "is a local number that repeats; it is not the StudyInstanceUID",
}
_READERS: dict[str, Callable[[str, str, Manner], str]] = {
    "DA": _dates,
    "TM": _times,
    "UI": _uids,
    "CS": _code,
    "IS": _whole_number,
    "AS": _age,
}
