"""Narrower questions than one without an answer: where one has some, the node answers nothing above a number."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pacsflow.query.dates import EARLIEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PARTS = (2, 4, 8)
"""Into how many windows dates, and then times of a day, are divided."""
QUESTIONS = 2 * sum(_PARTS)
"""How many questions that are at most."""
_DAY = 24 * 60 * 60
_NAMES = ("StudyInstanceUID", "AccessionNumber")


def windows(keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """STUDY questions (keyword -> value) for parts of `keys`: by date, and by time of day; none where it is narrow.

    Narrow is a question that names a study or an accession number.
    """
    named = (keys.get(name, "").strip() for name in _NAMES)
    begin, dash, end = keys.get("StudyDate", "").strip().partition("-")
    if any(value and not set(value) & set("*?") for value in named):
        return
    if dash or not begin:
        yield from _by_date(keys, begin, end)
    if not keys.get("StudyTime", "").strip():
        for number in _PARTS:
            yield from ({**keys, "StudyTime": f"{_clock(n, number)}-{_clock(n + 1, number)}"} for n in range(number))


def _by_date(keys: Mapping[str, str], begin: str, end: str) -> Iterator[dict[str, str]]:
    try:
        first = dt.datetime.strptime(begin, "%Y%m%d").date() if begin else EARLIEST  # noqa: DTZ007 a date has no zone
        last = dt.datetime.strptime(end, "%Y%m%d").date() if end else dt.datetime.now(tz=dt.UTC).date()  # noqa: DTZ007
    except ValueError:
        return
    for number in _PARTS:
        span = (last - first) / number
        if span.days:
            days = [(first + n * span, first + (n + 1) * span) for n in range(number)]
            yield from ({**keys, "StudyDate": f"{b:%Y%m%d}-{e:%Y%m%d}"} for b, e in reversed(days))


def _clock(part: int, of: int) -> str:
    seconds = min(_DAY - 1, _DAY * part // of)
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"
