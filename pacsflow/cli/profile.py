"""A profile as commands are given it: a deid.yaml, or the project folder it is part of."""

from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.projects import read_project
from pacsflow.projects.meaning import check_meaning
from pacsflow.projects.places import with_recipe, with_table
from pacsflow.projects.source import read_document
from pacsflow.projects.support import check_support
from pacsflow.projects.validation import validated
from schemas.deid import DeidProfile


@dataclass(frozen=True)
class ChosenProfile:
    """A profile, and the vault of the project it belongs to; None where it is a file of its own."""

    profile: DeidProfile
    vault: Path | None


def read_profile(path: Path) -> ChosenProfile:
    """The profile of a file or a project folder. Raises ProjectError with all mistakes; one that passes on is one."""
    if path.is_dir():
        project = read_project(path)
        chosen = ChosenProfile(project.deid, project.workdir / "private" / "vault")
    else:
        chosen = ChosenProfile(_from_file(path), None)
    if chosen.profile.base == "none":
        _refuse("deid.yaml", "base", "`none` de-identifies nothing", "write ps3.15-basic")
    return chosen


def _from_file(path: Path) -> DeidProfile:
    document = read_document(path, path.name)
    profile = None if document.value is None else validated(DeidProfile, document)
    if profile is not None:
        profile = with_recipe(document, with_table(document, profile))
        check_meaning(document, profile)
        check_support(document, profile)
    if document.problems or profile is None:
        raise ProjectError(document.problems)
    return profile


def _refuse(file: str, field: str, message: str, fix: str) -> None:
    raise ProjectError.at(file, message, fix, field=field)
