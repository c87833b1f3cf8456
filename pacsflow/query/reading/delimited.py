"""CSV and TSV in any common encoding, with any common separator."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pacsflow.query.columns import known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import MOST_TITLES, Cell, RawTable, Reading, heading_line, table_of
from pacsflow.wording import counted

if TYPE_CHECKING:
    import pandas as pd

_SEPARATORS = (",", ";", "\t", "|")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SHORT = "the line has fewer cells than there are headings: what it lacks is not asked for"

_END = "\N{END OF TRANSMISSION}"
"""A line behind the last one: where a quotation mark lacks its partner, it is a part of the last cell."""
_UNREAD = ("the table cannot be read, a quotation mark may lack its partner", "look at its last lines")


def read_delimited(file: Path, name: str, how: Reading) -> RawTable:
    """The table; every cell is text. Raises FaultError, OSError."""
    text, warnings = _decoded(file.read_bytes(), how.encoding)
    first = 1
    if text[:4].lower() == "sep=":  # Excel writes this line for itself
        text, first = text.partition("\n")[2], 2
    body = text.lstrip("\n")
    first += len(text) - len(body)
    separator = "\t" if file.suffix.lower() == ".tsv" else _separator(body, how.known)
    grid, line = [], first
    for values in _lines(body, separator):
        grid.append((line, [Cell(value) for value in values]))
        line += 1 + sum(value.count("\n") for value in values)
    _check_widths(body, separator, grid, how)
    table = table_of(name, grid, how)
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
    raise FaultError(f"is not text in {said}" if said else "is not text", "save it as UTF-8")


def _encodings(data: bytes) -> tuple[str, ...]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return (encoding,)
    if b"\0" in data[:200]:
        return ("utf-16-le" if data[1:2] == b"\0" else "utf-16-be",)
    return ("utf-8", "cp1252", "latin-1")


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _separator(text: str, known: frozenset[str]) -> str:
    """The separator that makes most known headings of one of the first lines; else the one that makes most columns."""
    lines = text.split("\n", MOST_TITLES)[:MOST_TITLES]

    def fitness(separator: str) -> tuple[int, int]:
        return max(_fitness(line, separator, known) for line in lines)

    return max(_SEPARATORS, key=fitness)


def _fitness(line: str, separator: str, known: frozenset[str]) -> tuple[int, int]:
    try:
        names = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell larger than it takes
        names = line.split(separator)
    return sum(bool(name.strip() in known or known_keyword(name.strip())) for name in names), len(names)


def _width(text: str, separator: str) -> int:
    """The number of cells of the widest line."""
    widest = max((line.count(separator) + 1 for line in text.split("\n")), default=1)
    with suppress(csv.Error):  # a cell larger than it takes: such a line has no more cells than separators
        widest = max(widest, *(len(values) for values in csv.reader(io.StringIO(text), delimiter=separator)), 1)
    return widest


def _check_widths(text: str, separator: str, grid: list[tuple[int, list[Cell]]], how: Reading) -> None:
    """Raise FaultError where lines below the headings have values beyond the last of them."""
    heading = heading_line(grid, how)
    try:
        widths = {line: values for (line, _), values in zip(grid, csv.reader(io.StringIO(text), delimiter=separator),
                                                            strict=False)}  # fmt: skip
    except csv.Error:
        return
    columns = len(widths.get(heading, ()))
    long = [line for line, values in widths.items() if line > heading and any(v.strip() for v in values[columns:])]
    if columns and long:
        more = f", and {counted(len(long) - 1, 'more line')} likewise" if len(long) > 1 else ""
        first = "the first line" if heading == min(widths, default=heading) else f"line {heading}"
        raise FaultError(
            f"line {long[0]} has {counted(len(widths[long[0]]), 'cell')}, {first} {columns}{more}",
            "put values that hold the separator in quotes",
        )


def _lines(text: str, separator: str) -> Iterator[tuple[str, ...]]:
    """The cells of each line, all lines as wide as the widest. Raises FaultError."""
    try:
        lines = list(csv.reader(io.StringIO(f"{text}\n{_END}" if text else ""), delimiter=separator))
    except csv.Error:  # a cell larger than it takes
        yield from _frame(text, separator).itertuples(index=False, name=None)
        return
    if not lines:
        raise FaultError("the table is empty", "write headings in its first line")
    if lines.pop() != [_END]:
        raise FaultError(*_UNREAD)
    if text.endswith("\n"):
        lines.pop()
    width = max(_width(text, separator), 1)
    yield from ((*values, *[""] * (width - len(values))) for values in lines)


def _frame(text: str, separator: str) -> "pd.DataFrame":
    import pandas as pd

    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            names=range(_width(text, separator)),
            index_col=False,
            dtype=str,
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except pd.errors.ParserError:  # pandas' own words may hold parts of the table
        raise FaultError(*_UNREAD) from None
    return frame.fillna("")
