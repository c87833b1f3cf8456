"""A project begun from the configuration of another system: from files where they lie, or as they were handed in."""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import platformdirs

from pacsflow.errors import Problem, ProjectError
from pacsflow.projects.beginning import Begun, begin_project
from pacsflow.projects.moving import SYSTEMS, OldProject, texts_of
from pacsflow.query import load
from pacsflow.query.fault import FaultError
from pacsflow.query.tables import read_headings

_BESIDE: Final = {"pacsman": "new_ids", "dicomtrolley": "channels"}
"""System -> the choice that a further file is: it is kept where the project will read it again."""
_NAMING: Final = "config.json"
"""The file of Medical-Imaging-Downloader that names its other files."""


@dataclass(frozen=True)
class MovedOver:
    """A project that was begun. `changes`: what means something else now; `problems`: what cannot be asked as it is."""

    begun: Begun
    changes: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class OldFiles:
    """Files of another system as they were handed in: name -> content. IDENTIFYING. `beside`: pseudonyms, or channels.

    The query's own name is not kept but for its kind: names of files may name patients.
    """

    configuration: Mapping[str, bytes] = field(repr=False)
    query: tuple[str, bytes] = field(repr=False)
    beside: tuple[str, bytes] | None = field(default=None, repr=False)


def move_over(
    system: str, config: Path, query: Path, folder: Path, choices: Mapping[str, str] | None = None
) -> MovedOver:
    """Begin a project from files where they lie. Raises ProjectError where they cannot be read, or it cannot begin."""
    moved = SYSTEMS[system](OldProject(config, query, folder, headings_of_query(query), choices or {}))
    begun = begin_project(folder, texts_of(moved.files, system), kept=moved.secrets)
    try:
        load(folder)
    except ProjectError as error:
        return MovedOver(begun, moved.changes, tuple(error.problems))
    return MovedOver(begun, moved.changes)


def move_over_handed_in(system: str, files: OldFiles, folder: Path, choices: Mapping[str, str]) -> MovedOver:
    """The same of files that were handed in. Rows and pseudonyms are kept below the project's private folder (0600).

    The configuration, which may hold passwords, is on disk as long as it is read only. Raises ProjectError, OSError.
    """
    if system not in SYSTEMS:
        raise ProjectError.at("import", f"{system} is no system that can be moved", f"use {', '.join(SYSTEMS)}")
    room = platformdirs.user_data_path("pacsflow", appauthor=False) / folder.name / "private" / "tables"
    kept = [_kept(room, *files.query)]
    said = dict(choices)
    try:
        if files.beside is not None:
            kept.append(_kept(room, *files.beside))
            said[_BESIDE[system]] = str(kept[-1])
        with TemporaryDirectory() as place:
            return move_over(system, _configuration(Path(place), files.configuration), kept[0], folder, said)
    except Exception:
        for each in kept:
            each.unlink(missing_ok=True)
        with suppress(OSError):  # not empty: it was there before
            room.rmdir()
        raise


def headings_of_query(query: Path) -> Mapping[str, str]:
    """The headings of an old query and what they mean. Raises ProjectError."""
    try:
        return read_headings(query, query.name)
    except FaultError as fault:
        raise ProjectError.at(query.name, fault.message, fault.fix) from None


def _configuration(place: Path, files: Mapping[str, bytes]) -> Path:
    """The configuration's files in a folder; its only file where it is one. No name leads out of the folder."""
    if not files:
        raise ProjectError.at("import", "there is no configuration", "hand in the old system's configuration")
    for name, content in files.items():
        plain = Path(name.replace("\\", "/")).name
        (place / plain).write_bytes(_without_ways_out(content) if plain == _NAMING and len(files) > 1 else content)
    found = sorted(place.iterdir())
    return found[0] if len(found) == 1 else place


def _without_ways_out(content: bytes) -> bytes:
    """What names other files names those that were handed in, whatever folder it says."""
    try:
        named = json.loads(content)
    except ValueError:
        return content
    if not isinstance(named, dict):
        return content
    plain = {key: Path(str(value).replace("\\", "/")).name for key, value in named.items()}
    return json.dumps(plain).encode()


def _kept(room: Path, name: str, content: bytes) -> Path:
    room.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = room / f"moved-{secrets.token_hex(4)}{Path(name).suffix.lower()}"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return file
