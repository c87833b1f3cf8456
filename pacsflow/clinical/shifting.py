"""A clinical table under its patients' pseudonyms and day shifts."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pacsflow.clinical.columns import ClinicalColumn, Treatment
from pacsflow.clinical.days import FormatError, Moved, format_of, looks_like_dates, moved, shift, year_only
from pacsflow.clinical.grid import Grid, Value, text_of
from pacsflow.clinical.personal import MASK, without_dates
from pacsflow.deid.contract import Person
from pacsflow.errors import Problem

DateRule = Literal["shift", "year", "keep", "remove"]
"""What happens to dates, the same as to those of the images."""

OLDEST: Final = 90
_AGE: Final = re.compile(r"(\d{1,5}(?:\.\d+)?)\s*([DWMYdwmy]?)")
_YEARS: Final = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_GONE: Final = frozenset({"remove", "ask", "issuer"})


@dataclass(frozen=True)
class ShiftRules:
    """How values are replaced. `formats`: heading -> format of its dates, '' for all others, as far as the user says.

    `today`: by which somebody's birth date tells that they are 90 or older.
    """

    uid: Callable[[str], str]
    dates: DateRule
    formats: Mapping[str, str]
    today: dt.date


@dataclass
class Shifted:
    """The new table; values changed and emptied, by heading; what could not be done."""

    grid: Grid
    changed: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)


def shifted(grid: Grid, columns: Sequence[ClinicalColumn], people: Sequence[Person], ways: ShiftRules) -> Shifted:
    """The table with each row under its person, in the order of the rows; columns that go are left out."""
    gone = {"date", "birth date"} if ways.dates == "remove" else set()
    stay = [column for column in columns if column.treatment not in _GONE | gone]
    result = Shifted(Grid(grid.file, tuple(column.heading for column in stay), (), grid.lines))
    values = [_column(grid, column, people, ways, result) for column in stay]
    result.grid = Grid(grid.file, result.grid.headings, list(zip(*values, strict=True)), grid.lines)
    return result


def _column(
    grid: Grid, column: ClinicalColumn, people: Sequence[Person], ways: ShiftRules, result: Shifted
) -> Sequence[Value]:
    """The new values of a column, counted."""
    before = grid.column(column.heading)
    try:
        replace = _replacement(column, before, ways)
    except FormatError as error:
        line = 1 if error.place is None else grid.lines[error.place]
        result.problems.append(Problem(grid.file, line, column.heading, str(error), error.fix))
        return before
    after = [replace(value, person) if text_of(value) else value for value, person in zip(before, people, strict=True)]
    for old, new in zip(before, after, strict=True):
        result.changed[column.heading] += new is not None and new != old
        result.emptied[column.heading] += bool(text_of(old)) and new is None
    if column.treatment == "age" and any(map(text_of, before)) and not any(map(text_of, after)):
        message, fix = "holds no age in numbers", "write --keep or --drop, with this heading"
        result.problems.append(Problem(grid.file, 1, column.heading, message, fix))
    return after


def _replacement(column: ClinicalColumn, values: Sequence[Value], ways: ShiftRules) -> Callable[[Value, Person], Value]:
    """What takes a value's place. Raises FormatError."""
    simple: dict[Treatment, Callable[[Value, Person], Value]] = {
        "pseudonym": lambda _, person: person.pseudonym,
        "uid": lambda value, _: ways.uid(text_of(value)),
        "age": lambda value, _: age(value, unit_of(column.heading)),
        "keep": lambda value, _: value,
    }
    if column.remarks and ways.dates != "keep":
        if looks_like_dates(values):
            fix = "write --date-columns or --drop, with this heading"
            raise FormatError("holds dates, which would tell the shift of the others", fix)
        return lambda value, _: _masked(value)
    if column.treatment in simple:
        return simple[column.treatment]
    form = ways.formats.get(column.heading, ways.formats.get("", "")) or format_of(values, column.heading)

    def move(value: Value, person: Person) -> Value:
        rule: Moved = shift(person.shift_days) if ways.dates == "shift" else year_only
        if ways.dates == "keep":
            rule = shift(0)
        return moved(value, form, _but_the_old(rule, ways.today))

    return move


def _but_the_old(rule: Moved, today: dt.date) -> Moved:
    """Days, unless they are so long ago that they tell an age over 89 (45 CFR 164.514(b)(2)(i)(C)).

    Whatever the heading: no birth date in a language that is not known, and nobody's operation, is to slip through.
    """

    def move(day: dt.date) -> dt.date | None:
        old = (today.year - day.year - ((today.month, today.day) < (day.month, day.day))) >= OLDEST
        return None if old else rule(day)

    return move


def _masked(value: Value) -> Value:
    """A remark without the dates in it: true ones beside moved ones would tell the shift."""
    if isinstance(value, dt.date):
        return MASK
    text = text_of(value)
    masked = without_dates(text)
    return masked if masked != text else value


def age(value: Value, unit: str = "Y") -> Value:
    """An age, those over 89 years cut to 90; None where it is none.

    Numbers are of `unit` (D, W, M, Y), unless they name their own as DICOM does (PS3.5 6.2, AS).
    """
    match = _AGE.fullmatch(text_of(value))
    if not match:
        return None
    own = match[2].upper()
    if float(match[1]) / _YEARS[own or unit] < OLDEST:
        return value
    most = round(OLDEST * _YEARS[own or unit])
    return most if isinstance(value, int | float) else f"{OLDEST:03}Y" if own else str(most)


def unit_of(heading: str) -> str:
    """What the ages below a heading are counted in, where it says so; else years."""
    words = re.findall(r"[a-z]+", heading.casefold())
    return next((name[0].upper() for name in ("month", "week", "day") if {name, f"{name}s"} & set(words)), "Y")
