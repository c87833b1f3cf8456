"""The projects that a console shows: a folder of one's own, or all in a folder of projects."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pacsflow.errors import ProjectError
from schemas import FILES

_MOST_SEEN = 1000


@dataclass(frozen=True)
class Catalogue:
    """`folder`: a project, or the folder whose folders are projects."""

    folder: Path

    @property
    def single(self) -> bool:
        """Whether the folder is itself a project."""
        return _is_project(self.folder)

    @property
    def room(self) -> Path:
        """The folder that new projects are made in."""
        return self.folder.parent if self.single else self.folder

    def projects(self) -> dict[str, Path]:
        """Name -> folder, by name."""
        if self.single:
            return {self.folder.name: self.folder}
        inside = sorted(islice(self.folder.iterdir(), _MOST_SEEN)) if self.folder.is_dir() else []
        return {each.name: each for each in inside if not each.name.startswith(".") and _is_project(each)}

    def project(self, name: str) -> Path:
        """The folder of a project. Raises ProjectError: no name leads out of the catalogue."""
        if (found := self.projects().get(name)) is None:
            raise ProjectError.at("console", "there is no project of that name here", "choose one on the first page")
        return found


def _is_project(folder: Path) -> bool:
    try:
        return folder.is_dir() and any((folder / name).is_file() for name in FILES)
    except OSError:
        return False
