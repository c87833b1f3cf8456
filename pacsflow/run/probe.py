"""What the nodes of a project can do: asked, or remembered. No flow: a person waits for the answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pacsflow.dicom.probe import Capabilities, CheckResult, Strategy, fixes, keep, probe, recall, requests, strategy
from pacsflow.dicom.probe.visit import Keys
from pacsflow.errors import PacsflowError
from pacsflow.hours import OpenHours, told
from pacsflow.ledger import traffic
from pacsflow.projects.project import Project
from pacsflow.query.levels import keys_at
from pacsflow.query.loading import load
from pacsflow.query.row import Row
from schemas.pacs import PacsNode


@dataclass(frozen=True)
class Probed:
    """A node, what it can do, what follows for us, what to ask its administrator for, and what we can do ourselves."""

    node: PacsNode
    capabilities: Capabilities
    strategy: Strategy
    requests: tuple[str, ...]
    fixes: tuple[str, ...]
    remembered: bool
    outside_hours: str
    uncounted: str = ""
    """Why what was asked is not in the project's traffic, where there is a ledger for it."""


def probe_project(
    folder: Path, *, again: bool = False, heard: Callable[[PacsNode, CheckResult], None] = lambda _node, _finding: None
) -> Iterator[Probed]:
    """Ask each node of a project what it can do, or give what is remembered; the first is that of pacs.yaml.

    Raises ProjectError.
    """
    project, rows = load(folder)
    keys = [_keys(row) for row in rows]
    for node in project.nodes.values():
        known = None if again else recall(node)
        if known is not None and known.whole:
            yield _probed(node, known, remembered=True)
            continue
        found = probe(node, keys, heard=partial(heard, node))
        uncounted = _count(project, node, found)
        if strategy(node, found.findings).works:
            keep(node, found)
        yield replace(_probed(node, found, remembered=False), uncounted=uncounted)


def _count(project: Project, node: PacsNode, found: Capabilities) -> str:
    """Count what was asked in the ledger that runs of the project have begun; why not, where that cannot be."""
    from pacsflow.run.stores import open_ledger_of

    if project.settings.ledger == "sqlite" and not (project.workdir / "private" / "ledger.sqlite").exists():
        return ""
    try:
        ledger = open_ledger_of(project)
    except PacsflowError as error:
        return f"what was asked is not in the project's traffic: {error}"
    try:
        traffic.count(ledger, node.name, {what: number for what, number in found.traffic.items() if number})
    finally:
        ledger.close()
    return ""


def _probed(node: PacsNode, known: Capabilities, *, remembered: bool) -> Probed:
    plan, findings = strategy(node, known.findings), known.findings
    shut = "" if remembered else _shut(node)
    return Probed(node, known, plan, requests(node, findings), fixes(node, findings), remembered, shut)


def _shut(node: PacsNode) -> str:
    """That a node was asked outside its hours; '' where it was not."""
    if node.hours is None or OpenHours(node.hours).is_open(datetime.now(UTC)):
        return ""
    return f"asked outside its hours, {told(node.hours)}: a probe is gentle and does not wait for them"


def _keys(row: Row) -> Keys:
    return {"STUDY": keys_at(row, "STUDY"), "SERIES": keys_at(row, "SERIES")}
