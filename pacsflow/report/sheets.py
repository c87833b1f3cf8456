"""Tables as CSV and as workbooks: texts stay texts with their zeros, nothing is a formula.

Numbers and dates that the user's own workbook had come back as what they were.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from pacsflow.cells import Typed
from pacsflow.staging import PRIVATE, whole_file

LONGEST_CELL = 32767
_ROWS_MEASURED = 200
_WIDEST = 48
_WRAPPED = Alignment(wrap_text=True, vertical="top")
_HEAD = PatternFill("solid", start_color="FF1F3A4D")


WORKBOOK_ROWS = 20_000
"""Of projects with more rows there are CSV files alone: a spreadsheet hardly opens such a workbook, and it takes
longer to write than everything else of a report."""


@dataclass(frozen=True)
class RemadeLines(Iterable[Sequence[str]]):
    """Lines that are made again each time somebody goes through them, so that they are never in memory together."""

    make: Callable[[], Iterator[Sequence[str]]]

    def __iter__(self) -> Iterator[Sequence[str]]:
        return self.make()


@dataclass(frozen=True)
class Sheet:
    """A table: its name, headings, and rows of texts. `choices`: heading -> what may be written there."""

    name: str
    headings: Sequence[str]
    rows: Iterable[Sequence[str]]
    choices: Mapping[str, Sequence[str]] | None = None


def number(value: int) -> str:
    """A number, which a workbook can add up."""
    return Typed.of(str(value), value, "0")


def write_csv(path: Path, sheet: Sheet, *, exact: bool = False) -> Path:
    """Write as UTF-8 with a byte order mark, so that Excel reads it. Unless `exact`, texts are `disarmed`."""
    with whole_file(path, PRIVATE) as temporary, temporary.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(sheet.headings)
        writer.writerows(sheet.rows if exact else (list(map(disarmed, row)) for row in sheet.rows))
    return path


def disarmed(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def write_workbook(path: Path, sheets: Iterable[Sheet]) -> Path:
    """Write the sheets into one .xlsx file."""
    book = Workbook(write_only=True)
    for sheet in sheets:
        _write_sheet(book.create_sheet(sheet.name), sheet)
    with whole_file(path, PRIVATE) as temporary, temporary.open("wb") as stream:
        book.save(stream)
    return path


def _write_sheet(page: Any, sheet: Sheet) -> None:
    last, rows = get_column_letter(max(1, len(sheet.headings))), list(sheet.rows)
    page.freeze_panes = "A2"
    page.auto_filter.ref = f"A1:{last}{len(rows) + 1}"
    for position, heading in enumerate(sheet.headings):
        texts = [heading, *(row[position] for row in rows[:_ROWS_MEASURED])]
        page.column_dimensions[get_column_letter(position + 1)].width = min(_WIDEST, max(map(len, texts)) + 3)
    for heading, choices in (sheet.choices or {}).items() if rows else ():
        letter = get_column_letter(list(sheet.headings).index(heading) + 1)
        rule = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True, showErrorMessage=True)
        rule.add(f"{letter}2:{letter}{len(rows) + 1}")
        page.data_validations.append(rule)
    page.append([_cell(page, heading, head=True) for heading in sheet.headings])
    for row in rows:
        page.append([_cell(page, text) for text in row])


def _cell(page: Any, text: str, *, head: bool = False) -> Any:
    cell = WriteOnlyCell(page, value="")
    cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)[:LONGEST_CELL] or None
    if isinstance(text, Typed) and not head:
        cell = WriteOnlyCell(page, value=text.value)
        cell.number_format = text.form or cell.number_format
        return cell
    if text:
        cell.data_type = "s"
    cell.number_format = "@"
    if len(text) > _WIDEST and " " in text:
        cell.alignment = _WRAPPED
    if head:
        cell.font, cell.fill = Font(bold=True, color="FFFFFFFF"), _HEAD
        cell.alignment = Alignment(vertical="center")
    return cell


def own_columns(cells: Iterable[Mapping[str, str]]) -> list[str]:
    """The headings of all rows in the order in which they first stand; rows may come from several tables."""
    return list(dict.fromkeys(name for row in cells for name in row))
