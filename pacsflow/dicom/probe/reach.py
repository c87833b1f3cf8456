"""Whether the node is there, over TLS where pacs.yaml says so, and knows us (C-ECHO, PS3.4 A.4)."""

import ssl
from collections.abc import Iterator
from dataclasses import replace

from pacsflow.dicom.dialling import dial
from pacsflow.dicom.probe.address import our_address
from pacsflow.dicom.probe.contract import Finding, failure
from pacsflow.dicom.probe.secured import plain, secured
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.query import echo
from pacsflow.errors import PacsError


def check(visit: Visit) -> Iterator[Finding]:
    """`TLS`, then `connection`."""
    node = visit.node
    yield _tls(visit)
    visit.requests["associations"] += 1
    try:
        seconds = echo(node)
        visit.requests["echoes"] += 1
    except PacsError as error:
        found = failure("connection", error)
        ask = f"permit {node.calling_aet} at {our_address(node)} to connect, with C-ECHO, C-FIND and C-GET or C-MOVE"
        yield found if found.ask or found.mend else replace(found, ask=ask)
        return
    said = f"{node.called_aet} answers C-ECHO of {node.calling_aet} after {1000 * seconds:.0f} ms"
    yield Finding("connection", "ok", said, {"milliseconds": round(1000 * seconds)})


def _tls(visit: Visit) -> Finding:
    """For a node with TLS a connection of its own, as only its socket tells version and certificate."""
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
