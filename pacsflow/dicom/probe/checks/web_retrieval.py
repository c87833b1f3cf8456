"""Whether images really come from a web service: a small series, counted and thrown away."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from pydicom.uid import UID

from pacsflow.dicom.contract import Lane, Outcome, Request
from pacsflow.dicom.one_by_one import merge
from pacsflow.dicom.probe.basket import WHOLE, Basket, basket_for, untried
from pacsflow.dicom.probe.results import CheckResult, Fact, Sample, Verdict, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import as_whom, tls
from pacsflow.dicom.web.connection import Connection
from pacsflow.dicom.web.dicomweb import TRANSCODING
from pacsflow.errors import PacsError, PacsPermanentError, SecretError
from pacsflow.wording import counted
from schemas.pacs import Protocol


@dataclass(frozen=True)
class WebRetrieval:
    """A way of the web by which images come. `most`: images up to which a series is asked for whole.

    `listed`: it must be given a list of images; `single`: each of them is a request.
    """

    method: str
    protocol: Protocol
    lane: Callable[[Connection], Lane]
    most: int = WHOLE
    listed: bool = True
    single: bool = False

    @property
    def name(self) -> str:
        """What its finding is called."""
        return self.method.upper()


def check(visit: Visit, way: WebRetrieval) -> Iterator[CheckResult]:
    """The finding of the way's name, and `transfer syntaxes`; `TLS` of a service that was not yet spoken to.

    A way that pacs.yaml does not choose is left alone where images came by the one it does.
    """
    if visit.node.fetches_by != way.protocol and visit.served:
        return
    name = way.name
    if (reason := untried(visit.sample)) or visit.sample is None:
        yield CheckResult(name, "unknown", f"not tried: {reason}")
        return
    basket = basket_for(visit.sample, visit.requests, most=way.most)
    ended = _try(visit, way, basket)
    visit.served |= basket.came == basket.wanted
    if (heard := visit.heard.get(way.protocol)) and _apart(visit, way):
        yield tls(f"TLS of {name}", visit.node, heard)
    yield _judged(visit, way, basket, ended)
    if basket.came:
        yield _transcoded(_syntaxes(visit.sample, basket), visit, way)


def _apart(visit: Visit, way: WebRetrieval) -> bool:
    """Whether the way leads to another service than the queries."""
    asked, fetched = (urlsplit(visit.node.address(each))[:2] for each in (visit.node.finds_by, way.protocol))
    return visit.node.finds_by == "dimse" or asked != fetched


def _try(visit: Visit, way: WebRetrieval, basket: Basket) -> Outcome | PacsError:
    assert visit.sample is not None  # noqa: S101 - seen to by the caller
    visit.fetching = True
    try:
        lane = way.lane(visit.connection(way.protocol))
        requests = _requests(visit.sample, way, sorted(basket.wanted))
        return merge(lane.fetch(request, basket) for request in requests)
    except SecretError as error:
        return PacsPermanentError(str(error), fix=error.fix)
    except PacsError as error:
        return error
    finally:
        visit.fetching = False


def _requests(sample: Sample, way: WebRetrieval, wanted: list[str]) -> Iterator[Request]:
    series = Request(sample.study_uid, (sample.series_uid,))
    if way.single:
        yield from (replace(series, sop_uids=(uid,)) for uid in wanted)
    elif way.listed or len(wanted) < len(sample.sop_uids):
        yield replace(series, sop_uids=tuple(wanted))
    else:
        yield series


def _judged(visit: Visit, way: WebRetrieval, basket: Basket, ended: Outcome | PacsError) -> CheckResult:
    name = way.name
    came, wanted = len(basket.came), len(basket.wanted)
    facts: dict[str, Fact] = basket.facts()
    if not isinstance(ended, PacsError) and came == wanted:
        fix = "" if visit.node.fetches_by == way.protocol else f"set `fetch.method: {way.method}`: images come by it"
        return CheckResult(name, "ok", f"works: {came} of {counted(wanted, 'image')} arrived", facts, fix=fix)
    verdict: Verdict = "partly" if came else "no"
    wish = f"see that whole series come by {name}, {as_whom(visit.node)}"
    if isinstance(ended, PacsError):
        found = failure(name, ended, verdict=verdict)
        said = (
            f"{came} of {counted(wanted, 'image')} arrived, then it failed: {ended}" if came else f"it fails: {ended}"
        )
        return replace(found, said=said, facts={**found.facts, **facts}, request=found.request or wish)
    others = (
        f"; {counted(ended.failed, 'thing')} came that {'is not an image' if ended.failed == 1 else 'are not images'}"
        if ended.failed
        else ""
    )
    return CheckResult(name, verdict, f"{came} of {counted(wanted, 'image')} arrived{others}", facts, request=wish)


def _syntaxes(sample: Sample, basket: Basket) -> CheckResult:
    """Whether images come as they are stored: the service names the syntax, or they are compressed."""
    stored, came = _named(sample.syntaxes), _named(basket.syntaxes)
    facts, said = {"stored": stored, "came": came}, f"they came in {', '.join(came)}"
    if basket.syntaxes <= sample.syntaxes:
        return CheckResult("transfer syntaxes", "ok", f"{said}, as they are stored", facts)
    if stored:
        but = f"{said}; stored they are in {', '.join(stored)}"
        return CheckResult(
            "transfer syntaxes", "partly", but, facts, request="give images as they are stored, not converted"
        )
    if any(UID(syntax).is_compressed for syntax in basket.syntaxes):
        return CheckResult("transfer syntaxes", "ok", f"{said}: compressed, and not unpacked for us", facts)
    return CheckResult("transfer syntaxes", "unknown", f"{said}; the node does not say in what they are stored", facts)


def _transcoded(found: CheckResult, visit: Visit, way: WebRetrieval) -> CheckResult:
    """The finding, where the service refused to give images as they are stored (HTTP 406)."""
    if visit.node.address(way.protocol) not in TRANSCODING or way.protocol != "dicomweb":
        return found
    said = f"{found.said}; it answers 406 to transfer-syntax=*, and gives them as it transcodes them"
    request = "give images as they are stored: accept transfer-syntax=* (PS3.18 8.7.3.5.2)"
    return replace(found, verdict="partly", said=said, facts={**found.facts, "406": True}, request=request)


def _named(syntaxes: frozenset[str] | set[str]) -> list[str]:
    return sorted(UID(syntax).name for syntax in syntaxes)
