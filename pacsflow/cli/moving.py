"""import: a project folder made from the configuration of another system."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pacsflow.cli.show import console, errors, show_error
from pacsflow.errors import ProjectError
from pacsflow.run.moving_over import headings_of_query, move_over

app = typer.Typer(
    name="import",
    no_args_is_help=True,
    help="Move over: a project folder that does what PACSMAN, pacsnpull or another system was configured to do.",
)


class Direction(StrEnum):
    """What is done with another system's day shifts."""

    SUBTRACT = "subtract"
    ADD = "add"


_Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The old system's configuration", exists=True)]
_Query = Annotated[Path, typer.Argument(metavar="QUERY", help="The old system's query file", exists=True)]
_Project = Annotated[
    Path | None, typer.Option(metavar="NAME", help="The folder to make; left out: named after the query file")
]
_Out = Annotated[Path | None, typer.Option(help="Folder for the images; left out: out/ in the project's workdir")]


@app.command()
def pacsman(  # noqa: PLR0913 - a command's parameters are its options
    config: _Config,
    query: _Query,
    project: _Project = None,
    out: _Out = None,
    *,
    new_ids: Annotated[
        Path | None,
        typer.Option(help="The JSON of pseudonyms given to PACSMAN's anonymiser", exists=True, dir_okay=False),
    ] = None,
    day_shift: Annotated[
        Path | None,
        typer.Option(
            help="PACSIFIER's day_shift file: dates go on by it; with --direction", exists=True, dir_okay=False
        ),
    ] = None,
    direction: Annotated[
        Direction | None, typer.Option(help="What was done with these numbers: Karnak subtracts them")
    ] = None,
    move: Annotated[bool, typer.Option("--move", help="As `pacsman --move`: to the other application entity")] = False,
) -> None:
    """PACSMAN or PACSIFIER: config.json and query.csv."""
    if day_shift and not new_ids and "new_ids" not in headings_of_query(query):
        raise ProjectError.at("--day-shift", "goes with new ids: images stay as they are", "add --new-ids FILE")
    said = {"new_ids": new_ids, "day_shift": day_shift, "direction": direction and direction.value}
    _move("pacsman", config, query, project=project, out=out, move="yes" if move else "", **said)


@app.command()
def pacsnpull(config: _Config, query: _Query, project: _Project = None, out: _Out = None) -> None:
    """pacsnpull: conf.json and the JSON list of queries."""
    _move("pacsnpull", config, query, project=project, out=out)


@app.command()
def mid(
    config: _Config,
    query: _Query,
    project: _Project = None,
    out: _Out = None,
    peer: Annotated[str, typer.Option(help="Name of the peer to ask; left out: the program's default source")] = "",
) -> None:
    """Medical-Imaging-Downloader: the folder of its JSON files, and the Excel query."""
    _move("mid", config, query, project=project, out=out, peer=peer)


@app.command()
def dicomtrolley(
    config: _Config,
    query: _Query,
    project: _Project = None,
    out: _Out = None,
    channels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="JSON of the channels by name; left out: the old tool's keyring",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
) -> None:
    """The tool of dicomtrolley: its settings (DICOMTrolleyToolSettings.yml), and a table of rows."""
    _move("dicomtrolley", config, query, project=project, out=out, channels=channels)


def _move(system: str, config: Path, query: Path, *, project: Path | None, **choices: Path | str | None) -> None:
    folder = (project or Path(_name_of(query))).absolute()
    said = {name: _seen_from_here(choice) for name, choice in choices.items() if choice}
    moved = move_over(system, config, query, folder, said)
    console.print(f"[green]✓[/] {folder.name} is written", soft_wrap=True)
    console.print(f"  its key:    {moved.begun.key}  (keep a copy in a safe place)", markup=False, soft_wrap=True)
    console.print(f"  its rows:   {query}, which stays where it is", markup=False, soft_wrap=True)
    console.print("what means something else now:")
    for change in moved.changes:
        console.print(f"  - {escape(change)}", soft_wrap=True)
    if moved.problems:
        error = ProjectError(list(moved.problems))
        errors.print("the old files hold what cannot be asked; the new folder says the same:", soft_wrap=True)
        show_error(error)
        raise typer.Exit(error.exit_code)
    console.print(f"next: pacsflow plan {project or folder.name}", markup=False, soft_wrap=True)


def _name_of(query: Path) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", query.stem.lower()).strip("-_")[:63] or "moved"


def _seen_from_here(choice: Path | str) -> str:
    """A choice as text; a path absolute, as the project that will hold it lies elsewhere."""
    if isinstance(choice, str) or "${" in str(choice):
        return str(choice)
    return str(choice.expanduser().absolute())
