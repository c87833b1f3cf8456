"""A project folder as a record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pacsflow.projects.source import Document
from schemas.bids import Bids
from schemas.deid import DeidProfile
from schemas.export import Export
from schemas.pacs import PacsNode
from schemas.project import ProjectSettings
from schemas.query import Query


@dataclass(frozen=True)
class Project:
    """A project folder that says what it may say. `workdir` is absolute and outside any git checkout."""

    folder: Path
    settings: ProjectSettings
    pacs: PacsNode
    query: Query = field(repr=False)
    deid: DeidProfile
    export: Export
    workdir: Path
    documents: Mapping[str, Document] = field(repr=False, compare=False)
    fallback: tuple[PacsNode, ...] = ()
    arrivals: PacsNode | None = None
    bids: Mapping[str, Bids] = field(default_factory=dict)
    """Rules for BIDS names by `nifti.bids` of export.yaml."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Programs that `post` in export.yaml names -> SHA-256 of their files."""
    only: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict, repr=False)
    """(study, series) -> the instances that are wanted of it, all by UID; of a series that is not there, all."""

    @property
    def nodes(self) -> dict[str, PacsNode]:
        """Name -> node, in the order in which they are asked; the first is called ''."""
        return {"": self.pacs, **{node.name: node for node in self.fallback}}

    def line_of(self, file: str, *path: str | int) -> int:
        """1-based line of a field, or of what is nearest around it: `line_of("query.yaml", "rows", 0)`."""
        return self.documents[file].line_of(path)
