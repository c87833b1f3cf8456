"""The project folder that a command is given: where the name is wrong, the projects at hand are listed."""

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from pacsflow.cli.show import About
from pacsflow.errors import ProjectError
from schemas import FILES

MOST_LISTED = 8
"""How many projects an error names."""
_MOST_SEEN = 1000
"""How many entries of a folder are looked at: it may be one of images."""


def project_folder(folder: Path) -> Path:
    """The folder of a project. Raises ProjectError, with the projects at hand, where it is not one."""
    if holds_project(folder):
        About.project = as_written(folder)
        return folder
    what = "is not a project: none of its files is there" if folder.is_dir() else "is not a folder"
    found = projects_near(folder)
    here = f"projects at hand: {', '.join(found)}; or" if found else "name the project's folder, or"
    raise ProjectError.at(folder.name or str(folder), what, f"{here} begin one: pacsflow init NAME", field="PROJECT")


def holds_project(folder: Path) -> bool:
    """Whether a folder holds any file of a project, be it under .yml: what it lacks is then told file by file."""
    names = {*FILES, *(name.replace(".yaml", ".yml") for name in FILES)}
    try:
        return any((folder / name).is_file() for name in names)
    except OSError:
        return False


def projects_near(folder: Path) -> list[str]:
    """Projects in the folder, beside it, here and in `projects`, as a command takes them; names like it first."""
    here = Path.cwd()
    rooms = dict.fromkeys([folder, folder.parent, here, here / "projects"])
    found = list(dict.fromkeys(_named(each, here) for room in rooms for each in _projects_in(room)))
    names = [Path(each).name for each in found]
    like = get_close_matches(folder.name, names, n=MOST_LISTED, cutoff=0.6)
    return sorted(found, key=lambda each: (Path(each).name not in like, found.index(each)))[:MOST_LISTED]


def _projects_in(room: Path) -> Iterator[Path]:
    """The projects in a folder, by name; none where it cannot be read."""
    try:
        inside = sorted(islice(room.iterdir(), _MOST_SEEN))
    except OSError:
        return
    yield from (each for each in inside if (each / "project.yaml").is_file())


def as_written(project: Path) -> str:
    """A project's folder as a command takes it here: relative where it is below the current folder."""
    return _named(project, Path.cwd())


def _named(project: Path, here: Path) -> str:
    return str(project.relative_to(here)) if project.is_relative_to(here) else str(project)


def _project_folders(folders: list[Path] | None) -> list[Path]:
    """Each as `project_folder`; the current folder where none is named."""
    return [project_folder(folder) for folder in folders or [Path.cwd()]]


Folder = Annotated[
    Path, typer.Argument(help="Project folder", resolve_path=True, metavar="PROJECT", callback=project_folder)
]
Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Project folders", resolve_path=True, metavar="[PROJECT]...", callback=_project_folders),
]
HERE = Path()
"""The current folder, where no project is named."""
