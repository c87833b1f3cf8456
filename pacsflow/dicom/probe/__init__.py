"""The capability probe: what a node can do, found by asking it gently. One module per protocol looks."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Protocol, cast

from pacsflow.dicom.probe.contract import Finding, Keys
from pacsflow.dicom.probe.memory import Capabilities, amend, keep, recall
from pacsflow.dicom.probe.strategy import Strategy, mends, requests, strategy
from pacsflow.dicom.probe.visit import Visit
from pacsflow.errors import PacsPermanentError
from schemas.pacs import PacsNode

__all__ = ["Capabilities", "Finding", "Strategy", "amend", "keep", "mends", "probe", "recall", "requests", "strategy"]

PROTOCOLS = {"dimse": "pacsflow.dicom.probe.dimse"}


class Prober(Protocol):
    """What the module of a protocol gives."""

    def look(self, visit: Visit) -> Sequence[Finding]:
        """All findings."""

    def glance(self, visit: Visit) -> Sequence[Finding]:
        """What can be found with next to nothing asked."""


def probe(
    node: PacsNode,
    rows: Sequence[Keys] = (),
    *,
    whole: bool = True,
    heard: Callable[[Finding], None] = lambda _: None,
) -> Capabilities:
    """Ask `node` what it can do; `rows` are what the project asks for. Not `whole`: only what is cheap.

    `heard` is told of each finding as it comes. Nothing that comes is kept. Raises PacsPermanentError
    for a protocol that has no probe.
    """
    if web := [name for name in node.protocols if name not in PROTOCOLS]:
        raise PacsPermanentError(
            f"a node that is asked by {' and '.join(web)} cannot be probed",
            remedy="`pacsflow run` asks it for one study before anything else, and says what is wrong",
        )
    prober = cast("Prober", import_module(PROTOCOLS[node.protocol]))
    visit, findings = Visit(node, rows), []
    try:
        for finding in (prober.look if whole else prober.glance)(visit):
            findings.append(finding)
            heard(finding)
    finally:
        visit.close()
    return Capabilities(tuple(findings), dict(visit.requests), whole=whole and visit.sample is not None)
