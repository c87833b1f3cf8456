"""A project's clinical table under the pseudonyms and day shifts of its images."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from pacsflow.clinical.columns import ClinicalColumn, ColumnChoices, classify
from pacsflow.clinical.grid import Grid, Value
from pacsflow.clinical.leftovers import Leftovers
from pacsflow.clinical.shifting import DateRule, Shifted, ShiftRules, shifted
from pacsflow.clinical.writing import KINDS, write_grid
from pacsflow.deid.compile import compile_profile
from pacsflow.deid.contract import Cleaner, Person
from pacsflow.deid.proof.known import Facts
from pacsflow.errors import Problem, ProjectError, RefusalError
from pacsflow.extras import missing
from pacsflow.projects.project import Project
from pacsflow.pseudonyms import pseudonyms_of
from pacsflow.pseudonyms.patient_ids import comparable, placeholder
from pacsflow.query.columns import known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.loading import load
from pacsflow.query.raw import Cell, RawRow, RawTable, Reading
from pacsflow.query.survey import merged_fault
from pacsflow.query.tables import read_table
from pacsflow.query.values import Manner, read_value
from pacsflow.run.files.known_facts import facts_of
from pacsflow.run.stores import open_ledger_of, private_scratch, pseudonym_context
from pacsflow.run.vaults import open_vault
from pacsflow.secrets import project_key
from pacsflow.vault import Link, Vault
from pacsflow.whole_numbers import whole_number
from schemas.deid import DeidProfile
from schemas.sources import SOURCES

PATIENT_ID = "PatientID"


@dataclass(frozen=True)
class TableRequest:
    """What is to be done: table, result, sheet, what the user says of columns, and of formats by heading ('': all)."""

    source: Path
    target: Path
    sheet: str | None = None
    wishes: ColumnChoices = field(default_factory=ColumnChoices)
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What was done with each column, and to how many rows and patients."""

    columns: Sequence[ClinicalColumn]
    changed: Counter[str]
    emptied: Counter[str]
    rows: int
    patients: int
    dates: DateRule


def shift_table(folder: Path, asked: TableRequest) -> Told:
    """Write the table of a project under its pseudonyms; nothing is written unless all of it can be.

    Raises ProjectError with each column and row that is not clear, and as `load` and the ledger do.
    """
    _check(asked)
    project, rows = load(folder)
    if project.deid.base == "none":
        raise ProjectError.at(
            "deid.yaml", "`none` de-identifies nothing: there are no pseudonyms", "name another project"
        )
    with ExitStack() as stack:
        ledger = open_ledger_of(project)
        stack.callback(ledger.close)
        stack.enter_context(private_scratch(project))
        key = project_key(project.deid)
        vault = open_vault(project, ledger, key)
        given = pseudonyms_of(pseudonym_context(project, ledger, rows, vault))
        cleaner = compile_profile(project.deid, key, pseudonyms=given)
        facts = facts_of(project) if vault.known() else Facts(frozenset(), frozenset(), {})
        return _shift(asked, People(project.deid, cleaner, vault), facts, project)


def _shift(asked: TableRequest, people: "People", facts: Facts, project: Project) -> Told:
    raw = _read(asked)
    grid = _with_times(grid_of(raw), asked.source)
    found = classify(grid, asked.wishes, known_keyword)
    _raise(found.problems)
    zero_pad = project.query.table.zero_pad if project.query.table else {}
    who = people.of(raw, found.columns, Manner(zero_pad=zero_pad))
    today = dt.datetime.now(tz=dt.UTC).date()
    rule = date_rule(project.deid)
    done: Shifted = shifted(grid, found.columns, who, ShiftRules(people.cleaner.uid, rule, asked.formats, today))
    _raise(done.problems)
    _raise(Leftovers(facts, grid, found.columns).problems(done.grid))
    people.remember(who)
    write_grid(done.grid, asked.target)
    return Told(found.columns, done.changed, done.emptied, len(who), len(set(who)), rule)


class People:
    """The patients of the rows, by the vault, else by the profile's source: a pseudonym is never invented."""

    def __init__(self, profile: DeidProfile, cleaner: Cleaner, vault: Vault) -> None:
        self.cleaner, self._vault = cleaner, vault
        self._invents = SOURCES[profile.patient.source].invents
        self._links: dict[str, list[Link]] = {}
        for link in vault.known():
            self._links.setdefault(link.patient_id, []).append(link)
        self._alike = {comparable(patient_id) for patient_id in self._links}

    def of(self, raw: RawTable, columns: Sequence[ClinicalColumn], manner: Manner) -> list[Person]:
        """The person of each row that is not blank. Raises ProjectError naming all rows without one."""
        patient = next(column.heading for column in columns if column.treatment == "pseudonym")
        issuer = next((column.heading for column in columns if column.treatment == "issuer"), None)
        found: list[Person] = []
        problems: list[Problem] = []
        for row in _filled(raw):
            try:
                who = _patient_id(row.cells[patient], manner)
                found.append(self._person(who, row.cells[issuer].text.strip() if issuer else ""))
            except FaultError as fault:
                problems.append(Problem(raw.file, row.line, patient, fault.message, fault.fix))
        _raise(problems)
        return found

    def _person(self, patient_id: str, issuer: str) -> Person:
        if placeholder(patient_id):
            raise FaultError(
                "is an id that names no patient, as UNKNOWN", "take the row out: it is not known whose it is"
            )
        links = self._links.get(patient_id, [])
        mine = [link for link in links if not issuer or link.issuer == issuer]
        if len({(link.pseudonym, link.shift_days) for link in mine}) > 1:
            raise FaultError("patients of several issuers have this id", "write --issuer-column HEADING")
        if mine:
            return Person(mine[0].patient_id, mine[0].issuer, mine[0].pseudonym, mine[0].shift_days)
        if comparable(patient_id) in self._alike:
            message = "the project knows this id in another spelling (case, blanks, leading zeros)"
            raise FaultError(message, "write it as the images have it")
        if self._invents:
            raise FaultError("the project has no pseudonym for this patient", "take the row out, or fetch the patient")
        try:
            return self.cleaner.person(patient_id, issuer)
        except RefusalError as refusal:
            fix = "take the row out, or complete where pseudonyms come from"
            raise FaultError(f"the project has no pseudonym for this patient ({refusal.reason})", fix) from None

    def remember(self, people: Sequence[Person]) -> None:
        """Enter all patients of the table in the vault."""
        for person in dict.fromkeys(people):
            if self._vault.find(person.patient_id, person.issuer) is None:
                self._vault.record(Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days))


def date_rule(profile: DeidProfile) -> DateRule:
    """What the profile does with the dates of images."""
    if "retain-longitudinal-full-dates" in profile.options:
        return "keep"
    return profile.dates.method if "retain-longitudinal-modified-dates" in profile.options else "remove"


def grid_of(raw: RawTable) -> Grid:
    """The rows that are not blank, numbers and dates as such."""
    rows = _filled(raw)
    values = [[_value(row.cells[heading]) for heading in raw.headings] for row in rows]
    return Grid(raw.file, raw.headings, values, [row.line for row in rows])


def _with_times(grid: Grid, file: Path) -> Grid:
    """The table with the times of day of a parquet file, which its reader for queries leaves out."""
    if file.suffix.lower() != ".parquet":
        return grid
    import pandas as pd

    frame = pd.read_parquet(file)
    moments = {str(name): frame[name].dropna() for name in frame.select_dtypes(["datetime", "datetimetz"])}
    rows = [
        [
            moments[heading].loc[frame.index[line - 1]].to_pydatetime() if value and heading in moments else value
            for heading, value in zip(grid.headings, row, strict=True)
        ]
        for row, line in zip(grid.rows, grid.lines, strict=True)
    ]
    return Grid(grid.file, grid.headings, rows, grid.lines)


def _filled(raw: RawTable) -> list[RawRow]:
    return [row for row in raw.rows if any(cell.text.strip() for cell in row.cells.values())]


def _value(cell: Cell) -> Value:
    text = cell.text
    if cell.kind == "number":
        whole = whole_number(text.removeprefix("-"))
        return float(text) if whole is None else -whole if text.startswith("-") else whole
    if cell.kind == "date":
        return _moment(text)
    if cell.kind == "odd" and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    return text or None


def _moment(text: str) -> Value:
    """A date, a time HHMMSS, or both."""
    if len(text) == len("HHMMSS"):
        return dt.time.fromisoformat(text)
    return dt.date.fromisoformat(text) if len(text) == len("YYYYMMDD") else dt.datetime.fromisoformat(text)


def _patient_id(cell: Cell, manner: Manner) -> str:
    if not cell.text.strip():
        raise FaultError("is empty", "write the patient's id, or take the row out")
    return read_value(PATIENT_ID, cell, manner).text


def _read(asked: TableRequest) -> RawTable:
    try:
        table = read_table(asked.source, asked.source.name, Reading(asked.sheet))
    except FaultError as fault:
        raise ProjectError.at(asked.source.name, fault.message, fault.fix) from None
    if table.merged:
        raise ProjectError.at(asked.source.name, *merged_fault(table.merged))
    return table


def _check(asked: TableRequest) -> None:
    if asked.target.suffix.lower() not in KINDS:
        raise ProjectError.at(
            "OUT", f"tables of kind `{asked.target.suffix}` cannot be written", f"use {', '.join(KINDS)}"
        )
    if asked.target.suffix.lower() == ".parquet" and (lacking := missing("pyarrow")):
        raise ProjectError.at("OUT", *lacking)
    if asked.target.resolve() == asked.source.resolve():
        raise ProjectError.at("OUT", "is IN", "name another file: the original is not overwritten")


def _raise(problems: Sequence[Problem] | Iterator[Problem]) -> None:
    found = list(problems)
    if found:
        raise ProjectError(found)
