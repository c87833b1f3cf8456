"""Raw rows -> rows ready to be asked, or what is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from pacsflow.errors import Problem
from pacsflow.query.columns import QUERY_LEVEL, Columns, vr_of
from pacsflow.query.dates import widened
from pacsflow.query.fault import FaultError
from pacsflow.query.hospital import total_word
from pacsflow.query.levels import PATIENT_KEYWORDS, level_of
from pacsflow.query.raw import Cell, RawRow, RawTable, column_letter
from pacsflow.query.row import IDENTIFIERS, INDEX_DATE, Row
from pacsflow.query.values import Manner, read_value

LEVELS = {"PATIENT": "patient", "STUDY": "study", "SERIES": "series", "IMAGE": "series"}
"""QueryRetrieveLevel (PS3.4 C.6) -> what a row wants."""
_NARROW = (IDENTIFIERS - {"SOPInstanceUID"}) | {"StudyDate", "SeriesDate", "PatientBirthDate"}
"""Keywords of which a row needs one; by what only images answer, every study would be looked into."""


@dataclass(frozen=True)
class RowRecipe:
    """How the rows of one table are made: its columns, how values are read, dates widened, and its file."""

    file: str
    columns: Columns
    manner: Manner = field(default_factory=Manner)
    look_around: Mapping[str, int] = field(default_factory=dict)
    contains: frozenset[str] = frozenset()
    level: str = "study"
    places: Mapping[str, int] = field(default_factory=dict)
    """Heading -> 1-based column, where the file is a sheet."""

    def problem(self, raw: RawRow, heading: str, message: str, fix: str) -> Problem:
        """A mistake in a row, with the address of its cell where it has one."""
        column = self.places.get(heading, 0)
        cell = f"{column_letter(column)}{raw.line}" if column else ""
        return Problem(self.file, raw.line, heading, message, fix, cell)


@dataclass
class Harvest:
    """Rows and problems, gathered over the tables of a query."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, recipe: RowRecipe, raw: RawRow, warnings: tuple[str, ...] = ()) -> None:
        """The row of `raw`, or its problems."""
        self.count += 1
        problems, keys, notes = _keys(recipe, raw)
        index_date = keys.pop(INDEX_DATE, "")
        blank = raw.blank
        problems += _faults_of_row(recipe, raw, keys, blank=blank) if not problems else []
        row_id, id_problems = self._row_id(recipe, raw)
        self.problems += problems if blank else [*problems, *id_problems]
        extra = {name: raw.cells[name].text.strip() for name in raw.cells if name in recipe.columns.extra}
        if not problems and not id_problems:
            self.rows.append(
                Row(
                    number=self.count,
                    id=row_id,
                    keys=keys,
                    extra=extra,
                    origin=(recipe.file, raw.line),
                    cells={heading: cell.shown for heading, cell in raw.cells.items()},
                    warnings=(*warnings, *raw.notes, *notes),
                    level=_level(recipe, raw) or recipe.level,
                    index_date=index_date,
                )
            )

    def _row_id(self, recipe: RowRecipe, raw: RawRow) -> tuple[str, list[Problem]]:
        heading = recipe.columns.row_id
        if heading is None or heading not in raw.cells:
            return str(self.count), []
        row_id = raw.cells[heading].text.strip()
        if row_id:
            return row_id, []
        return "", [recipe.problem(raw, heading, "the row has no id", "give it one")]


def repeated_ids(rows: list[Row]) -> Iterator[Problem]:
    """A problem for each row whose id an earlier row has."""
    first: dict[str, Row] = {}
    for row in rows:
        twin = first.setdefault(row.id, row)
        if twin is not row:
            message = f"the row's id is also that of row {twin.number} ({twin.origin[0]}:{twin.origin[1]})"
            yield Problem(*row.origin, "", message, "give every row its own id")


def manner_of(table: RawTable, manner: Manner) -> Manner:
    """How the values of `table` are read: `manner`, with what the kind of file brings along."""
    return replace(manner, stars_ask_back=table.stars_ask_back, epoch=table.epoch)


def _keys(recipe: RowRecipe, raw: RawRow) -> tuple[list[Problem], dict[str, str], list[str]]:
    problems: list[Problem] = []
    keys: dict[str, str] = {}
    notes: list[str] = []
    for heading, keyword in recipe.columns.keywords.items():
        cell = raw.cells.get(heading, Cell(""))
        if not cell.text.strip() and cell.kind != "odd":
            continue
        try:
            value = read_value(keyword, cell, recipe.manner)
        except FaultError as fault:
            problems.append(recipe.problem(raw, heading, fault.message, fault.fix))
            continue
        keys[keyword] = value.text
        notes += value.warnings
        if keyword in recipe.contains and value.text and not set("*?") & set(value.text):
            keys[keyword] = f"*{value.text}*"
        days = recipe.look_around.get(keyword, 0)
        if days and value.text and vr_of(keyword) == "DA":
            keys[keyword] = widened(value.text, days)
    return problems, keys, notes


def _faults_of_row(recipe: RowRecipe, raw: RawRow, keys: Mapping[str, str], *, blank: bool) -> list[Problem]:
    if blank:
        return [Problem(recipe.file, raw.line, "", "the row is empty", "take it out")]
    named = {heading for heading, keyword in recipe.columns.keywords.items() if keyword in IDENTIFIERS}
    if recipe.places and (total := total_word(raw, frozenset({*named, *filter(None, [recipe.columns.row_id])}))):
        return [recipe.problem(raw, total, "looks like a line of totals among the rows", "take the line out")]
    level = _level(recipe, raw)
    if level is None:
        return [Problem(recipe.file, raw.line, QUERY_LEVEL, "is not a level", f"write one of {', '.join(LEVELS)}")]
    asked = {keyword for keyword, value in keys.items() if value}
    if not recipe.columns.problems and not asked & _NARROW:
        message = "the row has neither an identifier nor a date, it would ask for too much"
        if of_images := {keyword for keyword in asked if level_of(keyword) == "IMAGE"}:
            message = f"only images answer {_listed(of_images)}, so it would ask for every study"
        return [Problem(recipe.file, raw.line, "", message, "add PatientID, AccessionNumber or StudyDate")]
    if level == "patient" and not asked <= PATIENT_KEYWORDS:
        message = (
            f"a row of level patient wants all studies of the patient, {_listed(asked - PATIENT_KEYWORDS)} chooses"
        )
        return [Problem(recipe.file, raw.line, "", message, "write `level: study`, or take it out")]
    return []


def _listed(keywords: set[str]) -> str:
    return ", ".join(sorted(keywords))


def _level(recipe: RowRecipe, raw: RawRow) -> str | None:
    """What a row wants: what its own column says, else the query; None where that is not a level."""
    cell = raw.cells.get(recipe.columns.level or "", Cell(""))
    return LEVELS.get(said.upper()) if (said := cell.text.strip()) else recipe.level
