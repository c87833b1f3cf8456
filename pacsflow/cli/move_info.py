"""move-info: PACSMAN's tables out of a tree of images."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pacsflow.cli.show import console, errors
from pacsflow.cli.trees import either
from pacsflow.wording import counted


def move_info(
    tree: Annotated[
        Path | None, typer.Argument(metavar="TREE", help="Tree of sub-/ses-/series", exists=True, file_okay=False)
    ] = None,
    info: Annotated[
        Path | None, typer.Argument(metavar="INFO", help="Folder the tables go to", file_okay=False)
    ] = None,
    *,
    data_folder: Annotated[
        Path | None,
        typer.Option(
            "--data-folder", "--data_folder", "-d", help="TREE, as PACSMAN writes it", exists=True, file_okay=False
        ),
    ] = None,
    info_folder: Annotated[
        Path | None,
        typer.Option("--info-folder", "--info_folder", "-i", help="INFO, as PACSMAN writes it", file_okay=False),
    ] = None,
) -> None:
    """Move the tables that identify (sub-*/ses-*/*.csv and mapper.json) out of a tree, sub- and ses- kept.

    Nothing is overwritten: where INFO holds another file of that name, the table stays. Exit code 1 then.
    """
    from pacsflow.export.disk import own_words
    from pacsflow.export.info import move_info as move

    tree, info = either(tree, data_folder, "TREE"), either(info, info_folder, "INFO")
    with own_words(str(info)):
        moved, kept = move(tree, info)
    console.print(f"{counted(len(moved), 'file')} moved to {info}", soft_wrap=True)
    for name in kept:
        errors.print(f"[red]✗[/] {escape(name)}: another file of that name is in INFO; left", soft_wrap=True)
    if kept:
        raise typer.Exit(1)
