"""Dates of one column: read in one format or not at all, moved, written as they were."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Final

from pacsflow.clinical.grid import Value, text_of

Moved = Callable[[dt.date], dt.date | None]
"""A day -> what takes its place; None: nothing may."""

FORMATS: Final = (
    "%Y-%m-%d",
    "%Y%m%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
"""Formats that are known without being told; years of two digits are not: nobody can tell the century."""
_SHAPES: Final = {"%Y": r"\d{4}", "%m": r"\d{1,2}", "%d": r"\d{1,2}", "%b": r"[A-Za-z]{3}", "%B": r"[A-Za-z]+"}
_TIME: Final = re.compile(r"[T ]\s*\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[AaPp][Mm])?(?:Z|[+-]\d\d:?\d\d)?$")
FIRST_YEAR: Final = 1850


class FormatError(ValueError):
    """A column whose dates cannot be read without guessing: why, what to do, the row's position where there is one."""

    def __init__(self, message: str, fix: str, place: int | None = None) -> None:
        super().__init__(message)
        self.fix, self.place = fix, place


def looks_like_dates(values: Sequence[Value]) -> bool:
    """Whether most of what a column holds is dates, as far as anybody can tell."""
    filled = [value for value in values if text_of(value)]
    dates = sum(isinstance(value, dt.date) or any(_read(text_of(value), form) for form in FORMATS) for value in filled)
    return 2 * dates > len(filled)


def format_of(values: Sequence[Value], heading: str) -> str:
    """The one format of a column's texts; empty where it has none. Raises FormatError where it is not clear."""
    texts = {place: text_of(value) for place, value in enumerate(values) if not isinstance(value, dt.date)}
    read = {form: {place for place, text in texts.items() if text and _read(text, form)} for form in FORMATS}
    most = max(read.values(), key=len)
    if not any(texts.values()):
        return ""
    advice = f"write --date-format '{heading}=%d.%m.%Y', as the dates are written"
    if not most:
        raise FormatError("holds no date in a format that is known", advice)
    if strange := set().union(*read.values()) - most:
        raise FormatError("mixes formats of dates", "write all dates in one format", min(strange))
    best = [form for form, places in read.items() if places == most]
    if any(_read(texts[place], best[0]) != _read(texts[place], form) for form in best[1:] for place in most):
        raise FormatError("day and month cannot be told apart", advice.replace("%d.%m.%Y", best[0]))
    return best[0]


def moved(value: Value, form: str, move: Moved) -> Value:
    """The value with its day moved, of the same kind and format, its time kept; None where it is not a whole date.

    Dates of a spreadsheet stay dates, numbers YYYYMMDD stay numbers.
    """
    if isinstance(value, dt.datetime):
        day = move(value.date())
        return dt.datetime.combine(day, value.timetz()) if day else None
    if isinstance(value, dt.date):
        return move(value)
    text = text_of(value)
    time = _time(text, form)
    day = _read(text, form) if form else None
    new = move(day) if day else None
    if new is None:
        return None
    written = new.strftime(form.replace("%Y", f"{new.year:04d}")) + time
    return int(written) if isinstance(value, int | float) and written.isdigit() else written


def shift(days: int) -> Moved:
    """Days moved by so many; those that would leave the calendar go."""

    def move(day: dt.date) -> dt.date | None:
        try:
            return day + dt.timedelta(days=days)
        except OverflowError:
            return None

    return move


def year_only(day: dt.date) -> dt.date | None:
    """The first day of the year."""
    return day.replace(month=1, day=1)


def _time(text: str, form: str) -> str:
    """The time of day behind a date; formats that hold times have none behind them."""
    found = _TIME.search(text) if "%H" not in form else None
    return found[0] if found else ""


def _read(text: str, form: str) -> dt.date | None:
    """The day, where the text is of the format and the day is one of the calendar."""
    day = text.removesuffix(_time(text, form)) if _time(text, form) else text
    if form in FORMATS and not _shape(form).fullmatch(day):
        return None
    try:
        read = dt.datetime.strptime(day, form).date()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return None
    return read if read.year >= FIRST_YEAR else None


@cache
def _shape(form: str) -> re.Pattern[str]:
    digits = _SHAPES | ({"%m": r"\d\d", "%d": r"\d\d"} if form == "%Y%m%d" else {})
    parts: Iterable[str] = re.split(r"(%[YmdbB])", form)
    return re.compile("".join(digits.get(part, re.escape(part)) for part in parts))
