"""Rows as they were written, before anything is made of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pacsflow.query.dates import WINDOWS_EPOCH
from pacsflow.query.fault import FaultError

Kind = Literal["text", "number", "date", "unquoted", "odd"]
"""What a cell was: text; a number or a date of a spreadsheet; a YAML value without quotes that YAML
does not take for text; anything else (a list, an error value)."""


@dataclass(frozen=True)
class Reading:
    """How a file is read: which sheet of a workbook, in which encoding; left out: the first, and by its bytes."""

    sheet: str | None = None
    encoding: str | None = None


@dataclass(frozen=True)
class Cell:
    """One cell's text, faithful to what the user sees, and what it was in its file."""

    text: str = field(repr=False)
    kind: Kind = "text"


@dataclass(frozen=True)
class RawRow:
    """One row: its 1-based line in the file, its cells by heading, in order, and what must be told of it."""

    line: int
    cells: Mapping[str, Cell] = field(repr=False)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawTable:
    """A table as read: headings in order, rows, and what must be told of every row."""

    file: str
    headings: tuple[str, ...]
    rows: tuple[RawRow, ...]
    warnings: tuple[str, ...] = ()
    heading_line: int = 1
    stars_ask_back: bool = False
    epoch: dt.date = WINDOWS_EPOCH


def moment(value: dt.date | dt.time) -> Cell:
    """The cell of a date, a time, or both; a date alone where it is midnight of no zone in particular."""
    if isinstance(value, dt.time):
        return Cell(f"{value:%H%M%S}", "date")
    if isinstance(value, dt.datetime) and (value.time() != dt.time() or value.tzinfo):
        return Cell(str(value), "date")
    return Cell(f"{value:%Y%m%d}", "date")


def table_of(file: str, grid: Sequence[tuple[int, Sequence[Cell]]]) -> RawTable:
    """The table in a grid of (line, cells): headings first, empty columns and empty rows at its end left out.

    Raises FaultError for headings that are missing or stand twice.
    """
    filled = [place for place, (_, cells) in enumerate(grid) if any(cell.text.strip() for cell in cells)]
    if not filled:
        raise FaultError("the table is empty", "write headings in its first line")
    line, heads = grid[filled[0]]
    body = grid[filled[0] + 1 : filled[-1] + 1]
    headings = _headings([" ".join(cell.text.split()) for cell in heads], [cells for _, cells in body])
    rows = tuple(RawRow(at, {name: cells[place] for place, name in headings.items()}) for at, cells in body)
    return RawTable(file, tuple(headings.values()), rows, heading_line=line)


def _headings(names: list[str], body: list[Sequence[Cell]]) -> dict[int, str]:
    headings: dict[int, str] = {}
    for place, name in enumerate(names):
        if not name and not any(cells[place].text.strip() for cells in body):
            continue
        if not name:
            raise FaultError(f"column {place + 1} has values and no heading", "write what it is, or empty it")
        if name in headings.values():
            first = names.index(name)
            raise FaultError(f"columns {first + 1} and {place + 1} have the same heading", "rename one of them")
        headings[place] = name
    return headings
