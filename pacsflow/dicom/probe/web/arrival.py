"""Whether images really come from a web service: a small series, counted and thrown away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydicom.uid import UID

from pacsflow.dicom.contract import Lane, Outcome, Request
from pacsflow.dicom.probe.basket import WHOLE, Basket, basket_for, untried
from pacsflow.dicom.probe.contract import Fact, Finding, Verdict, failure
from pacsflow.dicom.probe.strategy import NAMES, Method
from pacsflow.dicom.probe.visit import Sample, Visit
from pacsflow.dicom.probe.web.reach import tls
from pacsflow.dicom.probe.words import as_whom
from pacsflow.dicom.retrieve import merge
from pacsflow.dicom.web.connection import Connection
from pacsflow.errors import PacsError, PacsPermanentError, SecretError
from schemas.pacs import Protocol


@dataclass(frozen=True)
class Way:
    """A way of the web by which images come. `most`: images up to which a series is asked for whole.

    `listed`: it has to be told the images; `single`: each of them is a request.
    """

    method: Method
    protocol: Protocol
    lane: Callable[[Connection], Lane]
    most: int = WHOLE
    listed: bool = True
    single: bool = False


def check(visit: Visit, way: Way) -> Iterator[Finding]:
    """The finding of the way's name, and `transfer syntaxes`; `TLS` of a service that was not yet spoken to.

    A way that pacs.yaml does not choose is left alone where images came by the one it does.
    """
    if visit.node.fetches_by != way.protocol and visit.served:
        return
    name = NAMES[way.method]
    if (reason := untried(visit)) or visit.sample is None:
        yield Finding(name, "unknown", f"not tried: {reason}")
        return
    basket = basket_for(visit, visit.sample, most=way.most)
    ended = _try(visit, way, basket)
    visit.served |= basket.came == basket.wanted
    if (heard := visit.heard.get(way.protocol)) and _apart(visit, way):
        yield tls(f"TLS of {name}", visit, heard)
    yield _judged(visit, way, (basket, ended))
    if basket.came:
        yield _syntaxes(visit.sample, basket)


def _apart(visit: Visit, way: Way) -> bool:
    """Whether the way leads to another service than the queries."""
    asked, fetched = (urlsplit(visit.node.address(each))[:2] for each in (visit.node.finds_by, way.protocol))
    return visit.node.finds_by == "dimse" or asked != fetched


def _try(visit: Visit, way: Way, basket: Basket) -> Outcome | PacsError:
    assert visit.sample is not None  # noqa: S101 - seen to by the caller
    visit.fetching = True
    try:
        lane = way.lane(visit.connection(way.protocol))
        requests = _requests(visit.sample, way, sorted(basket.wanted))
        return merge(lane.fetch(request, basket) for request in requests)
    except SecretError as error:
        return PacsPermanentError(str(error), remedy=error.remedy)
    except PacsError as error:
        return error
    finally:
        visit.fetching = False


def _requests(sample: Sample, way: Way, wanted: list[str]) -> Iterator[Request]:
    series = Request(sample.study_uid, (sample.series_uid,))
    if way.single:
        yield from (replace(series, sop_uids=(uid,)) for uid in wanted)
    elif way.listed or len(wanted) < len(sample.sop_uids):
        yield replace(series, sop_uids=tuple(wanted))
    else:
        yield series


def _judged(visit: Visit, way: Way, tried: tuple[Basket, Outcome | PacsError]) -> Finding:
    (basket, ended), name = tried, NAMES[way.method]
    came, wanted = len(basket.came), len(basket.wanted)
    facts: dict[str, Fact] = basket.facts()
    if not isinstance(ended, PacsError) and came == wanted:
        mend = "" if visit.node.fetches_by == way.protocol else f"set `fetch.method: {way.method}`: images come by it"
        return Finding(name, "ok", f"works: {came} of {wanted} images arrived", facts, mend=mend)
    verdict: Verdict = "partly" if came else "no"
    wish = f"see that whole series come by {name}, {as_whom(visit.node)}"
    if isinstance(ended, PacsError):
        found = failure(name, ended, verdict=verdict)
        said = f"{came} of {wanted} images arrived, then it failed: {ended}" if came else f"it fails: {ended}"
        return replace(found, said=said, facts={**found.facts, **facts}, ask=found.ask or wish)
    others = f"; {ended.failed} things came that are no images" if ended.failed else ""
    return Finding(name, verdict, f"{came} of {wanted} images arrived{others}", facts, ask=wish)


def _syntaxes(sample: Sample, basket: Basket) -> Finding:
    """Whether images come as they are stored: the service says in what, or nobody would have compressed them for us."""
    stored, came = _named(sample.syntaxes), _named(basket.syntaxes)
    facts, said = {"stored": stored, "came": came}, f"they came in {', '.join(came)}"
    if basket.syntaxes <= sample.syntaxes:
        return Finding("transfer syntaxes", "ok", f"{said}, as they are stored", facts)
    if stored:
        but = f"{said}; stored they are in {', '.join(stored)}"
        return Finding("transfer syntaxes", "partly", but, facts, ask="give images as they are stored, not converted")
    if any(UID(syntax).is_compressed for syntax in basket.syntaxes):
        return Finding("transfer syntaxes", "ok", f"{said}: compressed, and not unpacked for us", facts)
    return Finding("transfer syntaxes", "unknown", f"{said}; the node does not say in what they are stored", facts)


def _named(syntaxes: frozenset[str] | set[str]) -> list[str]:
    return sorted(UID(syntax).name for syntax in syntaxes)
