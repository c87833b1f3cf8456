"""What a pseudonym may look like, and when two are too much alike."""

import re

_LEGAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SPOILT = re.compile(r"\d(\.\d+)?[Ee]\+\d+")
_FOLDED = re.compile(r"[^0-9a-z]+")
_LONGEST = 64


def pseudonym_fault(text: str) -> str:
    """Why `text` is not a pseudonym: it must be legal as Patient ID, Patient's Name, file name; empty where it is."""
    if not text:
        return "is empty"
    return "" if _LEGAL.fullmatch(text) else "has other characters than A-Z a-z 0-9 . _ - or is longer than 64"


def patient_fault(text: str) -> str:
    """Why `text` is no Patient ID (PS3.5 6.2, LO); empty where it is one."""
    if not text:
        return "is empty"
    if _SPOILT.fullmatch(text):
        return "was shortened by a spreadsheet"
    return "is no Patient ID" if len(text) > _LONGEST or "\\" in text or not text.isprintable() else ""


def shift_fault(days: int) -> str:
    """Why a patient cannot have this day shift, from wherever it is; empty where they can."""
    return "" if days else "pseudonym: its day shift is 0, and would leave the true dates"


def moved_by(number: int, direction: str | None) -> int:
    """Days that are added to each date, where another system gave the number: Karnak subtracts it."""
    return -number if direction == "subtract" else number


def folded(pseudonym: str) -> str:
    """The same for pseudonyms that a file system or an exporter may take for one another."""
    return _FOLDED.sub("_", pseudonym.casefold())
