"""Wider questions than one: where a node gives more answers to them, it did not cut those of the first.

They bring what nobody asked for, which is counted and thrown away.
"""

import datetime as dt
from collections.abc import Iterator, Mapping

_NAMED = ("PatientID", "AccessionNumber")
_WINDOWS = ("StudyDate", "StudyTime", "ModalitiesInStudy")
_AROUND = (1, 7, 30, 365)
"""Days before and after the dates of a question that are asked too, step by step."""
_ENDINGS = 3
"""Letters at the end of an identifier that are left open one by one, before half of them are, and all but one."""


def wider(keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Wider STUDY questions (keyword -> value), each wider than the one before, so that none brings far too much.

    By the beginning of the identifier (wildcards, PS3.4 C.2.2.2.4), at all times; else by more days. None where `keys`
    have neither: a question for everything is never asked.
    """
    for keyword in _NAMED:
        value = keys.get(keyword, "").strip()
        if value and not set(value) & set("*?\\"):
            whole = {**keys, **{name: "" for name in _WINDOWS if name in keys}}
            yield from ({**whole, keyword: f"{value[:length]}*"} for length in _lengths(len(value)))
            return
    yield from _more_days(keys)


def _lengths(number: int) -> list[int]:
    steps = {*range(number - _ENDINGS, number), number // 2, 1}
    return sorted((step for step in steps if 0 < step < number), reverse=True)


def _more_days(keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
    begin, dash, end = keys.get("StudyDate", "").strip().partition("-")
    whole = {**keys, **{name: "" for name in _WINDOWS if name in keys}}
    if not begin and not end:
        return
    for days in _AROUND:
        yield {**whole, "StudyDate": f"{_moved(begin, -days)}-{_moved(end if dash else begin, days)}"}


def _moved(day: str, days: int) -> str:
    """A day (YYYYMMDD) moved; one that cannot be moved, and an open end, stay as they are."""
    try:
        moved = dt.datetime.strptime(day, "%Y%m%d") + dt.timedelta(days)  # noqa: DTZ007 a date has no zone
    except (ValueError, OverflowError):
        return day
    return moved.date().isoformat().replace("-", "")
