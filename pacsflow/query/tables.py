"""One module per kind of table; each gives headings and cells as text, faithful to what the user sees."""

import stat
from collections.abc import Mapping
from pathlib import Path
from pkgutil import resolve_name
from typing import Final, NamedTuple

from pacsflow.query.columns import is_row_id, known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import RawTable, Reading


class TableFormat(NamedTuple):
    """How tables of one suffix are read. `place`: `module:function` of reader(file, name in problems, how).

    `options`: which of `sheet`, `encoding` and `heading_row` can be said of them.
    """

    place: str
    options: tuple[str, ...] = ()


KINDS: Final[Mapping[str, TableFormat]] = {
    ".csv": TableFormat("pacsflow.query.reading.delimited:read_delimited", ("encoding", "heading_row")),
    ".tsv": TableFormat("pacsflow.query.reading.delimited:read_delimited", ("encoding", "heading_row")),
    ".txt": TableFormat("pacsflow.query.reading.delimited:read_delimited", ("encoding", "heading_row")),
    ".xlsx": TableFormat("pacsflow.query.reading.excel:read_excel", ("sheet", "heading_row")),
    ".xlsm": TableFormat("pacsflow.query.reading.excel:read_excel", ("sheet", "heading_row")),
    ".json": TableFormat("pacsflow.query.reading.json_list:read_json"),
    ".parquet": TableFormat("pacsflow.query.reading.parquet:read_parquet"),
}
"""File suffix -> its format."""


_USUAL = Reading()
MOST_BYTES = 256 << 20
"""Size of a table that is still read."""


def read_table(file: Path, name: str, how: Reading = _USUAL) -> RawTable:
    """The table in `file`, called `name` in problems. Raises FaultError where it cannot be read."""
    kind = KINDS.get(file.suffix.lower())
    if kind is None:
        fix = "save it as .xlsx" if file.suffix.lower() in {".xls", ".ods", ".xlsb"} else f"use {', '.join(KINDS)}"
        raise FaultError(f"tables of kind `{file.suffix}` cannot be read", fix)
    options = ((how.sheet, "sheet"), (how.encoding, "encoding"), (how.heading_row, "heading_row"))
    for said, option in options:
        if said is not None and option not in kind.options:
            raise FaultError(f"has no {option}", f"take `{option}` out")
    try:
        _check_file(file)
        table: RawTable = resolve_name(kind.place)(file, name, how)
    except FaultError:
        raise
    except OSError as error:
        raise FaultError(f"cannot be read: {error.strerror or type(error).__name__}", "correct the path") from None
    except Exception as error:  # noqa: BLE001 readers fail in many ways at what is spoilt, in words that may quote it
        raise FaultError(f"the table cannot be read ({type(error).__name__})", "save it again") from None
    return table


def _check_file(file: Path) -> None:
    """Raise FaultError for a device, a pipe or a folder, and for what no table of patients can be. Raises OSError."""
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FaultError("is not a regular file", "name the file of the table")
    if found.st_size > MOST_BYTES:
        raise FaultError(f"is larger than {MOST_BYTES >> 20} MB", "leave out what is not a row of the query")


def read_headings(file: Path, name: str) -> dict[str, str]:
    """Heading -> the keyword it stands for by itself, `id` for a row's id, '' for none. Raises FaultError."""
    return {
        heading: "id" if is_row_id(heading) else known_keyword(heading) for heading in read_table(file, name).headings
    }
