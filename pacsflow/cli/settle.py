"""settle, approve: a person's decisions."""

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.project import Folder
from pacsflow.cli.show import console, counted
from pacsflow.errors import ProjectError


def person() -> str:
    """Who decides, as the system calls him; in a container a user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def settle(
    project: Folder,
    row: Annotated[str | None, typer.Argument(help="Id of the held row", metavar="ROW")] = None,
    take: Annotated[list[str] | None, typer.Option(help="Study to take, as the plan names it; may be repeated")] = None,
    drop: Annotated[bool, typer.Option("--drop", help="Take none of the row's studies")] = False,
    workbook: Annotated[
        Path | None, typer.Option(help="The plan's workbook with its `decision` column filled in")
    ] = None,
) -> None:
    """Settle a held row: say which of its studies are meant. Recorded with who and when."""
    from tasks.decisions import settle_row, settle_workbook

    if sum([bool(take), drop, workbook is not None]) != 1 or (row is None) == (workbook is None):
        remedy = "pacsflow settle PROJECT ROW --take STUDY | ROW --drop | --workbook plan.xlsx"
        raise ProjectError.at("settle", "say what is decided", remedy)
    who = person()
    if workbook:
        number = settle_workbook(project, workbook, by=who)
        console.print(f"{counted(number, 'row')} settled by {who}")
    elif row:
        settle_row(project, row, take=tuple(take or ()), by=who)
        taken = f"{counted(len(take), 'study', 'studies')} taken" if take else "dropped"
        console.print(f"row settled by {who}: {taken}")


def approve(project: Folder) -> None:
    """Let the plan of a project go on. Holds for this very plan; a changed plan waits again."""
    from tasks.decisions import approve_plan

    who = person()
    console.print(f"{approve_plan(project, by=who)}: approved by {who}")
