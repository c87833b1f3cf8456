"""What the node of a project can do: asked, or remembered. No flow: a person waits for the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pacsflow.dicom.probe import Capabilities, Finding, Strategy, keep, probe, recall, requests, strategy
from pacsflow.dicom.probe.contract import Keys
from pacsflow.projects import Project
from pacsflow.query import Row, load
from pacsflow.query.levels import keys_at
from schemas.pacs import PacsNode


@dataclass(frozen=True)
class Probed:
    """A node, what it can do, what follows for us, and what to ask its administrator for."""

    node: PacsNode
    capabilities: Capabilities
    strategy: Strategy
    requests: tuple[str, ...]
    remembered: bool


def probe_project(folder: Path, *, again: bool = False, heard: Callable[[Finding], None] = lambda _: None) -> Probed:
    """Ask the node of a project what it can do, or tell what it told before. Raises ProjectError."""
    project, rows = load(folder)
    known = None if again else recall(project.pacs)
    if known is not None and known.whole:
        return _probed(project, known, remembered=True)
    found = probe(project.pacs, [_keys(row) for row in rows], heard=heard)
    if strategy(project.pacs, found.findings).works:
        keep(project.pacs, found)
    return _probed(project, found, remembered=False)


def _probed(project: Project, known: Capabilities, *, remembered: bool) -> Probed:
    node, findings = project.pacs, known.findings
    return Probed(node, known, strategy(node, findings), requests(node, findings), remembered)


def _keys(row: Row) -> Keys:
    return {"STUDY": keys_at(row, "STUDY"), "SERIES": keys_at(row, "SERIES")}
