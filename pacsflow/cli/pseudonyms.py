"""pseudonyms: PACSIFIER's files of new ids, from the De-ID API or a table of one's own."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pacsflow.cli.show import console, counted
from pacsflow.errors import ProjectError
from pacsflow.pseudonyms.api import Service
from pacsflow.pseudonyms.key_files import LOG, KeyFiles
from pacsflow.pseudonyms.table import checked, read_table
from pacsflow.query.columns import known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import RawRow, RawTable
from pacsflow.query.tables import read_table as read_query

_PATIENT = "PatientID"
_DAYS = (-30, 30)
Gives = Callable[[str], tuple[str, int] | None]


def pseudonyms(
    query: Annotated[Path, typer.Argument(metavar="QUERY", help="Table with a column PatientID, or MRN", exists=True)],
    *,
    project_name: Annotated[str, typer.Option("--project-name", "--project_name", "-a", help="Project")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="JSON with deid_URL and deid_token: ask the De-ID API")
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option("--mapping-file", "--mappingfile", "-mf", help="Table of patient ids and pseudonyms instead"),
    ] = None,
    shift_days: Annotated[bool, typer.Option("--shift-days", help="With a table: days by chance, -30 to 30")] = False,
    out: Annotated[Path, typer.Option("--out", "--out_directory", "-d", help="Folder of the files")] = Path(),
) -> None:
    """Write new_ids_PROJECT.json and day_shift_PROJECT.json for the patients of a query, as get_pseudonyms did.

    What the files say already stays: only new patients are asked for. They identify: only you can read them.
    """
    from pacsflow.export.disk import own_words

    if (config is None) == (mapping_file is None):
        raise ProjectError.at(query.name, "one source is needed", "give --config or --mapping-file")
    if not project_name or Path(project_name).name != project_name:
        raise ProjectError.at("--project-name", "is part of names of files", "write it without slashes, as lung")
    table, column = _query(query)
    patients = list(dict.fromkeys(text for row in table.rows if (text := _patient(row, column))))
    files = KeyFiles(out, project_name)
    known = files.known()
    gives = _of_service(config, project_name) if config else _of_table(mapping_file or query, shifts=shift_days)
    found = {patient: known.get(patient) or gives(patient) for patient in patients}
    given = known | {patient: each for patient, each in found.items() if each}
    with own_words(str(out)):
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(given)
        files.log(table.headings, ([*_cells(table, row), *_said(given, _patient(row, column))] for row in table.rows))
    lacking = len(patients) - len([patient for patient in patients if patient in given])
    console.print(
        f"{counted(len(patients) - lacking, 'patient')} in {files.new_ids}, {files.day_shifts}", soft_wrap=True
    )
    console.print(f"rows with what they were given: {files.folder / LOG}", soft_wrap=True)
    if numbers := sum(row.cells[column].kind == "number" for row in table.rows if column in row.cells):
        console.print(
            f"[yellow]![/] {counted(numbers, 'cell')} held as numbers: zeros at the front of a patient id may be lost"
        )
    if lacking:
        console.print(f"[yellow]![/] {counted(lacking, 'patient')} without a pseudonym: the source has none")
        raise typer.Exit(1)


def _query(query: Path) -> tuple[RawTable, str]:
    """The table, and its column of patient ids. Raises ProjectError."""
    try:
        table = read_query(query, query.name)
    except FaultError as fault:
        raise ProjectError.at(query.name, str(fault), fault.remedy) from None
    columns = [heading for heading in table.headings if known_keyword(heading) == _PATIENT]
    if len(columns) != 1:
        found = "has several such columns" if columns else "has no such column"
        raise ProjectError.at(query.name, found, "name one column PatientID", line=1, field=_PATIENT)
    return table, columns[0]


def _of_service(config: Path, project_name: str) -> Gives:
    try:
        told: Any = json.loads(config.read_text("utf-8"))
        service = Service(str(told["deid_URL"]), project_name, str(told["deid_token"]))
    except (OSError, ValueError, KeyError, TypeError):
        wanted = 'write {"deid_URL": "https://…", "deid_token": "…"}'
        raise ProjectError.at(config.name, "does not say where the service is", wanted) from None
    if not str(told["deid_URL"]).startswith("https://"):
        raise ProjectError.at(config.name, "is not https", "patients are told over TLS only", field="deid_URL")

    def gives(patient: str) -> tuple[str, int] | None:
        pseudonym = service.pseudonym(patient)
        return None if pseudonym is None else (pseudonym, service.shift_days(patient))

    return gives


def _of_table(file: Path, *, shifts: bool) -> Gives:
    pseudonyms_of = checked(read_table(file))
    chance = random.SystemRandom()

    def gives(patient: str) -> tuple[str, int] | None:
        pseudonym = pseudonyms_of.get(patient)
        return None if pseudonym is None else (pseudonym, chance.randint(*_DAYS) if shifts else 0)

    return gives


def _patient(row: RawRow, column: str) -> str:
    cell = row.cells.get(column)
    return cell.text.strip() if cell else ""


def _cells(table: RawTable, row: RawRow) -> list[str]:
    return [row.cells[heading].text if heading in row.cells else "" for heading in table.headings]


def _said(given: dict[str, tuple[str, int]], patient: str) -> list[str]:
    pseudonym, days = given.get(patient, ("", ""))
    return [pseudonym, str(days)]
