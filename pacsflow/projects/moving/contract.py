"""What goes into a move and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class OldProject:
    """What an old system leaves: its configuration (a file or a folder), its query, and how it was called.

    `meanings` are the query's headings with the keyword each means by itself, `id`, or '' where it stands
    for none; `folder` is where the project will be. `choices` are the old command's own switches, by name.
    """

    config: Path
    query: Path
    folder: Path
    meanings: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moved:
    """The files of a project, by name, as plain data; and in sentences what means something else now.

    `secrets`: word that stands for it in the files, as `@password@` -> secret, to be kept apart.
    """

    files: Mapping[str, Mapping[str, Any]]
    changes: tuple[str, ...]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
