"""What commands over folder trees share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pacsflow.cli.show import console, show_error
from pacsflow.errors import ProjectError, WorkLeftError
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pacsflow.export.tree import Below

Tree = Annotated[Path, typer.Argument(metavar="TREE", help="Folder tree with DICOM files, or one file", exists=True)]

_ELSE = "name another folder; links to folders are not followed"
_FIX = "give yourself the right to read, fix broken links, remove damaged files"


def either(positional: Path | None, option: Path | None, name: str) -> Path:
    """A path that is given by its place, or by an option as PACSMAN writes it. Raises ProjectError."""
    if positional is not None and option is not None:
        raise ProjectError.at(name, "is given twice", "name it once")
    found = positional or option
    if found is None:
        raise ProjectError.at(name, "is missing", f"write it after the command; --help shows where {name} stands")
    return found


def beside(tree: Path, ending: str) -> Path:
    """The place beside a tree that is called after it. Raises ProjectError where there is none, as beside `/`."""
    named = tree if tree.name not in {"", ".."} else Path(os.path.abspath(tree))  # noqa: PTH100 a link keeps its name
    if not named.name:
        raise ProjectError.at("OUT", "is missing", "name the folder to write to")
    return named.with_name(f"{named.name}-{ending}")


def no_dicom(tree: Path, below: "Below") -> ProjectError:
    """What is wrong with a tree that gives nothing."""
    if below.unread:
        return ProjectError.at(str(tree), _barred(below), _FIX)
    return ProjectError.at(str(tree), "holds no DICOM instance", _ELSE)


def end(below: "Below", code: int = 0) -> None:
    """Say what of a tree was left alone. Raises Exit where `code` is none of success, or something cannot be read."""
    if below.others:
        console.print(f"left alone: {counted(len(below.others), 'file')}, no DICOM instances, or links to folders")
    if below.unread:
        show_error(WorkLeftError(f"{_barred(below)}, and left out", fix=f"{_FIX}, then run it again"))
    if code or below.unread:
        raise typer.Exit(code or WorkLeftError.exit_code)


def _barred(below: "Below") -> str:
    number = len(below.unread)
    return f"{counted(number, 'file or folder', 'files or folders')} cannot be read"
