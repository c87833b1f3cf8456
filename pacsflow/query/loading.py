"""A project folder -> the project and all its rows, or everything that is wrong with both."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pacsflow.attributes import tag_for_keyword
from pacsflow.errors import ProjectError
from pacsflow.projects.folder import Inspection, inspect_project
from pacsflow.projects.keywords import check_keyword
from pacsflow.projects.places import named_place
from pacsflow.projects.project import Project
from pacsflow.projects.source import Document
from pacsflow.query.columns import Columns, HeadingRules, keyword_fault, understand, vr_of
from pacsflow.query.exclusions import check_exclusions
from pacsflow.query.fault import FaultError
from pacsflow.query.hospital import total_word
from pacsflow.query.index_dates import around_index_dates
from pacsflow.query.pseudonyms import check_pseudonyms
from pacsflow.query.raw import Cell, RawRow, RawTable, Reading
from pacsflow.query.row import IDENTIFIERS, Row
from pacsflow.query.rows import Harvest, RowRecipe, manner_of, repeated_ids
from pacsflow.query.series import check_rules
from pacsflow.query.survey import merged_fault, odd_lengths, offending, with_columns, with_formats
from pacsflow.query.tables import read_table
from pacsflow.query.values import LENGTHS, Manner
from schemas.deid import DeidProfile
from schemas.project import ProjectSettings
from schemas.query import Query, Table

_FILE = "query.yaml"
BLANK, TOTAL = "blank", "total"
_MOST_NAMED = 20
"""How many lines a note names."""
_TEXTS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"})
"""VRs that are matched with wildcards (PS3.4 C.2.2.2.4)."""
_DIRECTIVE = re.compile(r"%-?[A-Za-z]")


def load(folder: Path) -> tuple[Project, tuple[Row, ...]]:
    """The project and its rows, inline rows first. Raises ProjectError with all problems of files and rows."""
    inspection = inspect_project(folder)
    document = inspection.documents[_FILE]
    query = _query(inspection)
    harvest = Harvest()
    if query is not None:
        _inline(harvest, document, query, extra=_pseudonym_column(inspection))
        if query.table is not None:
            _table(harvest, inspection, query, query.table)
        check_rules(document, query.series)
        check_exclusions(document, inspection.folder, query.exclusions)
        if not harvest.count and not document.problems:
            document.problem((), "there are no rows", "write `rows:` or `table:`")
    if (column := _pseudonym_column(inspection)) and not harvest.problems:
        harvest.problems += check_pseudonyms(harvest.rows, column)
    if query is not None:
        harvest.rows, unclear = around_index_dates(harvest.rows, query.studies)
        harvest.problems += unclear
    problems = [*inspection.problems, *document.problems, *harvest.problems, *repeated_ids(harvest.rows)]
    if problems or inspection.project is None:
        raise ProjectError(problems)
    return inspection.project, tuple(harvest.rows)


def _query(inspection: Inspection) -> Query | None:
    """The query; of a query.yaml with mistakes, the parts without."""
    model = inspection.models.get(_FILE)
    document = inspection.documents[_FILE]
    if isinstance(model, Query):
        return model
    if document.value is None:
        return None
    return Query.model_validate({key: value for key, value in document.value.items() if _sound(key, value)})


def _sound(key: str, value: Any) -> bool:
    try:
        Query.model_validate({key: value})
    except ValidationError:
        return False
    return True


def _pseudonym_column(inspection: Inspection) -> str | None:
    profile = inspection.models.get("deid.yaml")
    return profile.patient.column if isinstance(profile, DeidProfile) else None


def _inline(harvest: Harvest, document: Document, query: Query, *, extra: str | None) -> None:
    for position, row in enumerate(query.rows):
        line = document.line_of(("rows", position))
        cells = {key: _cell(document, ("rows", position, key), value) for key, value in row.items()}
        keywords = {key: key for key in row if key not in {"id", extra}}
        for key in keywords:
            if fault := keyword_fault(key):
                document.problem(("rows", position, key), *fault)
        known = {key: key for key in keywords if keyword_fault(key) is None}
        columns = Columns(known, "id" if "id" in row else None, extra=frozenset(filter(None, [extra])))
        if known or not keywords:
            harvest.add(RowRecipe(_FILE, columns, level=query.level), RawRow(line, cells))
        else:
            harvest.count += 1


def _cell(document: Document, path: tuple[str | int, ...], value: Any) -> Cell:
    if path in document.texts:
        text = document.texts[path]
        return Cell("" if value is None else text, "text" if value is None or path[-1] == "id" else "unquoted")
    if isinstance(value, list) and path[-1] != "id" and _takes_lists(str(path[-1])):
        return Cell("\\".join(map(str, value)))
    return Cell(value) if isinstance(value, str) else Cell("…", "odd")


def _takes_lists(keyword: str) -> bool:
    return tag_for_keyword(keyword) is not None and vr_of(keyword) == "UI"


def _table(harvest: Harvest, inspection: Inspection, query: Query, wanted: Table) -> None:
    document = inspection.documents[_FILE]
    settings = inspection.models.get("project.yaml")
    workdir = settings.workdir if isinstance(settings, ProjectSettings) else ""
    file = named_place(document, ("table", "file"), folder=inspection.folder, text=wanted.file, workdir=workdir)
    try:
        known = frozenset({*wanted.columns, *filter(None, [wanted.id_column, _pseudonym_column(inspection)])})
        how = Reading(wanted.sheet, wanted.encoding, wanted.heading_row, known)
        raw = read_table(file, wanted.file, how)
    except FaultError as fault:
        document.problem(("table", "file"), fault.message, _found_where(wanted.file, file, fault.fix))
        return
    _check_table(document, wanted)
    recipe = _recipe(inspection, raw, wanted, level=query.level)
    skipped = _skipped(raw, recipe)
    ignored = frozenset({*raw.headings} - {*recipe.columns.keywords, recipe.columns.row_id, *recipe.columns.extra})
    merged = () if recipe.columns.problems else offending(raw, ignored, frozenset(skipped))
    if merged:  # where headings are unknown, nobody knows which columns count
        document.problem(("table", "file"), *merged_fault(merged))
    within = {line for one in merged for line in range(one.lines[0], one.lines[1] + 1)}
    mine = Harvest(count=harvest.count)
    for row in raw.rows:
        if row.line not in skipped:
            mine.add(recipe, row, raw.warnings)
    mine.problems = [each for each in mine.problems if each.line not in within]
    harvest.count = mine.count
    told = with_columns(recipe.columns.problems)
    harvest.problems += [*told, *with_formats(mine.problems, raw, recipe.columns.keywords)]
    harvest.rows += _noted(odd_lengths(mine.rows), (*raw.notes, *_told_of(skipped)))


def _found_where(said: str, file: Path, fix: str) -> str:
    """The fix; of a file that is not there, with where it was looked for."""
    if os.path.lexists(file):  # Path.exists raises for a name that is too long
        return fix
    if found := re.fullmatch(r"([A-Za-z]):[\\/](.*)", said):
        inside = f"/mnt/{found[1].lower()}/" + found[2].replace("\\", "/")
        return f"a path of Windows: in WSL write {inside}; elsewhere where the file is mounted"
    return f"{fix}; looked for it at {file}"


def _skipped(raw: RawTable, recipe: RowRecipe) -> dict[int, str]:
    """Lines that are not rows: blank ones, and lines of totals behind the last row. Line -> what it is."""
    named = {heading for heading, keyword in recipe.columns.keywords.items() if keyword in IDENTIFIERS}
    headings = frozenset({*named, *filter(None, [recipe.columns.row_id])})
    found = {row.line: BLANK for row in raw.rows if row.blank}
    for row in reversed(raw.rows):
        if row.line in found:
            continue
        if not total_word(row, headings):
            break
        found[row.line] = TOTAL
    return dict(sorted(found.items()))


def _told_of(skipped: Mapping[int, str]) -> Iterator[str]:
    for what, one in ((BLANK, "blank line"), (TOTAL, "line of totals")):
        if lines := [str(line) for line, said in skipped.items() if said == what]:
            more = f" and {len(lines) - _MOST_NAMED} more" if len(lines) > _MOST_NAMED else ""
            many = one.replace("line", "lines", 1) if len(lines) > 1 else one
            yield f"the table: {many} left out: {', '.join(lines[:_MOST_NAMED])}{more}"


def _noted(rows: list[Row], notes: tuple[str, ...]) -> list[Row]:
    """The rows; what must be told of their table once is told with the first."""
    return [replace(rows[0], warnings=(*notes, *rows[0].warnings)), *rows[1:]] if rows else rows


def _recipe(inspection: Inspection, raw: RawTable, wanted: Table, *, level: str) -> RowRecipe:
    named = _pseudonym_column(inspection)
    wishes = HeadingRules(
        raw.file, raw.heading_line, wanted.columns, wanted.id_column, frozenset(filter(None, [named]))
    )
    manner = Manner(date_formats=tuple(wanted.date_formats), zero_pad=wanted.zero_pad)
    columns = understand(raw.headings, wishes)
    contains = frozenset(wanted.contains)
    around = wanted.look_around_days
    return RowRecipe(raw.file, columns, manner_of(raw, manner), around, contains, level, raw.places)


def _check_table(document: Document, wanted: Table) -> None:
    for name, days in wanted.look_around_days.items():
        path = ("table", "look_around_days", name)
        if check_keyword(document, path, name) and vr_of(name) != "DA":
            document.problem(path, "is not a date", "look around dates, as StudyDate")
        if days < 0:
            document.problem(path, "is below zero", "write a number of days")
    for place, name in enumerate(wanted.contains):
        if check_keyword(document, ("table", "contains", place), name) and vr_of(name) not in _TEXTS:
            fix = "name texts, as StudyDescription"
            document.problem(("table", "contains", place), "takes no wildcards", fix)
    for name, digits in wanted.zero_pad.items():
        path = ("table", "zero_pad", name)
        if check_keyword(document, path, name) and not 1 <= digits <= LENGTHS["LO"]:
            document.problem(path, "is not a number of digits", "write 1 to 64")
    for position, form in enumerate(wanted.date_formats):
        named = set(_DIRECTIVE.findall(form))
        if not ("%d" in named and named & {"%m", "%b", "%B"}) and "%j" not in named:
            fix = "write it as strptime does, %d.%m.%Y"
            document.problem(("table", "date_formats", position), "gives no day and month", fix)
