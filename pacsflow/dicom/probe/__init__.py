"""The capability probe: what a node can do, found by asking it gently. One module per protocol knows the checks."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Protocol, cast

from pacsflow.dicom.lanes import open_lane
from pacsflow.dicom.probe.contract import Check, Checks, Finding, Keys, failure
from pacsflow.dicom.probe.memory import Capabilities, amend, keep, recall
from pacsflow.dicom.probe.strategy import Strategy, mends, other_ways, requests, strategy
from pacsflow.dicom.probe.visit import Asker, Visit
from pacsflow.errors import PacsError
from schemas.pacs import PacsNode

__all__ = ["Capabilities", "Finding", "Strategy", "amend", "keep", "mends", "probe", "recall", "requests", "strategy"]

PROTOCOLS = {
    "dimse": "pacsflow.dicom.probe.dimse",
    "dicomweb": "pacsflow.dicom.probe.web.dicomweb",
    "wado-uri": "pacsflow.dicom.probe.web.wado_uri",
    "mint": "pacsflow.dicom.probe.web.mint",
    "rad69": "pacsflow.dicom.probe.web.rad69",
}
_DECISIVE = frozenset({"connection", "log-in", "queries"})
"""Findings without which there is nothing more to ask."""


class Prober(Protocol):
    """What the module of a protocol gives. What a protocol cannot do has no checks.

    Of a node that is asked by it, `FIRST` and then `ASKING`; of one that is fetched from by it, `FETCHING`; of both,
    at the end, `LAST`. `CHEAP` names the checks that ask for next to nothing. `ask` puts a query.
    """

    FIRST: Checks
    ASKING: Checks
    FETCHING: Checks
    LAST: Checks
    CHEAP: frozenset[str]
    ask: Asker


def probe(
    node: PacsNode,
    rows: Sequence[Keys] = (),
    *,
    whole: bool = True,
    heard: Callable[[Finding], None] = lambda _: None,
) -> Capabilities:
    """Ask `node` what it can do; `rows` are what the project asks for. Not `whole`: only what is cheap.

    `heard` is told of each finding as it comes. Nothing that comes is kept. Raises PacsPermanentError
    for protocols that do not go together.
    """
    open_lane(node).close()
    visit, findings = Visit(node, _prober(node.finds_by).ask, rows), []
    try:
        for finding in _look(visit, whole=whole):
            findings.append(finding)
            heard(finding)
    finally:
        visit.close()
    return Capabilities(tuple(findings), dict(visit.requests), whole=whole and visit.sample is not None)


def _prober(protocol: str) -> Prober:
    return cast("Prober", import_module(PROTOCOLS[protocol]))


def _look(visit: Visit, *, whole: bool) -> Iterator[Finding]:
    """All findings; after a `no` of the first checks none of the further ones."""
    for name, check, first in _checks(visit.node, whole=whole):
        for finding in _run(visit, name, check):
            yield finding
            if first and finding.name in _DECISIVE and finding.verdict == "no":
                return


def _checks(node: PacsNode, *, whole: bool) -> Iterator[tuple[str, Check, bool]]:
    """Name and check, and whether it is one of the first; where not `whole`, the cheap ones."""
    asked, fetched = _prober(node.finds_by), [_prober(each) for each in (node.fetches_by, *other_ways(node))]
    parts = [(asked, asked.FIRST), (asked, asked.ASKING), *((each, each.FETCHING) for each in fetched)]
    parts += [(each, each.LAST) for each in map(_prober, node.protocols)]
    for prober, checks in parts:
        cheap = {name: check for name, check in checks.items() if whole or name in prober.CHEAP}
        yield from ((name, check, checks is asked.FIRST) for name, check in cheap.items())


def _run(visit: Visit, name: str, check: Check) -> Iterator[Finding]:
    """The findings of one check; an association that is lost in it is a finding too."""
    try:
        yield from check(visit)
    except PacsError as error:
        visit.close()
        yield failure(name, error, verdict="unknown")
