"""init: a new project folder."""

from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import console
from pacsflow.projects.beginning import begin_project
from pacsflow.query import load


def init(
    name: Annotated[Path, typer.Argument(help="Name of the project: the folder to make", metavar="NAME")],
) -> None:
    """Begin a project: a commented folder that validates, and a key of its own."""
    begun = begin_project(name.absolute())
    load(begun.folder)
    console.print(f"[green]✓[/] {name} is begun", soft_wrap=True)
    console.print(f"  its key:    {begun.key}  (keep a copy in a safe place)", markup=False, soft_wrap=True)
    console.print(f"  it writes:  {begun.workdir}", markup=False, soft_wrap=True)
    console.print(
        f"  next:       edit {name}/pacs.yaml and {name}/query.yaml, then pacsflow validate {name}", soft_wrap=True
    )
