"""shift-table: a clinical table under the pseudonyms and day shifts of a project's images."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import Folding, console
from pacsflow.errors import WorkLeftError
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.clinical.columns import ClinicalColumn
    from pacsflow.run.files.clinical_table import Told

Source = Annotated[
    Path,
    typer.Argument(
        help="Table with the patients: csv, tsv, xlsx, json, parquet", exists=True, dir_okay=False, metavar="IN"
    ),
]
Target = Annotated[
    Path,
    typer.Argument(help="Table to write: csv, tsv, xlsx, parquet", dir_okay=False, metavar="OUT", resolve_path=True),
]
Headings = list[str] | None


def shift_table(  # noqa: PLR0913 - a command's parameters are its options
    project: Folder,
    source: Source,
    target: Target,
    *,
    patient_column: Annotated[str, typer.Option(help="Heading of the patient ids")] = "",
    issuer_column: Annotated[str, typer.Option(help="Heading of the issuers of patient ids")] = "",
    date_columns: Annotated[Headings, typer.Option(help="Heading of dates that move; once for each column")] = None,
    drop: Annotated[Headings, typer.Option(help="Heading of a column that goes; once for each")] = None,
    keep: Annotated[Headings, typer.Option(help="Heading of a column that stays as it is; once for each")] = None,
    date_format: Annotated[
        Headings, typer.Option(help="HEADING=FORMAT of a column's dates, as strptime reads them; or FORMAT for all")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; left out: the first")] = None,
) -> None:
    """Give a clinical table the pseudonyms and day shifts of the project's images, so that both still match.

    A column stays where you say so or its values are of a harmless kind: small numbers, measurements, codes, few
    categories. A table says what was done with each column and why. Exit 1 where columns were left out that no option
    names: say --keep or --drop. Exit 2, and nothing is written, where a column or a row is not clear, or where an
    identifier that the project knows would be left.
    """
    from pacsflow.clinical.columns import ColumnChoices
    from pacsflow.run.files.clinical_table import TableRequest, shift_table

    wishes = ColumnChoices(patient_column, issuer_column, *(tuple(each or ()) for each in (date_columns, drop, keep)))
    formats = dict(_format(each) for each in date_format or ())
    told = shift_table(project, TableRequest(source, target, sheet, wishes, formats))
    _show(told)
    console.print(
        f"{counted(told.rows, 'row')} of {counted(told.patients, 'patient')} written to {target}", soft_wrap=True
    )
    if asked := [column.heading for column in told.columns if column.treatment == "ask"]:
        options = " ".join(f"--keep {shlex.quote(heading)}" for heading in asked)
        what = counted(len(asked), "column")
        raise WorkLeftError(
            f"{what} left out that may identify a person",
            fix=f"look at them, then write {options}, or --drop for each",
        )


def _format(text: str) -> tuple[str, str]:
    heading, _, form = text.rpartition("=")
    return heading, form


def _show(told: "Told") -> None:
    table = Folding("column", "what was done", "why", "changed", "emptied")
    for column in told.columns:
        gone = told.dates == "remove" and column.treatment in ("date", "birth date")
        what = "removed" if gone else _said(column, told.dates)
        what += ", dates in it masked" if column.remarks and told.dates != "keep" else ""
        why = "the project removes dates" if gone else column.why
        numbers = (f"{counts[column.heading]:,}" for counts in (told.changed, told.emptied))
        table.add_row(escape(column.heading), what, why, *numbers)
    console.print(table)
    if sum(told.emptied.values()):
        console.print(
            "[yellow]![/] emptied: not a whole date, not an age in numbers, or a date that shows an age over 89"
        )


def _said(column: "ClinicalColumn", dates: str) -> str:
    dated = {"keep": "kept, as in the images", "year": "cut down to its year"}.get(dates)
    return dated if dated and column.treatment in ("date", "birth date") else _SAYS[column.treatment]


_SAYS = {
    "pseudonym": "patient id -> pseudonym",
    "issuer": "issuer of the patient id: removed",
    "date": "moved by the patient's day shift",
    "birth date": "birth date: moved by the patient's day shift",
    "age": "age: over 89 cut to 90",
    "uid": "UID -> new UID of the images",
    "remove": "removed",
    "ask": "left out: say --keep or --drop",
    "keep": "kept",
}
