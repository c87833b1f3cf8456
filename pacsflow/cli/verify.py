"""verify: the release gate, alone."""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from pacsflow.cli.show import console, counted
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.projects import read_project

if TYPE_CHECKING:
    from pacsflow.deid.gate import Finding

MOST = 200
"""How many findings are printed."""


def verify(
    tree: Annotated[
        Path, typer.Argument(help="Folder to check", exists=True, file_okay=False, resolve_path=True, metavar="TREE")
    ],
    vault: Annotated[
        Path,
        typer.Option(
            help="Project folder: its vault and ledger know whose names, ids, dates and UIDs must be gone",
            exists=True,
            file_okay=False,
            resolve_path=True,
            metavar="PROJECT",
        ),
    ],
    workers: Annotated[int, typer.Option(help="Processes; 0: one for each core", min=0)] = 0,
) -> None:
    """Check every file of a tree for what a project knows of its patients, before it is given away.

    The table names file, element and kind, never the value. Nothing is changed. Exit 1 where something is found.
    """
    from pacsflow.deid.gate import Gate
    from pacsflow.deid.known import Known
    from pacsflow.deid.spread import spread
    from pacsflow.deid.tree import files_below
    from tasks.gate import facts_of

    project = read_project(vault)
    if project.deid.base == "none":
        message, remedy = "`none` de-identifies nothing: there is nothing to check", "name another project"
        raise ProjectError.at("deid.yaml", message, remedy, field="base")
    facts = facts_of(project)
    names, known = files_below(tree), Known(facts)
    answers = spread(partial(Gate, tree, project.deid, facts), names, workers=workers or len(os.sched_getaffinity(0)))
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        found = [each for every in bar.track(answers, total=len(names), description="verify") for each in every]
    _show(found)
    numbers = ((len(facts.pseudonyms), "patient"), (known.words, "word"), (len(facts.uids), "UID"))
    against = ", ".join(counted(number, thing) for number, thing in numbers)
    console.print(f"{counted(len(names), 'file')} checked against {against}", soft_wrap=True)
    if not known.words:
        console.print(
            "[yellow]![/] the project knows no name or id to search for: structure and marking alone were checked"
        )
    if known.ordinary:
        console.print(f"not searched: {counted(known.ordinary, 'name')} that are ordinary words of DICOM too")
    if found:
        files = counted(len({each.file for each in found}), "file")
        raise WorkLeftError(f"{counted(len(found), 'finding')} in {files}: do not give this tree away")


def _show(found: Sequence["Finding"]) -> None:
    if not found:
        console.print("[green]✓[/] nothing found")
        return
    table = Table("file", "where", "what")
    for each in found[:MOST]:
        table.add_row(*map(escape, (each.file, each.where, each.kind)))
    console.print(table)
    if len(found) > MOST:
        console.print(f"… and {len(found) - MOST:,} more")
