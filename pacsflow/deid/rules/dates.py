"""Dates moved by whole days (PS3.5 6.2: DA, DT). What cannot be read exactly is emptied, never guessed."""

import re
from datetime import date
from functools import lru_cache

_DATE = re.compile(rb"(\d{4})(\.?)(\d\d)\2(\d\d)")
_DATETIME = re.compile(rb"(\d{8})((?:\d\d){0,3}|\d{6}\.\d{1,6})([+-]\d{4})?")


@lru_cache(65536)
def shifted(vr: str, value: bytes, days: int) -> bytes:
    """The value(s) of a DA or DT element moved by `days`; times, fractions and offsets from UTC stay."""
    move = moved_date if vr == "DA" else moved_datetime
    return b"\\".join(move(part.strip(b" \0"), days) for part in value.split(b"\\"))


def moved_date(text: bytes, days: int) -> bytes:
    """YYYYMMDD, also from the YYYY.MM.DD of ACR-NEMA, moved; empty where it is not a day of the calendar."""
    match = _DATE.fullmatch(text)
    if not match:
        return b""
    try:
        new = date.fromordinal(date(int(match[1]), int(match[3]), int(match[4])).toordinal() + days)
    except (ValueError, OverflowError):
        return b""
    return f"{new.year:04d}{new.month:02d}{new.day:02d}".encode()


def moved_datetime(text: bytes, days: int) -> bytes:
    """YYYYMMDD[HH[MM[SS[.F]]]][&ZZXX] moved; empty where the day is missing or wrong."""
    match = _DATETIME.fullmatch(text)
    day = moved_date(match[1], days) if match else b""
    return day + match[2] + (match[3] or b"") if match and day else b""


@lru_cache(65536)
def year_only(vr: str, value: bytes) -> bytes:
    """The first day of the value's year."""
    first = b"0101" if vr == "DA" else b"0101000000"
    days = (shifted(vr, part, 0) for part in value.split(b"\\"))
    return b"\\".join(day[:4] + first if day else b"" for day in days)
