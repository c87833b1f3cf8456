"""The capability probe: what a node can do, found by asking it gently. `protocols` knows the checks."""

from collections.abc import Callable, Iterator, Sequence

from pacsflow.dicom.lanes import open_lane
from pacsflow.dicom.probe.memory import Capabilities, amend, keep, recall
from pacsflow.dicom.probe.protocols import prober_of
from pacsflow.dicom.probe.results import CheckResult, failure
from pacsflow.dicom.probe.strategy import Strategy, fixes, other_ways, requests, strategy
from pacsflow.dicom.probe.visit import Check, Keys, Visit
from pacsflow.errors import PacsError
from schemas.pacs import PacsNode

__all__ = [
    "Capabilities",
    "CheckResult",
    "Strategy",
    "amend",
    "fixes",
    "keep",
    "probe",
    "recall",
    "requests",
    "strategy",
]

_DECISIVE = frozenset({"connection", "log-in", "queries"})
"""Findings without which there is nothing more to ask."""


def probe(
    node: PacsNode,
    rows: Sequence[Keys] = (),
    *,
    whole: bool = True,
    heard: Callable[[CheckResult], None] = lambda _: None,
) -> Capabilities:
    """Ask `node` what it can do; `rows` are what the project asks for. Not `whole`: only what is cheap.

    `heard` is called with each finding as it comes. Nothing that comes is kept. Raises PacsPermanentError
    for protocols that do not go together.
    """
    open_lane(node).close()
    visit, findings = Visit(node, prober_of(node.finds_by).ask, rows), []
    try:
        for finding in _look(visit, whole=whole):
            findings.append(finding)
            heard(finding)
    finally:
        visit.close()
    return Capabilities(tuple(findings), dict(visit.requests), whole=whole and visit.sample is not None)


def _look(visit: Visit, *, whole: bool) -> Iterator[CheckResult]:
    """All findings; after a `no` of the first checks none of the further ones."""
    for name, check, first in _checks(visit.node, whole=whole):
        for finding in _run(visit, name, check):
            yield finding
            if first and finding.name in _DECISIVE and finding.verdict == "no":
                return


def _checks(node: PacsNode, *, whole: bool) -> Iterator[tuple[str, Check, bool]]:
    """Name and check, and whether it is one of the first; where not `whole`, the cheap ones."""
    asked = prober_of(node.finds_by)
    fetched = [prober_of(each) for each in (node.fetches_by, *other_ways(node))]
    parts = [(asked, asked.first), (asked, asked.asking), *((each, each.fetching) for each in fetched)]
    parts += [(each, each.last) for each in map(prober_of, node.protocols)]
    for prober, checks in parts:
        cheap = {name: check for name, check in checks.items() if whole or name in prober.cheap}
        yield from ((name, check, checks is asked.first) for name, check in cheap.items())


def _run(visit: Visit, name: str, check: Check) -> Iterator[CheckResult]:
    """The findings of one check; an association that is lost in it is a finding too."""
    try:
        yield from check(visit)
    except PacsError as error:
        visit.close()
        yield failure(name, error, verdict="unknown")
