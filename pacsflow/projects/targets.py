"""What a schema cannot see of targets: layouts, two that write to one place, patients named to a gateway."""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from pacsflow.projects.places import check_files
from pacsflow.projects.source import Document, FieldPath
from pacsflow.projects.validation import nearest
from pacsflow.pseudonyms.table import read_shifts, read_table
from schemas import DeidProfile, Export
from schemas.export import UNPROTECTED, Dicom, Dicomweb, Files, Karnak, Storage, Target, Xnat
from schemas.layout import FIELDS, check_layout

LAYOUT_FIELDS = frozenset(FIELDS)
"""What a layout may hold."""
_OURS = ("private", "report", "staging")
"""Folders of a workdir that are no target's."""


def check_targets(document: Document, targets: Sequence[Target]) -> None:
    """A problem for each layout, file or address that cannot be used, and each target that has another one's place."""
    places: dict[tuple[object, ...], int] = {}
    for position, target in enumerate(targets):
        check_files(document, ("targets", position), target)
        if isinstance(target, Files):
            _check_layout(document, ("targets", position, "layout"), target.layout)
            if not target.dicom and not target.nifti:
                document.problem(("targets", position), "writes neither DICOM nor NIfTI", "set one of them to true")
        if isinstance(target, Karnak):
            _check_tables(document, position, target)
        if isinstance(target, Storage):
            _check_protected(document, position, target)
        first = places.setdefault(_place(target), position)
        if first != position:
            message = f"writes to the same place as target {first + 1}"
            document.problem(("targets", position), message, "give each target a place of its own, or take one out")


def check_workdir(document: Document, targets: Sequence[Target], workdir: Path) -> None:
    """A problem for each target that writes where the project keeps its own."""
    for position, target in enumerate(targets):
        path = getattr(target, "path", None)
        if path and any(Path(path).is_relative_to(workdir / name) for name in _OURS):
            message = f"lies in what the project keeps for itself ({', '.join(_OURS)})"
            document.problem(("targets", position, "path"), message, "write ${project.workdir}/out")


def check_codes(documents: Mapping[str, Document], models: Mapping[str, BaseModel]) -> None:
    """A problem for each gateway that would be told Patient IDs as the codes of identifiable images."""
    export, deid = models.get("export.yaml"), models.get("deid.yaml")
    if not isinstance(export, Export) or not isinstance(deid, DeidProfile) or deid.base != "none":
        return
    for position, target in enumerate(export.targets):
        if isinstance(target, Karnak) and target.new_ids is None:
            documents["export.yaml"].problem(
                ("targets", position),
                "would send the Patient ID itself as the code: under `base: none` images are IDENTIFIABLE",
                "name the codes by `new_ids`, as `pacsflow pseudonyms` writes them",
            )


def _check_tables(document: Document, position: int, target: Karnak) -> None:
    for name, read in (("new_ids", read_table), ("day_shift", read_shifts)):
        file = getattr(target, name)
        if file is not None and not Path(file).is_file():
            document.problem(("targets", position, name), "names no file", "write the path of a JSON table")
        elif file is not None:
            document.problems += read(Path(file))[1]


def _check_protected(document: Document, position: int, target: Storage) -> None:
    if better := UNPROTECTED.get(target.url.partition("://")[0]):
        document.problem(("targets", position, "url"), "is not taken", f"write the address with {better}")
    if str(target.options.get("endpoint_url", "")).startswith("http://"):
        at: FieldPath = ("targets", position, "options", "endpoint_url")
        document.problem(at, "is not taken", "write the address with https://")


def _place(target: Target) -> tuple[object, ...]:
    """Where a target writes, as far as it can be told; equal for two that write to the same place."""
    place: tuple[object, ...]
    match target:
        case Storage():
            place = _address(target)
        case Karnak():
            place = target.host.lower(), target.port, target.called_aet, "album", target.album
        case Dicom():
            place = target.host.lower(), target.port, target.called_aet
        case Dicomweb():
            place = (target.url.rstrip("/"),)
        case Xnat():
            place = target.url.rstrip("/"), target.project, target.destination
        case _:
            place = (Path(target.path).resolve(),)
    return place


def _address(target: Storage) -> tuple[object, ...]:
    url = urlsplit(target.url)
    if url.scheme in {"file", "local"}:
        return (Path(url.path).resolve(),)
    server = target.options.get("username"), target.options.get("endpoint_url")
    return url.scheme, url.netloc.lower(), url.path.rstrip("/"), *server


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
