"""Rows as they were written, before anything is made of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pacsflow.cells import Typed
from pacsflow.query.columns import is_row_id, known_keyword
from pacsflow.query.dates import WINDOWS_EPOCH
from pacsflow.query.fault import FaultError

Kind = Literal["text", "number", "date", "unquoted", "odd"]
"""What a cell was: text; a number or a date of a spreadsheet; a YAML value without quotes that YAML
does not take for text; anything else (a list, an error value)."""

MOST_TITLES = 40
"""How many lines are looked at for the headings."""
_NAMED = 5
"""How many cells a message names."""


@dataclass(frozen=True)
class Reading:
    """How a file is read: which sheet of a workbook, in which encoding; left out: the first, and by its bytes.

    `heading_row`: 1-based line of the headings; left out, it is found. `known`: headings that the project explains.
    """

    sheet: str | None = None
    encoding: str | None = None
    heading_row: int | None = None
    known: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cell:
    """One cell's text, faithful to what the user sees, and what it was in its file."""

    text: str = field(repr=False)
    kind: Kind = "text"
    value: Any = field(default=None, repr=False, compare=False)
    form: str = ""

    @property
    def shown(self) -> str:
        """The text; with the value and its number format where it was a number or a date."""
        return self.text if self.value is None else Typed.of(self.text, self.value, self.form)


@dataclass(frozen=True)
class RawRow:
    """One row: its 1-based line in the file, its cells by heading, in order, and remarks on it."""

    line: int
    cells: Mapping[str, Cell] = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def blank(self) -> bool:
        """Whether no cell holds anything."""
        return not any(cell.text.strip() for cell in self.cells.values())


@dataclass(frozen=True)
class RawTable:
    """A table as read: headings in order, rows, and remarks on every row.

    `notes`: remarks on the whole table. `places`: heading -> 1-based column, where the file is a sheet. `merged`:
    ranges of merged cells below the headings, with the headings they lie under and their lines.
    """

    file: str
    headings: tuple[str, ...]
    rows: tuple[RawRow, ...]
    warnings: tuple[str, ...] = ()
    heading_line: int = 1
    stars_ask_back: bool = False
    epoch: dt.date = WINDOWS_EPOCH
    notes: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    merged: tuple["Merged", ...] = ()


@dataclass(frozen=True)
class Merged:
    """Cells that are one in their sheet: their range, the headings they lie under, their first and last line."""

    cells: str
    headings: frozenset[str]
    lines: tuple[int, int]


def moment(value: dt.date | dt.time) -> Cell:
    """The cell of a date, a time, or both; a date alone where it is midnight of no zone in particular."""
    if isinstance(value, dt.time):
        return Cell(f"{value:%H%M%S}", "date")
    if isinstance(value, dt.datetime) and (value.time() != dt.time() or value.tzinfo):
        return Cell(str(value), "date")
    return Cell(f"{value:%Y%m%d}", "date")


def table_of(file: str, grid: Sequence[tuple[int, Sequence[Cell]]], how: Reading | None = None) -> RawTable:
    """The table in a grid of (line, cells): headings first, empty columns and empty rows at its end left out.

    Lines above the headings are titles. Raises FaultError for headings that are missing or stand twice.
    """
    how = how or Reading()
    filled = [place for place, (_, cells) in enumerate(grid) if any(cell.text.strip() for cell in cells)]
    if not filled:
        raise FaultError("the table is empty", "write headings in its first line")
    at = _heading_place(grid, filled, how)
    line, heads = grid[at]
    body = grid[at + 1 : filled[-1] + 1]
    headings = _headings([" ".join(cell.text.split()) for cell in heads], body)
    rows = tuple(RawRow(place, {name: cells[column] for column, name in headings.items()}) for place, cells in body)
    found = at != filled[0] and how.heading_row is None
    notes = (f"the headings of {file} were found in line {line}; the lines above are titles",) if found else ()
    places = {name: column + 1 for column, name in headings.items()}
    return RawTable(file, tuple(headings.values()), rows, heading_line=line, notes=notes, places=places)


def heading_line(grid: Sequence[tuple[int, Sequence[Cell]]], how: Reading) -> int:
    """The line in which the headings stand; 0 in an empty grid. Raises FaultError where the line said is empty."""
    filled = [place for place, (_, cells) in enumerate(grid) if any(cell.text.strip() for cell in cells)]
    return grid[_heading_place(grid, filled, how)][0] if filled else 0


def _heading_place(grid: Sequence[tuple[int, Sequence[Cell]]], filled: list[int], how: Reading) -> int:
    """Where the headings stand: where it is said; the first line; the only one with known headings where that has none.

    A title in one cell that is by chance a heading gives way to a line with more of them.
    """
    if how.heading_row is not None:
        if found := [place for place in filled if grid[place][0] == how.heading_row]:
            return found[0]
        raise FaultError(
            f"line {how.heading_row} (`heading_row`) is empty", "write the line in which the headings stand"
        )
    scores = {place: _known(grid[place][1], how.known) for place in filled[:MOST_TITLES]}
    first, best = filled[0], max(scores.values())
    title = scores[first] == 0 or sum(bool(cell.text.strip()) for cell in grid[first][1]) == 1
    winners = [place for place, score in scores.items() if score == best]
    return winners[0] if title and len(winners) == 1 and best > scores[first] else first


def _known(cells: Sequence[Cell], known: frozenset[str]) -> int:
    names = {" ".join(cell.text.split()) for cell in cells if cell.kind == "text"}
    return sum(bool(name in known or known_keyword(name) or is_row_id(name)) for name in names if name)


def _headings(names: list[str], body: Sequence[tuple[int, Sequence[Cell]]]) -> dict[int, str]:
    headings: dict[int, str] = {}
    faults: list[tuple[str, str]] = []
    for place, name in enumerate(names):
        values = [line for line, cells in body if cells[place].text.strip()]
        if not name and not values:
            continue
        if not name:
            where = ", ".join(f"{column_letter(place + 1)}{line}" for line in values[:_NAMED])
            faults.append((f"column {place + 1} has values and no heading", f"write what it is, or empty it ({where})"))
        elif name in headings.values():
            first = names.index(name)
            faults.append((f"columns {first + 1} and {place + 1} have the same heading", "rename one of them"))
        else:
            headings[place] = name
    if faults:
        messages, fixes = zip(*faults, strict=True)
        raise FaultError("; ".join(messages), "; ".join(dict.fromkeys(fixes)))
    return headings


def column_letter(column: int) -> str:
    """The letters by which spreadsheets call a 1-based column: A, B, ..., Z, AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
