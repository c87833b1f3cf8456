"""Whether a web service is there, over TLS where its address says so, and lets us in: one query for one study."""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

from pacsflow.dicom.probe.results import CheckResult, Fact, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import as_whom, tls
from pacsflow.dicom.web.connection import Connection
from pacsflow.errors import PacsError, SecretError
from schemas.pacs import Protocol

_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def check(visit: Visit, protocol: Protocol, greet: Callable[[Connection], int]) -> Iterator[CheckResult]:
    """`TLS`, `connection`, `log-in`, as far as the service lets us come. `greet` asks for one study."""
    begin, error = time.perf_counter(), None
    try:
        visit.boundless = greet(visit.connection(protocol)) > 1
    except SecretError as refused:
        yield CheckResult("log-in", "no", str(refused), {"kind": _kind(visit)}, fix=refused.fix)
        return
    except PacsError as refused:
        error = refused
    heard = visit.heard.get(protocol)
    if heard:
        yield tls("TLS", visit.node, heard)
    if error and (heard is None or heard.status not in _CLOSED):
        yield failure("connection", error)
        return
    milliseconds = round(1000 * (time.perf_counter() - begin))
    said = f"{visit.node.address(protocol)} answers after {milliseconds} ms"
    yield CheckResult("connection", "ok", said, {"milliseconds": milliseconds})
    yield _refused(visit, error) if error else _let_in(visit)


def _let_in(visit: Visit) -> CheckResult:
    kind = _kind(visit)
    said = "none is needed: every client is answered" if kind == "none" else f"{kind} is accepted"
    return CheckResult("log-in", "ok", said, {"kind": kind})


def _refused(visit: Visit, error: PacsError) -> CheckResult:
    facts: dict[str, Fact] = {"kind": _kind(visit)}
    wish = "permit us to query and retrieve, " + as_whom(visit.node)
    if visit.node.auth is None:
        wish = "tell us which log-in the service wants, and give us one that may query and retrieve"
        return CheckResult("log-in", "no", str(error), facts, request=wish, fix="set `auth` in pacs.yaml")
    return CheckResult(
        "log-in", "no", str(error), facts, request=wish, fix="check `auth` in pacs.yaml, and the secret it names"
    )


def _kind(visit: Visit) -> str:
    return visit.node.auth.kind if visit.node.auth else "none"
