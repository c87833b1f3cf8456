"""A table of rows before it is a project's: kept where it may lie, looked at, its mistakes in their cells."""

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pacsflow.errors import Problem, ProjectError
from pacsflow.projects import inspect_project
from pacsflow.projects.changing import shadow
from pacsflow.projects.folder import Inspection
from pacsflow.projects.source import Document
from pacsflow.query.fault import FaultError
from pacsflow.query.loading import load
from pacsflow.query.raw import RawTable, Reading
from pacsflow.query.suggesting import Suggestion, suggest
from pacsflow.query.tables import KINDS, read_table
from schemas.project import ProjectSettings
from schemas.query import Query, Table

FILE: Final = "query.yaml"


@dataclass(frozen=True)
class SeenRow:
    """A row as its owner wrote it: heading -> text; heading -> what is wrong there. IDENTIFYING."""

    line: int
    cells: Mapping[str, str] = field(repr=False)
    faults: Mapping[str, str]


@dataclass(frozen=True)
class SeenRows:
    """Rows with the mistakes in their cells; `others` are mistakes that are of no cell."""

    headings: tuple[str, ...]
    rows: tuple[SeenRow, ...]
    others: tuple[Problem, ...] = ()

    @property
    def faults(self) -> int:
        """Number of cells with a mistake."""
        return sum(len(row.faults) for row in self.rows)


def keep_table(folder: Path, name: str, content: bytes) -> Path:
    """A table that was handed in, below the project's private folder (0600), outside any checkout.

    Its own name is not kept, as names of files may name patients; its kind is. Raises ProjectError, OSError.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in KINDS:
        raise ProjectError.at("table", f"tables of kind `{suffix}` cannot be read", f"use {', '.join(KINDS)}")
    place = _workdir(inspect_project(folder)) / "private" / "tables"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = place / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}{suffix}"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return file


def _workdir(found: Inspection) -> Path:
    settings = found.models.get("project.yaml")
    if not isinstance(settings, ProjectSettings):
        raise ProjectError([one for one in found.problems if one.file == "project.yaml"])
    return Path(settings.workdir)


def suggestion_of(file: Path) -> Suggestion:
    """What a table says of itself. Raises ProjectError where it cannot be read, or no heading is known."""
    try:
        return suggest(file)
    except FaultError as fault:
        raise ProjectError.at("table", fault.message, fault.fix) from None


def headings_of(file: Path, heading_row: int | None) -> tuple[str, ...]:
    """The headings of a table, in order. Raises ProjectError."""
    try:
        return read_table(file, "table", Reading(heading_row=heading_row)).headings
    except FaultError as fault:
        raise ProjectError.at("table", fault.message, fault.fix) from None


def rows_seen(folder: Path, text: str) -> SeenRows:
    """The rows of a project with another text of query.yaml, each mistake in its cell."""
    with shadow(folder, {FILE: text}) as tried:
        found, problems = inspect_project(tried), _problems(tried)
        query, document = found.models.get(FILE), found.documents[FILE]
        table = _table(tried, found, query.table) if isinstance(query, Query) and query.table else None
    name = query.table.file if isinstance(query, Query) and query.table else ""
    inline = _inline(document)
    rows = [*inline, *((row.line, {h: c.text for h, c in row.cells.items()}) for row in (table.rows if table else ()))]
    headings = dict.fromkeys(heading for _, cells in rows for heading in cells)
    faults: dict[tuple[bool, int], dict[str, str]] = {}
    others = []
    lines = {(False, line) for line, _ in inline} | {(True, row.line) for row in (table.rows if table else ())}
    for one in problems:
        at = (bool(name) and one.file == name, one.line)
        heading = one.field.rpartition(".")[2]
        if at in lines and heading in headings:
            faults.setdefault(at, {})[heading] = f"{one.message} → {one.fix}" if one.fix else one.message
        else:
            others.append(one)
    seen = [
        SeenRow(line, cells, faults.get((place >= len(inline), line), {})) for place, (line, cells) in enumerate(rows)
    ]
    return SeenRows(tuple(headings), tuple(seen), tuple(others))


def _problems(folder: Path) -> Sequence[Problem]:
    try:
        load(folder)
    except ProjectError as error:
        return error.problems
    return ()


def _table(folder: Path, found: Inspection, wanted: Table) -> RawTable | None:
    file = Path(os.path.normpath(folder / Path(wanted.file.replace("${project.workdir}", _place(found))).expanduser()))
    known = frozenset({*wanted.columns, *filter(None, [wanted.id_column])})
    try:
        return read_table(file, wanted.file, Reading(wanted.sheet, wanted.encoding, wanted.heading_row, known))
    except FaultError:
        return None  # that it cannot be read is among the mistakes


def _place(found: Inspection) -> str:
    settings = found.models.get("project.yaml")
    return settings.workdir if isinstance(settings, ProjectSettings) else ""


def _inline(document: Document) -> list[tuple[int, dict[str, str]]]:
    """The rows that stand in query.yaml: their lines and cells."""
    rows = document.value_at(("rows",))
    if not isinstance(rows, list):
        return []
    return [
        (
            document.line_of(("rows", place)),
            {str(key): _text(document, place, key, value) for key, value in row.items()},
        )
        for place, row in enumerate(rows)
        if isinstance(row, dict)
    ]


def _text(document: Document, place: int, key: str, value: object) -> str:
    if isinstance(value, list):
        return "\\".join(map(str, value))
    return document.texts.get(("rows", place, key), "" if value is None else str(value))
