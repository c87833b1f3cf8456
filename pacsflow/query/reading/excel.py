"""Excel workbooks. Cells are read one by one: pandas hides formats, merged cells and errors of Excel."""

import datetime as dt
import re
import warnings
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacsflow.query.dates import WINDOWS_EPOCH
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell, Merged, RawTable, Reading, moment, table_of

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell as ExcelCell
    from openpyxl.cell.cell import MergedCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MAC_EPOCH = dt.date(1904, 1, 1)
_HIDDEN = "the row is hidden in its sheet, as by a filter, and asked for all the same"
_MERGED = re.compile(rb"""<mergeCell\s[^>]{0,200}?ref\s*=\s*["']([^"']{1,40})["']""")
_MOST_CELLS = 5_000_000
_NAMED = 10
"""How many cells a message names."""
_MOST_UNPACKED = 1 << 30
"""Cells of a sheet, and bytes of a workbook without its compression, that are still read."""
_ZEROS = re.compile(r"^0{2,}$")


def read_excel(file: Path, name: str, how: Reading) -> RawTable:
    """The sheet (the first that is seen, where none is named), every cell as text. Raises FaultError, OSError."""
    book = _opened(file, data_only=True)
    page = _page(book, how.sheet)
    hidden = {number for number, row in page.row_dimensions.items() if row.hidden}
    _check_formulas(file, page)
    extent = _extent(page)
    lines = enumerate(page.iter_rows(max_row=extent[0], max_col=extent[1]), start=1)
    grid = [(number, [_cell(cell) for cell in cells]) for number, cells in lines]
    epoch = _MAC_EPOCH if book.epoch.year == _MAC_EPOCH.year else WINDOWS_EPOCH
    table = table_of(name, grid, how)
    rows = tuple(replace(row, notes=(_HIDDEN,)) if row.line in hidden else row for row in table.rows)
    return replace(table, rows=rows, epoch=epoch, merged=_merged(page, table))


def _merged(page: "Worksheet", table: RawTable) -> tuple[Merged, ...]:
    """The merged cells in or below the headings that reach into a column of the table."""
    found = []
    for one in page.merged_cells.ranges:
        under = {name for name, column in table.places.items() if one.min_col <= column <= one.max_col}
        if under and one.max_row >= table.heading_line:
            found.append(Merged(str(one), frozenset(under), (one.min_row, one.max_row)))
    return tuple(sorted(found, key=lambda one: one.lines))


def _opened(file: Path, *, data_only: bool) -> "Workbook":
    import openpyxl

    _check_room(file)
    try:
        with warnings.catch_warnings(), file.open("rb") as stream:
            warnings.simplefilter("ignore")  # it warns of what it will not write back, and may show a cell
            return openpyxl.load_workbook(stream, data_only=data_only)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 it fails in many ways at what is damaged
        fix = "save it as .xlsx without a password"
        raise FaultError(f"is no Excel workbook ({type(error).__name__})", fix) from None


def _check_room(file: Path) -> None:
    """Raise FaultError for a workbook that takes more room than any table of patients when it is opened."""
    from openpyxl.utils import range_boundaries

    try:
        with zipfile.ZipFile(file) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            names = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
            sheets = [parts.read(name) for name in names] if unpacked <= _MOST_UNPACKED else []
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, zlib.error):
        return  # reported below
    if unpacked > _MOST_UNPACKED:
        raise FaultError(f"is larger than {_MOST_UNPACKED >> 20} MB when unpacked", "keep the table alone in it")
    for reference in (found[1].decode("ascii", "replace") for sheet in sheets for found in _MERGED.finditer(sheet)):
        try:
            left, top, right, bottom = (side or 1 for side in range_boundaries(reference))
        except (TypeError, ValueError):
            continue
        if (right - left + 1) * (bottom - top + 1) > _MOST_CELLS:
            raise FaultError(f"cells {reference} are merged", "unmerge them, fill every cell")


def _extent(page: "Worksheet") -> tuple[int, int]:
    """The last row and column in which anything stands; Excel leaves formatted cells far away. Raises FaultError."""
    filled = [cell for cell in page._cells.values() if cell.value is not None]  # noqa: SLF001 all others walk the whole
    row, column = (max((getattr(cell, side) for cell in filled), default=1) for side in ("row", "column"))
    if row * column > _MOST_CELLS:
        far = max(filled, key=lambda cell: cell.row * cell.column).coordinate
        raise FaultError(f"the sheet reaches to {far}", f"empty the cells that are not the table's, as {far}")
    return row, column


def _page(book: "Workbook", sheet: str | None) -> "Worksheet":
    if not book.worksheets:
        raise FaultError("has no sheet with cells", "save it as .xlsx, with the table in its first sheet")
    if sheet is None:
        seen = (page for page in book.worksheets if page.sheet_state == "visible")
        return next(seen, book.worksheets[0])
    found = next((page for page in book.worksheets if page.title == sheet), None)
    if found is None:
        raise FaultError(f"has no sheet `{sheet}`", f"write one of {', '.join(page.title for page in book.worksheets)}")
    return found


def _check_formulas(file: Path, page: "Worksheet") -> None:
    """A formula that was never computed looks empty, and an empty cell widens the query."""
    with zipfile.ZipFile(file) as parts:
        sheets = [part for part in parts.namelist() if part.startswith("xl/worksheets/")]
        if not any(b"<f>" in parts.read(part) or b"<f " in parts.read(part) for part in sheets):
            return
    lacking = []
    for cell in _opened(file, data_only=False)[page.title]._cells.values():  # noqa: SLF001 all others walk the whole
        if cell.data_type != "f":
            continue
        result = page[cell.coordinate]
        # A result of type `str` without a value is an empty text, as of =IF(A2="","",A2).
        if result.value is None and result.data_type != "str":
            lacking.append(cell.coordinate)
    if lacking:
        others = lacking[1:_NAMED]
        rest = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        more = f" (and those in {', '.join(others)}{rest})" if others else ""
        told = f"the formula in {lacking[0]} has no result{more}"
        raise FaultError(told, "open and save it in Excel")


def _cell(cell: "ExcelCell | MergedCell") -> Cell:
    value: Any = cell.value
    read = _read(cell, value)
    typed = isinstance(value, dt.date | dt.time | int | float) and cell.data_type != "e"
    return replace(read, value=value, form=str(cell.number_format)) if typed else read


def _read(cell: "ExcelCell | MergedCell", value: Any) -> Cell:
    if cell.data_type == "e" or isinstance(value, bool):
        return Cell(str(value).upper(), "odd")
    if isinstance(value, dt.date | dt.time):
        return moment(value)
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format))
    return Cell("" if value is None else str(value))


def _number(value: float, number_format: str) -> Cell:
    if isinstance(value, float) and not value.is_integer():
        return Cell(repr(value), "number")
    digits = str(int(value))
    if _ZEROS.match(number_format):  # the format shows the zeros, so the user sees them
        return Cell(digits.zfill(len(number_format)))
    return Cell(digits, "number")
