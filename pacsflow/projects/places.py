"""Where a project writes: variables replaced, never inside a git checkout."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from pacsflow.policy import active_policy, is_variable
from pacsflow.projects.demo import PLACE, is_demo_project, is_demos
from pacsflow.projects.source import Document, FieldPath
from pacsflow.regular_files import at_home, is_there, real
from schemas.deid import DeidProfile

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_WORKDIR = "${project.workdir}"
_PEMS = frozenset({"ca", "certificate", "key"})
"""Fields of nodes and targets, and within them, that name a file beside the one that says it; so do `TABLES`."""
_OPTIONS = frozenset({"ca", "known_hosts", "key_filename"})
"""The same, among the options of a storage."""
M = TypeVar("M", bound=BaseModel)


def written_folder(document: Document, path: FieldPath, *, folder: Path, text: str, workdir: str = "") -> Path:
    """The absolute folder that `text` names, as `named_place` finds it; inside a git checkout it is a problem."""
    place = named_place(document, path, folder=folder, text=text, workdir=workdir)
    if not workdir or not place.is_relative_to(workdir):
        _check_outside_git(document, path, place)
        _check_not_demos(document, path, folder=folder, place=place)
    return place


def named_place(document: Document, path: FieldPath, *, folder: Path, text: str, workdir: str = "") -> Path:
    """The absolute path that `text` names, seen from the project folder; an unknown variable is a problem.

    `${env:NAME}` and `~` are replaced, `${project.workdir}` where `workdir` is given.
    """
    if workdir:
        text = text.replace(_WORKDIR, workdir)
    for name in _VARIABLE.findall(text):
        text = text.replace(f"${{{name}}}", _value(document, path, name))
    return Path(os.path.normpath(folder / at_home(text)))


def with_files(folder: Path, model: M) -> M:
    """The model with absolute paths of certificates and tables: a relative one starts at the file that says it."""
    found: dict[str, Any] = {}
    files = _PEMS.union(getattr(model, "TABLES", ()))
    for name, value in model:
        if isinstance(value, BaseModel):
            found[name] = with_files(folder, value)
        elif name in files and value:
            found[name] = str(folder / at_home(value))
        elif name == "options" and isinstance(value, dict):
            named = {key: str(folder / at_home(file)) for key, file in _optional(value) if _is_path(file)}
            found[name] = {**value, **named}
    return model.model_copy(update=found)


def check_files(document: Document, at: FieldPath, model: BaseModel) -> None:
    """A problem for each file of keys or certificates that `model`, which stands at `at`, names and that is not there.

    Its paths are absolute ones, as `with_files` makes them.
    """
    for name, value in model:
        if isinstance(value, BaseModel):
            check_files(document, (*at, name), value)
        elif name in _PEMS and value and not is_there(value):
            document.problem((*at, name), "names no file", "write the path of a PEM file")
        elif name == "options" and isinstance(value, dict):
            for key, file in _optional(value):
                if not isinstance(file, str) or (_is_path(file) and not is_there(file)):
                    document.problem((*at, name, key), "names no file", "write the path of a file, or take it out")


def _optional(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The options of a storage that are meant to name files."""
    return [(key, options[key]) for key in sorted(_OPTIONS & options.keys())]


def _is_path(value: object) -> bool:
    return isinstance(value, str) and "${" not in value


def with_table(document: Document, profile: DeidProfile) -> DeidProfile:
    """The profile with the absolute paths of its tables: a relative one starts at the file that says it."""
    folder = document.folder.absolute()
    found: dict[str, Any] = {}
    for name, part in (("patient", profile.patient), ("dates", profile.dates)):
        if part.file is not None:
            file = named_place(document, (name, "file"), folder=folder, text=part.file)
            found[name] = part.model_copy(update={"file": str(file)})
    return profile.model_copy(update=found)


def with_recipe(document: Document, profile: DeidProfile) -> DeidProfile:
    """The profile with absolute paths of its recipe and functions: relative ones start at the file that says them."""
    folder = document.folder.absolute()
    found = {
        name: str(named_place(document, (name,), folder=folder, text=text))
        for name in ("recipe", "functions")
        if (text := getattr(profile, name)) is not None
    }
    return profile.model_copy(update=found)


def _value(document: Document, path: FieldPath, name: str) -> str:
    kind, _, variable = name.partition(":")
    if kind != "env":
        document.problem(path, f"${{{name}}} is not known here", "write ${env:NAME}")
        return "unknown"
    if (policy := active_policy()) is not None and not is_variable(policy, variable):
        document.problem(path, f"the policy of this machine does not name the variable {variable}", "take it out")
        return "unknown"
    if not os.environ.get(variable):
        document.problem(path, f"the environment variable {variable} is not set", f"set {variable}")
    return os.environ.get(variable) or "unset"


def _check_outside_git(document: Document, path: FieldPath, place: Path) -> None:
    end = real(place)
    for parent in (end, *end.parents):
        if os.path.exists(parent / ".git"):  # noqa: PTH110 Path.exists raises where a parent may not be read
            message = f"lies inside the git checkout {parent.name}/"
            document.problem(path, message, "choose a folder outside: what is written there identifies patients")


def _check_not_demos(document: Document, path: FieldPath, *, folder: Path, place: Path) -> None:
    """A problem where a project other than the demo's writes into the demo's place."""
    if is_demos(place) and not is_demo_project(folder):
        fix = "choose another folder; a copy of the demo's project takes another PACSFLOW_WORK"
        document.problem(path, f"lies in {PLACE}, where `pacsflow demo` deletes", fix)
