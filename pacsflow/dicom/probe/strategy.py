"""From findings to what pacsflow does: the way images are fetched, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pacsflow.dicom.probe.results import CheckResult, Fact
from pacsflow.dicom.probe.words import us_and_them
from pacsflow.wording import counted
from schemas.pacs import PacsNode, Protocol
from schemas.protocols import FETCHING, METHODS, PROTOCOLS

NAMES: Final = {method: method.upper() for method in METHODS}
"""What the finding of a way to fetch images is called."""
_UNKNOWN = CheckResult("", "unknown", "")
_OK = CheckResult("", "ok", "")


@dataclass(frozen=True)
class Strategy:
    """`method`: how images are fetched, None where no way is known. `proven`: it was tried, and images came."""

    method: str | None
    proven: bool
    works: bool
    sentences: tuple[str, ...]


def other_ways(node: PacsNode) -> tuple[Protocol, ...]:
    """Web services that images might come from too, tried where the way that pacs.yaml says brings none."""
    if node.fetch.method != "auto":
        return ()
    return tuple(each for each in node.urls if each in FETCHING and each not in ("dimse", node.fetches_by))


def strategy(node: PacsNode, findings: Sequence[CheckResult]) -> Strategy:
    """What pacsflow does with the node."""
    known = {finding.name: finding for finding in findings}
    allowed = [each for each in PROTOCOLS[node.fetches_by].methods if node.fetch.method in ("auto", each)]
    ranks = {method: _rank(node, known, method) for method in allowed}
    method = max(allowed, key=lambda one: ranks[one], default=None)
    if method is None or ranks[method] == 0:
        method = None
    queries = "queries" in known and known["queries"].verdict != "no"
    answers = known.get("connection", _OK).verdict == "ok" and known.get("log-in", _OK).verdict != "no"
    proven = method is not None and known.get(NAMES[method], _UNKNOWN).verdict == "ok"
    return Strategy(method, proven, bool(method) and queries and answers, tuple(_sentences(node, known, method)))


def _rank(node: PacsNode, known: Mapping[str, CheckResult], method: str) -> int:
    """3: works; 2: not tried; 1: some images came; 0: it cannot be, or nothing came."""
    if method == "c-move" and node.fetch.move_to is None:
        return 0
    accepted = known["retrievals"].facts.get(method) if "retrievals" in known else node.fetches_by != "dimse"
    tried = known.get(NAMES[method], _UNKNOWN)
    return {"ok": 3, "unknown": 2, "partly": 1, "no": 0}[tried.verdict] if accepted else 0


def _sentences(node: PacsNode, known: Mapping[str, CheckResult], method: str | None) -> Iterator[str]:
    if "queries" not in known or known["queries"].verdict == "no":
        yield "Nothing: the node cannot be asked."
        return
    yield f"Ask by {_root(known['queries'])}."
    if "instance counts" in known:
        yield _counting(known["instance counts"])
    if ignored := known.get("keys", _UNKNOWN).facts.get("ignored"):
        yield f"Filter answers itself by {', '.join(_words(ignored))}, as it does with all keys: the node ignores them."
    if limit := known.get("result limit", _UNKNOWN).facts.get("limit"):
        yield (
            f"Ask in pieces where {counted(_number(limit), 'answer comes', 'answers come')}: the node gives no more to "
            f"one query."
        )
    yield _fetching(node, known, method)
    if taken := known.get("associations", _UNKNOWN).facts.get("taken"):
        yield f"Open {counted(_number(taken), 'association')} at most."


def _number(fact: Fact) -> int:
    return fact if isinstance(fact, int) else 0


def _root(queries: CheckResult) -> str:
    """What queries are put by: a service of the web, or the root of C-FIND."""
    if service := queries.facts.get("service"):
        return str(service)
    return "the Study Root" if "Study Root" in _words(queries.facts.get("roots", ())) else "the Patient Root"


def _words(fact: object) -> list[str]:
    return list(map(str, fact)) if isinstance(fact, list | tuple) else []


def _counting(counts: CheckResult) -> str:
    if counts.facts.get("series") and counts.verdict == "ok":
        return "Plan with the node's own counts, and compare instances one by one, by their UIDs."
    if counts.facts.get("short"):
        return "Expect as many images as the node counts, since it does not list them all; `proof` then says `count`."
    return (
        "Count images itself, by one image-level query per series: the node's counts are missing or not to be trusted."
    )


def _fetching(node: PacsNode, known: Mapping[str, CheckResult], method: str | None) -> str:
    if method is None:
        return "Fetch nothing: no way is known by which images come."
    said = node.fetch.method != "auto" or node.fetches_by != "dimse"
    reason = "pacs.yaml says so" if said else _reason(known, method)
    tried = known.get(NAMES[method], _UNKNOWN)
    trust = {"ok": "it was tried, and images came", "partly": "when it was tried, only some images came"}
    where = f" to {node.fetch.move_to.aet}" if method == "c-move" and node.fetch.move_to else ""
    return f"Fetch images by {NAMES[method]}{where}, as {reason}; {trust.get(tried.verdict, 'it was not tried yet')}."


def _reason(known: Mapping[str, CheckResult], method: str) -> str:
    if method == "c-get":
        return "it needs nothing to be declared"
    accepted = known["retrievals"].facts.get("c-get")
    return "C-GET is accepted but brings no images" if accepted else "C-GET is not accepted"


def requests(node: PacsNode, findings: Sequence[CheckResult]) -> tuple[str, ...]:
    """What to ask the PACS administrator for, who we are first; empty where nothing is missing."""
    plan = strategy(node, findings)
    wishes = dict.fromkeys(one.request for one in findings if one.request and not _needless(node, one, plan))
    return (us_and_them(node), *(f"Please {wish}." for wish in wishes)) if wishes else ()


def fixes(node: PacsNode, findings: Sequence[CheckResult]) -> tuple[str, ...]:
    """What to write in pacs.yaml, or to do on this computer; empty where nothing is missing."""
    plan = strategy(node, findings)
    other = [] if plan.method else [name for one, name in NAMES.items() if _brought(findings, name) and _dimse(node)]
    told = [f"set `fetch.method: auto`: images come by {name}" for name in other]
    told += [one.fix for one in findings if one.fix and not _needless(node, one, plan)]
    return tuple(dict.fromkeys(told))


def _brought(findings: Sequence[CheckResult], name: str) -> bool:
    return any(one.name == name and one.verdict == "ok" for one in findings)


def _dimse(node: PacsNode) -> bool:
    return node.fetches_by == "dimse"


def _needless(node: PacsNode, finding: CheckResult, plan: Strategy) -> bool:
    """One way to fetch images is enough, and one that pacs.yaml does not want needs nothing."""
    method = next((method for method, name in NAMES.items() if name == finding.name), None)
    return method is not None and (node.fetch.method not in ("auto", method) or (plan.proven and plan.method != method))
