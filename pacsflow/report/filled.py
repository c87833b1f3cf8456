"""A sheet of the plan, or its CSV file, as a person gave it back."""

import codecs
import csv
import io
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import load_workbook

from pacsflow.errors import ProjectError

HELD, SERIES = "held", "series"
"""The sheets of the plan that come back with decisions."""
DECISIONS = ("take", "drop")


@dataclass(frozen=True)
class FilledLine:
    """A line below the headings: its number, its texts in the order asked for, whether a filter hides it."""

    number: int
    texts: tuple[str, ...]
    hidden: bool


def read_lines(path: Path, sheet: str, needed: Sequence[str], *, optional: Sequence[str] = ()) -> list[FilledLine]:
    """The columns `needed` of a sheet of plan.xlsx, or of `plan-<sheet>.csv`; lines without any text are left out.

    Columns of `optional` that are not there are empty.

    Raises ProjectError where it is not such a sheet.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ProjectError.at(path.name, f"cannot be read: {error.strerror}", "fix the path") from None
    lines = list(_of_csv(path, data) if path.suffix.lower() == ".csv" else _of_workbook(path, data, sheet))
    headings = [text.casefold() for text in lines[0].texts] if lines else []
    if missing := [name for name in needed if name not in headings]:
        fix = f"fill in the plan's own file: plan.xlsx, or plan-{sheet}.csv"
        raise ProjectError.at(path.name, f"has no column {', '.join(missing)}", fix, line=1)
    places = [headings.index(name) if name in headings else len(headings) for name in (*needed, *optional)]
    return [
        FilledLine(
            one.number, tuple(one.texts[place] if place < len(one.texts) else "" for place in places), one.hidden
        )
        for one in lines[1:]
        if any(one.texts)
    ]


def _of_csv(path: Path, data: bytes) -> Iterator[FilledLine]:
    text = _decoded(data)
    # Excel writes semicolons where a comma is the decimal sign
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        for number, line in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
            yield FilledLine(number, tuple(text.strip() for text in line), hidden=False)
    except csv.Error:
        raise ProjectError.at(path.name, "is not a table", "save it as CSV again") from None


def _decoded(data: bytes) -> str:
    """The text, in whatever encoding a spreadsheet saved it: what is asked for in it is ASCII."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _of_workbook(path: Path, data: bytes, sheet: str) -> Iterator[FilledLine]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it will not write back, and may show a cell
            book = load_workbook(io.BytesIO(data), data_only=True)
    except Exception:  # noqa: BLE001 it fails in many ways at what is damaged
        fix = f"name plan.xlsx or plan-{sheet}.csv"
        raise ProjectError.at(path.name, "is not a workbook", fix) from None
    if sheet not in book.sheetnames:
        raise ProjectError.at(path.name, f"has no sheet `{sheet}`", "name the plan's workbook")
    page = book[sheet]
    hidden = {number for number, row in page.row_dimensions.items() if row.hidden}
    for number, line in enumerate(page.iter_rows(values_only=True), start=1):
        yield FilledLine(number, tuple("" if value is None else str(value).strip() for value in line), number in hidden)
