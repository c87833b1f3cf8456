"""settle, approve: a person's decisions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import Folding, advice, console
from pacsflow.errors import ProjectError
from pacsflow.system import user_name
from pacsflow.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pacsflow.run.people.decisions import HeldRow


def settle(
    project: Folder,
    row: Annotated[str | None, typer.Argument(help="Id of the held row", metavar="ROW")] = None,
    take: Annotated[list[str] | None, typer.Option(help="Study to take, as the plan names it; may be repeated")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take none of the row's studies")] = False,
    same_patient: Annotated[
        list[str] | None,
        typer.Option(
            help="Study whose images carry another patient id than the PACS answers, and are of this patient all the "
            "same, as after a merge; may be repeated",
            metavar="STUDY",
        ),
    ] = None,
    workbook: Annotated[
        Path | None, typer.Option(help="The plan's workbook with its `decision` column filled in")
    ] = None,
) -> None:
    """Settle a held row: say which of its studies are meant; or whose a study is. Recorded with who and when.

    Without a row the held rows are listed.
    """
    from pacsflow.run.people.decisions import held_rows, settle_patients, settle_row, settle_workbook

    if same_patient and not (take or drop or workbook or row):
        settle_patients(project, same_patient, by=user_name())
        console.print(f"{counted(len(same_patient), 'study', 'studies')} settled by {user_name()}: the same patient")
        return
    if row is None and not take and not drop and workbook is None and not same_patient:
        _list(held_rows(project))
        return
    if same_patient or sum([bool(take), drop, workbook is not None]) != 1 or (row is None) == (workbook is None):
        fix = "pacsflow settle PROJECT ROW --take STUDY | ROW --drop | --workbook plan.xlsx | "
        fix += "--same-patient STUDY"
        raise ProjectError.at("settle", "say what is decided", fix)
    who = user_name()
    if workbook:
        number = settle_workbook(project, workbook, by=who)
        console.print(f"{counted(number, 'row')} settled by {who}")
    elif row:
        settle_row(project, row, take=tuple(take or ()), by=who)
        taken = f"{counted(len(take), 'study', 'studies')} taken" if take else "dropped"
        console.print(f"row settled by {who}: {taken}")


def _list(held: "Sequence[HeldRow]") -> None:
    if not held:
        console.print("no row is held")
        return
    table = Folding("row", "why", "studies")
    for one in held:
        table.add_row(f"row {one.number}", escape(one.reason), "\n".join(one.studies))
    console.print(table)
    console.print(
        advice("pacsflow settle PROJECT ROW --take STUDY | ROW --drop; the plan's workbook says which is which"),
        soft_wrap=True,
    )


def approve(project: Folder) -> None:
    """Let the plan of a project go on. Holds for this very plan; a changed plan waits again."""
    from pacsflow.run.people.decisions import approve_plan

    who = user_name()
    console.print(f"{approve_plan(project, by=who)}: approved by {who}")
