"""Excel workbooks. Cells are read one by one: pandas hides formats, merged cells and errors of Excel."""

import datetime as dt
import re
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pacsflow.query.dates import WINDOWS_EPOCH
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell, RawTable, Reading, moment, table_of

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell as ExcelCell
    from openpyxl.cell.cell import MergedCell
    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

_MAC_EPOCH = dt.date(1904, 1, 1)
_HIDDEN = "the row is hidden in its sheet, as by a filter, and asked for all the same"
_ZEROS = re.compile(r"^0{2,}$")


def read_excel(file: Path, name: str, how: Reading) -> RawTable:
    """The sheet (the first that is seen, where none is named), every cell as text. Raises FaultError, OSError."""
    book = _opened(file, data_only=True)
    page = _page(book, how.sheet)
    hidden = {number for number, row in page.row_dimensions.items() if row.hidden}
    if page.merged_cells.ranges:
        raise FaultError(f"cells {next(iter(page.merged_cells.ranges))} are merged", "unmerge them, fill every cell")
    _check_formulas(file, page)
    grid = [(number, [_cell(cell) for cell in cells]) for number, cells in enumerate(page.iter_rows(), start=1)]
    epoch = _MAC_EPOCH if book.epoch.year == _MAC_EPOCH.year else WINDOWS_EPOCH
    table = table_of(name, grid)
    rows = tuple(replace(row, notes=(_HIDDEN,)) if row.line in hidden else row for row in table.rows)
    return replace(table, rows=rows, epoch=epoch)


def _opened(file: Path, *, data_only: bool) -> "Workbook":
    import openpyxl

    try:
        with warnings.catch_warnings(), file.open("rb") as stream:
            warnings.simplefilter("ignore")  # it warns of what it will not write back, and may show a cell
            return openpyxl.load_workbook(stream, data_only=data_only)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 it fails in many ways at what is damaged
        remedy = "save it as .xlsx without a password"
        raise FaultError(f"is no Excel workbook ({type(error).__name__})", remedy) from None


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
    for cells in _opened(file, data_only=False)[page.title].iter_rows():
        for cell in cells:
            result = page[cell.coordinate]
            # A result of type `str` without a value is an empty text, as of =IF(A2="","",A2).
            if cell.data_type == "f" and result.value is None and result.data_type != "str":
                raise FaultError(f"the formula in {cell.coordinate} has no result", "open and save it in Excel")


def _cell(cell: "ExcelCell | MergedCell") -> Cell:
    value: Any = cell.value
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
