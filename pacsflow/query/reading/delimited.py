"""CSV and TSV in any common encoding, with any common separator."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pacsflow.query.columns import known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import Cell, RawTable, Reading, table_of

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SHORT = "the line has fewer cells than there are headings: what it lacks is not asked for"
_TOO_MANY = re.compile(r"Expected (\d+) fields in line (\d+), saw (\d+)")


def read_delimited(file: Path, name: str, how: Reading) -> RawTable:
    """The table; every cell is text. Raises FaultError, OSError."""
    text, warnings = _decoded(file.read_bytes(), how.encoding)
    first = 1
    if text[:4].lower() == "sep=":  # Excel writes this line for itself
        text, first = text.partition("\n")[2], 2
    body = text.lstrip("\n")
    first += len(text) - len(body)
    separator = "\t" if file.suffix.lower() == ".tsv" else _separator(body)
    grid, line = [], first
    for values in _frame(body, separator, first).itertuples(index=False, name=None):
        grid.append((line, [Cell(value) for value in values]))
        line += 1 + sum(value.count("\n") for value in values)
    table = table_of(name, grid)
    short = set(_short(body, separator, len(table.headings), [at for at, _ in grid]))
    rows = tuple(replace(row, notes=(_SHORT,)) if row.line in short else row for row in table.rows)
    return replace(table, rows=rows, warnings=warnings)


def _short(text: str, separator: str, columns: int, lines: list[int]) -> Iterator[int]:
    """The lines that break off before their last column, but for empty ones."""
    with suppress(csv.Error):  # a cell larger than it takes: pandas took it
        for line, values in zip(lines, csv.reader(io.StringIO(text), delimiter=separator), strict=False):
            if 0 < len(values) < columns:
                yield line


def _decoded(data: bytes, said: str | None) -> tuple[str, tuple[str, ...]]:
    for encoding in [said] if said else _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        except LookupError:
            raise FaultError(f"there is no encoding `{said}`", "write one as Python names it: cp1251, gbk") from None
        guessed = not said and not encoding.startswith("utf")
        told = (f"the table was read as {encoding}: look whether letters are right, else say `encoding`",)
        return _unified(text.removeprefix("\ufeff")), told if guessed else ()
    raise FaultError(f"is no text in {said}" if said else "is no text", "save it as UTF-8")


def _encodings(data: bytes) -> tuple[str, ...]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return (encoding,)
    if b"\0" in data[:200]:
        return ("utf-16-le" if data[1:2] == b"\0" else "utf-16-be",)
    return ("utf-8", "cp1252", "latin-1")


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(text: str) -> str:
    """The separator that makes most known headings of the first line; else the one that makes most columns."""
    heading = text.partition("\n")[0]

    def fitness(separator: str) -> tuple[int, int]:
        names = next(csv.reader([heading], delimiter=separator), [])
        return sum(bool(known_keyword(name.strip())) for name in names), len(names)

    return max(_SEPARATORS, key=fitness)


def _frame(text: str, separator: str, first: int) -> "pd.DataFrame":
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, dtype=str, keep_default_na=False, skip_blank_lines=False
        )
    except pd.errors.EmptyDataError:
        raise FaultError("the table is empty", "write headings in its first line") from None
    except pd.errors.ParserError as error:
        raise _fault(str(error), first) from None
    return frame.fillna("")


def _fault(said: str, first: int) -> FaultError:
    # pandas' own words may hold parts of the table, so only its numbers are taken.
    if found := _TOO_MANY.search(said):
        columns, line, saw = map(int, found.groups())
        return FaultError(
            f"line {line + first - 1} has {saw} cells, the first line {columns}",
            "put values that hold the separator in quotes",
        )
    return FaultError("the table cannot be read, a quotation mark may lack its partner", "look at its last lines")
