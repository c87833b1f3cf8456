"""A project folder -> the project and all its rows, or everything that is wrong with both."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydicom.datadict import tag_for_keyword

from pacsflow.errors import ProjectError
from pacsflow.projects import Document, Inspection, Project, check_keyword, inspect_project, named_place
from pacsflow.query.columns import Columns, Wishes, keyword_fault, understand, vr_of
from pacsflow.query.fault import FaultError
from pacsflow.query.pseudonyms import check_pseudonyms
from pacsflow.query.raw import Cell, RawRow, RawTable, Reading
from pacsflow.query.row import Row
from pacsflow.query.rows import Harvest, Recipe, manner_of, repeated_ids
from pacsflow.query.series import check_rules
from pacsflow.query.tables import read_table
from pacsflow.query.values import LENGTHS, Manner
from schemas import DeidProfile, ProjectSettings, Query
from schemas.query import Table

_FILE = "query.yaml"
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
        if not harvest.count and not document.problems:
            document.problem((), "there are no rows", "write `rows:` or `table:`")
    if (column := _pseudonym_column(inspection)) and not harvest.problems:
        harvest.problems += check_pseudonyms(harvest.rows, column)
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
            harvest.add(Recipe(_FILE, columns, level=query.level), RawRow(line, cells))
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
    try:
        settings = inspection.models.get("project.yaml")
        workdir = settings.workdir if isinstance(settings, ProjectSettings) else ""
        file = named_place(document, ("table", "file"), folder=inspection.folder, text=wanted.file, workdir=workdir)
        raw = read_table(file, wanted.file, Reading(wanted.sheet, wanted.encoding))
    except FaultError as fault:
        document.problem(("table", "file"), fault.message, fault.remedy)
        return
    _check_table(document, wanted)
    recipe = _recipe(inspection, raw, wanted, level=query.level)
    harvest.problems += recipe.columns.problems
    for row in raw.rows:
        harvest.add(recipe, row, raw.warnings)


def _recipe(inspection: Inspection, raw: RawTable, wanted: Table, *, level: str) -> Recipe:
    named = _pseudonym_column(inspection)
    wishes = Wishes(raw.file, raw.heading_line, wanted.columns, wanted.id_column, frozenset(filter(None, [named])))
    manner = Manner(date_formats=tuple(wanted.date_formats), zero_pad=wanted.zero_pad)
    columns = understand(raw.headings, wishes)
    contains = frozenset(wanted.contains)
    return Recipe(raw.file, columns, manner_of(raw, manner), wanted.look_around_days, contains, level)


def _check_table(document: Document, wanted: Table) -> None:
    for name, days in wanted.look_around_days.items():
        path = ("table", "look_around_days", name)
        if check_keyword(document, path, name) and vr_of(name) != "DA":
            document.problem(path, "is no date", "look around dates, as StudyDate")
        if days < 0:
            document.problem(path, "is below zero", "write a number of days")
    for place, name in enumerate(wanted.contains):
        if check_keyword(document, ("table", "contains", place), name) and vr_of(name) not in _TEXTS:
            remedy = "name texts, as StudyDescription"
            document.problem(("table", "contains", place), "takes no wildcards", remedy)
    for name, digits in wanted.zero_pad.items():
        path = ("table", "zero_pad", name)
        if check_keyword(document, path, name) and not 1 <= digits <= LENGTHS["LO"]:
            document.problem(path, "is no number of digits", "write 1 to 64")
    for position, form in enumerate(wanted.date_formats):
        named = set(_DIRECTIVE.findall(form))
        if not ("%d" in named and named & {"%m", "%b", "%B"}) and "%j" not in named:
            remedy = "write it as strptime does, %d.%m.%Y"
            document.problem(("table", "date_formats", position), "gives no day and month", remedy)
