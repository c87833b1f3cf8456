"""pseudonyms: PACSIFIER's files of new ids, from the De-ID API or a table of one's own."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pacsflow.cli.show import console
from pacsflow.cli.trees import either
from pacsflow.errors import ProjectError
from pacsflow.pseudonyms.api import PseudonymService
from pacsflow.pseudonyms.key_files import LOG, KeyFiles
from pacsflow.pseudonyms.table import checked, read_table
from pacsflow.query.columns import known_keyword
from pacsflow.query.fault import FaultError
from pacsflow.query.raw import RawRow, RawTable
from pacsflow.query.tables import read_table as read_query
from pacsflow.regular_files import read_regular
from pacsflow.wording import counted

_PATIENT = "PatientID"
_DAYS = [days for days in range(-30, 31) if days]
"""Never 0: it would leave the true dates."""
Gives = Callable[[str], tuple[str, int] | None]


def pseudonyms(  # noqa: PLR0913 - a command's parameters are its options
    query: Annotated[
        Path | None, typer.Argument(metavar="QUERY", help="Table with a column PatientID, or MRN", exists=True)
    ] = None,
    *,
    project_name: Annotated[str, typer.Option("--project-name", "--project_name", "-a", help="Project")],
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="JSON with deid_URL and deid_token: ask the De-ID API")
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option("--mapping-file", "--mappingfile", "-mf", help="Table of patient ids and pseudonyms instead"),
    ] = None,
    shift_days: Annotated[
        bool, typer.Option("--shift-days", help="With a table: days by chance, -30 to 30, never 0")
    ] = False,
    query_file: Annotated[
        Path | None,
        typer.Option("--query-file", "--queryfile", "-q", help="QUERY, as PACSMAN writes it", exists=True),
    ] = None,
    mode: Annotated[
        Literal["de-id", "custom"] | None,
        typer.Option("--mode", "-m", help="As PACSMAN writes it: de-id goes with --config, custom with --mapping-file"),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "--out_directory", "-d", help="Folder of the files")] = Path(),
) -> None:
    """Write new_ids_PROJECT.json and day_shift_PROJECT.json for the patients of a query, as get_pseudonyms did.

    What the files say already stays: only new patients are asked for. They identify: only you can read them.
    """
    from pacsflow.export.disk import own_words

    query = either(query, query_file, "QUERY")
    config, mapping_file = _as_mode_says(mode, config, mapping_file)
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
    if still := len([patient for patient in patients if patient in given and not given[patient][1]]):
        console.print(f"[yellow]![/] {counted(still, 'patient')} with a day shift of 0: their true dates would stay")
    if lacking:
        console.print(f"[yellow]![/] {counted(lacking, 'patient')} without a pseudonym: the source has none")
        raise typer.Exit(1)


def _as_mode_says(mode: str | None, config: Path | None, mapping_file: Path | None) -> tuple[Path | None, Path | None]:
    """The one source that a mode names, where both are given. Raises ProjectError where it is not there."""
    if mode is None:
        return config, mapping_file
    wanted, option = (config, "--config") if mode == "de-id" else (mapping_file, "--mapping-file")
    if wanted is None:
        raise ProjectError.at("--mode", f"{mode} needs {option}", f"name the file by {option}")
    return (config, None) if mode == "de-id" else (None, mapping_file)


def _query(query: Path) -> tuple[RawTable, str]:
    """The table, and its column of patient ids. Raises ProjectError."""
    try:
        table = read_query(query, query.name)
    except FaultError as fault:
        raise ProjectError.at(query.name, str(fault), fault.fix) from None
    columns = [heading for heading in table.headings if known_keyword(heading) == _PATIENT]
    if len(columns) != 1:
        found = "has several such columns" if columns else "has no such column"
        raise ProjectError.at(query.name, found, "name one column PatientID", line=1, field=_PATIENT)
    return table, columns[0]


def _of_service(config: Path, project_name: str) -> Gives:
    try:
        told: Any = json.loads(read_regular(config))
        service = PseudonymService(str(told["deid_URL"]), project_name, str(told["deid_token"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        wanted = 'write {"deid_URL": "https://…", "deid_token": "…"}'
        raise ProjectError.at(config.name, "does not say where the service is", wanted) from None
    if not str(told["deid_URL"]).startswith("https://"):
        raise ProjectError.at(config.name, "is not https", "patient ids are sent over TLS only", field="deid_URL")

    def gives(patient: str) -> tuple[str, int] | None:
        pseudonym = service.pseudonym(patient)
        return None if pseudonym is None else (pseudonym, service.shift_days(patient))

    return gives


def _of_table(file: Path, *, shifts: bool) -> Gives:
    pseudonyms_of = checked(read_table(file))
    chance = random.SystemRandom()

    def gives(patient: str) -> tuple[str, int] | None:
        pseudonym = pseudonyms_of.get(patient)
        return None if pseudonym is None else (pseudonym, chance.choice(_DAYS) if shifts else 0)

    return gives


def _patient(row: RawRow, column: str) -> str:
    cell = row.cells.get(column)
    return cell.text.strip() if cell else ""


def _cells(table: RawTable, row: RawRow) -> list[str]:
    return [row.cells[heading].text if heading in row.cells else "" for heading in table.headings]


def _said(given: dict[str, tuple[str, int]], patient: str) -> list[str]:
    pseudonym, days = given.get(patient, ("", ""))
    return [pseudonym, str(days)]
