"""backup, restore: ledger and vault of a project; its key apart."""

from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.project_folder import Folder
from pacsflow.cli.show import console
from pacsflow.wording import counted


def backup(
    project: Folder,
    out: Annotated[Path, typer.Option("--out", "-o", help="New folder for ledger and vault", file_okay=False)],
    key_to: Annotated[
        Path | None, typer.Option("--key-to", help="File for the project's key, kept by another person", dir_okay=False)
    ] = None,
) -> None:
    """Copy ledger and vault, in one state, also while a run goes on. IDENTIFYING: keep it as safe as the originals."""
    from pacsflow.projects import read_project
    from pacsflow.run.backup import back_up

    for name, size in back_up(read_project(project), out, key_to=key_to).items():
        console.print(f"{name}: {counted(size, 'byte')}", markup=False, soft_wrap=True)
    if key_to:
        console.print(f"the key is in {key_to}: keep it apart from the backup", markup=False, soft_wrap=True)


def restore(
    project: Folder,
    source: Annotated[Path, typer.Option("--from", help="Folder of the backup", exists=True, file_okay=False)],
) -> None:
    """Put a backup into a project that has neither ledger nor vault; the key must be back in its place."""
    from pacsflow.ledger.book import OLDER_FIX
    from pacsflow.projects import read_project
    from pacsflow.run.backup import behind
    from pacsflow.run.backup import restore as put_back

    opened = read_project(project)
    names = put_back(opened, source)
    console.print(f"restored: {', '.join(names)}", markup=False, soft_wrap=True)
    if wrong := behind(opened):
        console.print(f"the ledger is not as it was left: {wrong}. {OLDER_FIX}", markup=False, soft_wrap=True)
