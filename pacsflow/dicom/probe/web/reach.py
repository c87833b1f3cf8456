"""Whether a web service is there, over TLS where its address says so, and lets us in: one query for one study."""

import time
from collections.abc import Callable, Iterator
from http import HTTPStatus

from pacsflow.dicom.probe.contract import Fact, Finding, failure
from pacsflow.dicom.probe.secured import plain, secured
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.web.heard import Heard
from pacsflow.dicom.probe.words import as_whom
from pacsflow.dicom.web.connection import Connection
from pacsflow.errors import PacsError, SecretError
from schemas.pacs import Protocol
from schemas.web import ClientCertificate

_CLOSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def check(visit: Visit, protocol: Protocol, greet: Callable[[Connection], int]) -> Iterator[Finding]:
    """`TLS`, `connection`, `log-in`, as far as the service lets us come. `greet` asks for one study."""
    begin, error = time.perf_counter(), None
    try:
        visit.boundless = greet(visit.connection(protocol)) > 1
    except SecretError as refused:
        yield Finding("log-in", "no", str(refused), {"kind": _kind(visit)}, mend=refused.remedy)
        return
    except PacsError as refused:
        error = refused
    heard = visit.heard.get(protocol)
    if heard:
        yield tls("TLS", visit, heard)
    if error and (heard is None or heard.status not in _CLOSED):
        yield failure("connection", error)
        return
    milliseconds = round(1000 * (time.perf_counter() - begin))
    said = f"{visit.node.address(protocol)} answers after {milliseconds} ms"
    yield Finding("connection", "ok", said, {"milliseconds": milliseconds})
    yield _refused(visit, error) if error else _let_in(visit)


def _let_in(visit: Visit) -> Finding:
    kind = _kind(visit)
    said = "none is needed: whoever reaches the address is answered" if kind == "none" else f"{kind} is accepted"
    return Finding("log-in", "ok", said, {"kind": kind})


def _refused(visit: Visit, error: PacsError) -> Finding:
    facts: dict[str, Fact] = {"kind": _kind(visit)}
    wish = "permit us to query and retrieve, " + as_whom(visit.node)
    if visit.node.auth is None:
        wish = "tell us which log-in the service wants, and give us one that may query and retrieve"
        return Finding("log-in", "no", str(error), facts, ask=wish, mend="set `auth` in pacs.yaml")
    return Finding(
        "log-in", "no", str(error), facts, ask=wish, mend="check `auth` in pacs.yaml, and the secret it names"
    )


def _kind(visit: Visit) -> str:
    return visit.node.auth.kind if visit.node.auth else "none"


def tls(name: str, visit: Visit, heard: Heard) -> Finding:
    """How the connection was secured over which an answer was heard."""
    if not heard.version:
        return plain(name)
    return secured(name, heard.version, heard.until, mutual=isinstance(visit.node.auth, ClientCertificate))
