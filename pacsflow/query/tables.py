"""One module per kind of table; each gives headings and cells as text, faithful to what the user sees."""

from collections.abc import Callable
from pathlib import Path

from pacsflow.query.columns import is_row_id, known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import RawTable, Reading
from pacsflow.query.reading.delimited import read_delimited
from pacsflow.query.reading.excel import read_excel
from pacsflow.query.reading.json_list import read_json
from pacsflow.query.reading.parquet import read_parquet

KINDS: dict[str, Callable[[Path, str, Reading], RawTable]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".xlsx": read_excel,
    ".xlsm": read_excel,
    ".json": read_json,
    ".parquet": read_parquet,
}
"""File suffix -> reader(file, name in problems, how)."""


_USUAL = Reading()


def read_table(file: Path, name: str, how: Reading = _USUAL) -> RawTable:
    """The table in `file`, called `name` in problems. Raises FaultError where it cannot be read."""
    reader = KINDS.get(file.suffix.lower())
    if reader is None:
        remedy = "save it as .xlsx" if file.suffix.lower() in {".xls", ".ods", ".xlsb"} else f"use {', '.join(KINDS)}"
        raise FaultError(f"tables of kind `{file.suffix}` cannot be read", remedy)
    for said, option, fitting in ((how.sheet, "sheet", read_excel), (how.encoding, "encoding", read_delimited)):
        if said is not None and reader is not fitting:
            raise FaultError(f"has no {option}", f"take `{option}` out")
    try:
        return reader(file, name, how)
    except OSError as error:
        raise FaultError(f"cannot be read: {error.strerror or type(error).__name__}", "mend the path") from None


def read_headings(file: Path, name: str) -> dict[str, str]:
    """Heading -> the keyword it stands for by itself, `id` for a row's id, '' for none. Raises FaultError."""
    return {
        heading: "id" if is_row_id(heading) else known_keyword(heading) for heading in read_table(file, name).headings
    }
