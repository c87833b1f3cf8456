"""What a schema cannot see of targets: layouts, two that write to one place, patients named to a gateway."""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from pacsflow.extras import missing
from pacsflow.projects.places import check_files
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.validation import nearest
from pacsflow.pseudonyms.table import read_shifts, read_table
from pacsflow.regular_files import is_there, real
from schemas.deid import DeidProfile
from schemas.export import Export, Files, Target
from schemas.layout import FIELDS, check_layout
from schemas.training import TRAINING

LAYOUT_FIELDS = frozenset(FIELDS)
"""What a layout may hold."""
_OURS = ("private", "report", "staging")
"""Folders of a workdir that do not belong to a target."""


def check_targets(document: Document, targets: Sequence[Target]) -> None:
    """A problem for each layout, file or address that cannot be used, and each target that has another one's place."""
    places: dict[tuple[object, ...], int] = {}
    for position, target in enumerate(targets):
        at: FieldPath = ("targets", position)
        check_files(document, at, target)
        if isinstance(target, Files) and target.layout not in TRAINING:
            _check_layout(document, (*at, "layout"), target.layout)
        for mistake in target.mistakes():
            document.problem((*at, *mistake.at), mistake.message, mistake.fix)
        for lacking in filter(None, map(missing, target.packages())):
            document.problem((*at, "kind"), *lacking)
        _check_tables(document, at, target)
        place = tuple(real(part) if isinstance(part, Path) else part for part in target.place())
        first = places.setdefault(place, position)
        if first != position:
            message = f"writes to the same place as target {first + 1}"
            document.problem(at, message, "give each target a place of its own, or take one out")


def check_workdir(document: Document, targets: Sequence[Target], workdir: Path) -> None:
    """A problem for each target that writes where the project keeps its own."""
    for position, target in enumerate(targets):
        path = getattr(target, "path", None) or _local(target)
        if path and any(Path(path).is_relative_to(workdir / name) for name in _OURS):
            message = f"lies in what the project keeps for itself ({', '.join(_OURS)})"
            document.problem(("targets", position, "path"), message, "write ${project.workdir}/out")


def _local(target: Target) -> str:
    """The folder of this machine that an address leads to; empty where it leads elsewhere."""
    url = str(getattr(target, "url", ""))
    return urlsplit(url).path if url.startswith("file://") else ""


def check_codes(documents: Mapping[str, Document], models: Mapping[str, BaseModel]) -> None:
    """A problem for each target that does not go together with the project's profile."""
    export, deid = models.get("export.yaml"), models.get("deid.yaml")
    if not isinstance(export, Export) or not isinstance(deid, DeidProfile):
        return
    for position, target in enumerate(export.targets):
        for mistake in target.mistakes_under(deid):
            documents["export.yaml"].problem(("targets", position, *mistake.at), mistake.message, mistake.fix)


def _check_tables(document: Document, at: FieldPath, target: Target) -> None:
    for name, kind in target.TABLES.items():
        file = getattr(target, name)
        if file is not None and not is_there(file):
            document.problem((*at, name), "names no file", "write the path of a JSON table")
        elif file is not None:
            document.problems += (read_table if kind == "pseudonyms" else read_shifts)(Path(file))[1]


def _check_layout(document: Document, path: FieldPath, layout: str) -> None:
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(layout) if name is not None}
    except ValueError:
        document.problem(path, "has a brace without its partner", "write fields as {patient}")
        return
    for name in sorted(names - LAYOUT_FIELDS):
        near = nearest(name, LAYOUT_FIELDS) or ", ".join(sorted(LAYOUT_FIELDS))
        document.problem(path, f"has an unknown field {{{name}}}", f"use {near}")
    if layout.startswith(("/", "~")) or ".." in Path(layout).parts:
        document.problem(path, "leads out of the folder", "write a relative path")
    elif names <= LAYOUT_FIELDS and (message := check_layout(layout)):
        document.problem(path, message, "write it as {patient}/{series_number:05d}-{series_description}")
