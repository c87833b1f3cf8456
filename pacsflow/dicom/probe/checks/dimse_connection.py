"""Whether the node is there, over TLS where pacs.yaml says so, and knows us (C-ECHO, PS3.4 A.4)."""

import ssl
from collections.abc import Iterator
from dataclasses import replace

from pacsflow.dicom.dimse.dialling import dial
from pacsflow.dicom.dimse.query import echo
from pacsflow.dicom.probe.results import CheckResult, failure
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.probe.words import our_address, plain, secured
from pacsflow.errors import PacsError


def check(visit: Visit) -> Iterator[CheckResult]:
    """`TLS`, then `connection`."""
    node = visit.node
    yield _tls(visit)
    visit.requests["associations"] += 1
    try:
        seconds = echo(node)
        visit.requests["echoes"] += 1
    except PacsError as error:
        found = failure("connection", error)
        request = (
            f"permit {node.calling_aet} at {our_address(node)} to connect, with C-ECHO, C-FIND and C-GET or C-MOVE"
        )
        yield found if found.request or found.fix else replace(found, request=request)
        return
    said = f"{node.called_aet} answers C-ECHO of {node.calling_aet} after {1000 * seconds:.0f} ms"
    yield CheckResult("connection", "ok", said, {"milliseconds": round(1000 * seconds)})


def _tls(visit: Visit) -> CheckResult:
    """For a node with TLS a connection of its own, as only its socket gives version and certificate."""
    tls = visit.node.tls
    if tls is None:
        return plain("TLS")
    try:
        sock, _ = dial(visit.node)
    except PacsError as error:
        return failure("TLS", error)
    with sock:
        assert isinstance(sock, ssl.SSLSocket)  # noqa: S101 - dialled with TLS
        version, certificate = sock.version() or "", sock.getpeercert() or {}
    return secured("TLS", version, str(certificate.get("notAfter") or ""), mutual=tls.certificate is not None)
