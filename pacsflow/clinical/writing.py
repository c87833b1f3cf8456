"""A clinical table to disk, whole or not at all, in the kind its name says."""

import csv
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from pacsflow.clinical.grid import Grid
from pacsflow.errors import LedgerError
from pacsflow.staging import sync


def write_grid(grid: Grid, path: Path) -> None:
    """Write the table; what stood under that name is replaced. Raises LedgerError where the disk takes it not."""
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        KINDS[path.suffix.lower()](grid, temporary)
        sync(temporary)
        temporary.replace(path)
    except OSError as error:
        message = f"the disk refused the table: {error.strerror}"
        raise LedgerError(message, fix="make room, or name another folder") from None
    finally:
        temporary.unlink(missing_ok=True)


def _delimited(separator: str) -> Callable[[Grid, Path], None]:
    def write(grid: Grid, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=separator, lineterminator=os.linesep)
            writer.writerow(grid.headings)
            writer.writerows(grid.rows)

    return write


def _excel(grid: Grid, path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    page = book.create_sheet("Sheet1")
    page.append(grid.headings)
    for row in grid.rows:
        page.append(list(row))
    with path.open("wb") as file:
        book.save(file)


def _parquet(grid: Grid, path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame(dict(zip(grid.headings, zip(*grid.rows, strict=True), strict=True)), columns=[*grid.headings])
    with path.open("wb") as file:
        frame.to_parquet(file, index=False)


KINDS: dict[str, Callable[[Grid, Path], None]] = {
    ".csv": _delimited(","),
    ".tsv": _delimited("\t"),
    ".xlsx": _excel,
    ".parquet": _parquet,
}
"""File suffix -> writer."""
