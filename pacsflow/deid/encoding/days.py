"""Days and times of day told in text, in the spellings people use, in six languages."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

Day = tuple[int, int, int]
"""Year (of two or four digits), month, day."""

_MONTHS: Final = (
    "jan january januar jänner janvier janv gennaio gen enero ene januari",
    "feb february februar fév février févr fev fevrier febbraio febrero februari",
    "mar march mär märz maerz marz mars marzo mrt maart mrz",
    "apr april avr avril aprile abr abril",
    "may mai maggio mag mayo mei",
    "jun june juni juin giu giugno junio",
    "jul july juli juil juillet lug luglio julio",
    "aug august aoû août aout ago agosto augustus",
    "sep sept september septembre set settembre septiembre",
    "oct october okt oktober octobre ott ottobre octubre",
    "nov november novembre noviembre",
    "dec december dez dezember déc décembre decembre dic dicembre diciembre",
)
_MONTH: Final = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
_ROMAN: Final = {name: number for number, name in enumerate("i ii iii iv v vi vii viii ix x xi xii".split(), 1)}  # noqa: SIM905
"""Months as they stand between day and year in much of Europe: 12.V.2015."""
_WEEK: Final = re.compile(r"(?<!\d)(\d{4})-?w(\d\d)-?([1-7])(?!\d)")
_BESIDE: Final = frozenset(("de", "del", "of", "the", "den", "st", "nd", "rd", "th", "er", "e", "le", "il", "el"))
"""What stands between day, month and year: 1st of May, 1er mai, 3 de mayo del 2015."""
_PIECE: Final = re.compile(r"\d+|[^\W\d_]+")
_NUMBERS: Final = re.compile(r"(?<!\d)(\d{4}|\d{1,2})\s?([./_-])\s?(\d{1,2})\s?\2\s?['\u2019]?(\d{4}|\d{1,2})(?!\d)")
_RUN: Final = re.compile(r"\d{6,}")
_SPACED: Final = re.compile(r"(?<!\d)(\d{4}) (\d\d) (\d\d)(?!\d)|(?<!\d)(\d\d?) (\d\d?) (\d{4})(?!\d)")
_PAIRS: Final = re.compile(r"(?<!\d)(?=(\d\d) (\d\d) (\d\d)(?!\d))")
_LAST_MONTH, _LAST_DAY = 12, 31
_SHORT, _LONG = 6, 8


def days_in(text: str) -> Iterator[Day]:
    """Every day that a text may tell, in each way to read it. Linear in the text's length."""
    if not any(letter.isdigit() for letter in text):
        return
    for match in _NUMBERS.finditer(text):
        yield from _orders(int(match[1]), int(match[3]), int(match[4]))
    for match in _SPACED.finditer(text):
        first, second, third = (int(part) for part in match.groups() if part)
        yield from _orders(first, second, third)
    for first, second, third in _PAIRS.findall(text):
        yield from _orders(int(first), int(second), int(third))
    for run in _RUN.findall(text):
        yield from _of_run(run)
    low = text.casefold()
    yield from _in_words(low)
    for year, week, number in _WEEK.findall(low):
        yield from _of_week(int(year), int(week), int(number))


def _orders(first: int, second: int, third: int) -> Iterator[Day]:
    """Year first, or last with day or month before it."""
    for day in ((first, second, third), (third, second, first), (third, first, second), (first, third, second)):
        if 1 <= day[1] <= _LAST_MONTH and 1 <= day[2] <= _LAST_DAY:
            yield day


def _of_run(run: str) -> Iterator[Day]:
    """Digits without separators: YYYYMMDD, DDMMYYYY, MMDDYYYY, with a time behind them or not; six digits alone."""
    if len(run) == _SHORT:
        yield from _orders(int(run[:2]), int(run[2:4]), int(run[4:]))
    for start in range(len(run) - _LONG + 1):
        part = run[start : start + _LONG]
        yield from _orders(int(part[:4]), int(part[4:6]), int(part[6:]))
        yield from _orders(int(part[:2]), int(part[2:4]), int(part[4:]))


def _of_week(year: int, week: int, number: int) -> Iterator[Day]:
    """A day of a week (ISO 8601), where the year has that week."""
    try:
        day = date.fromisocalendar(year, week, number)
    except ValueError:
        return
    yield day.year, day.month, day.day


def _in_words(text: str) -> Iterator[Day]:
    pieces = [piece for piece in _PIECE.findall(text) if piece not in _BESIDE]
    for at, piece in enumerate(pieces):
        month = _MONTH.get(piece) or _ROMAN.get(piece)
        if month is None:
            continue
        around = [pieces[at - 2 : at], pieces[at - 1 : at] + pieces[at + 1 : at + 2], pieces[at + 1 : at + 3]]
        for pair in around:
            if len(pair) == 2 and all(each.isdecimal() and len(each) <= 4 for each in pair):  # noqa: PLR2004
                first, second = int(pair[0]), int(pair[1])
                yield from ((year, month, day) for year, day in ((first, second), (second, first)) if day)


def readings(day: date) -> frozenset[Day]:
    """How `days_in` tells a day: its year with four digits or with two."""
    return frozenset({(day.year, day.month, day.day), (day.year % 100, day.month, day.day)})


def day_of(text: str) -> date | None:
    """The day that a value of DA or DT begins with (PS3.5 6.2), also as YYYY.MM.DD or YYYY-MM-DD; None: no day."""
    match = re.match(r"\s*(\d{4})([.-]?)(\d\d)\2(\d\d)", text)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None
