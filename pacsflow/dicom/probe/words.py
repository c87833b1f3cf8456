"""Who we are and which node we ask, in words for a PACS administrator."""

import socket
import ssl
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from pacsflow.dicom.probe.results import CheckResult, Fact, Heard
from pacsflow.wording import counted
from schemas.pacs import PacsNode
from schemas.web import Basic, Bearer, ClientCertificate, ClientCredentials, TokenCommand, Vitrea


def us_and_them(node: PacsNode) -> str:
    """Where we are, as whom we ask, and which node."""
    place = our_address(node)
    if "dimse" not in node.protocols:
        return f"We ask from {place}, {as_whom(node)}, and speak to {node.place}."
    us = f"We are AE title {node.calling_aet} at {place}, and speak to {node.called_aet} at {node.host}:{node.port}"
    services = dict.fromkeys(node.address(each) for each in node.protocols if each != "dimse")
    return f"{us}{''.join(f', and to {address} {as_whom(node)}' for address in services)}."


def as_whom(node: PacsNode) -> str:
    """Who we are to the web services of a node; never a secret."""
    match node.auth:
        case Basic() | Vitrea():
            return f"as user {node.auth.username}"
        case Bearer():
            return "with the token that we were given"
        case TokenCommand():
            return "with the token of a program"
        case ClientCredentials():
            return f"as client {node.auth.client_id}"
        case ClientCertificate():
            return "with a certificate of our own"
    return "without a log-in"


_PORTS = {"http": 80, "https": 443}


def our_address(node: PacsNode) -> str:
    """The address from which this computer reaches the node; its name where that is not known. Sends nothing."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(*_their_place(node), type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sock:
            sock.connect(place)  # of a datagram socket: only a route is chosen
            return str(sock.getsockname()[0])
    except (OSError, ValueError):
        return socket.gethostname()


def _their_place(node: PacsNode) -> tuple[str, int]:
    if "dimse" in node.protocols:
        return node.host, node.port
    url = urlsplit(node.address(node.finds_by))
    return url.hostname or "", url.port or _PORTS[url.scheme]


def day(text: str) -> date | None:
    """The date in an answer; None where it has none."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date without a place
    except ValueError:
        return None


_SOON = 30
"""Days before the end of a certificate from which on its renewal is asked for."""


def plain(name: str) -> CheckResult:
    """No TLS."""
    return CheckResult(name, "no", "not used: what is asked and sent can be read on the network", {"used": False})


def secured(name: str, version: str, until: str, *, mutual: bool) -> CheckResult:
    """TLS of a version, with a certificate that ends at `until`, as OpenSSL writes it; '' where that is not known."""
    said = f"{version}, the node's certificate is verified{', ours is shown' if mutual else ''}"
    if not until:
        return CheckResult(name, "ok", said, {"used": True, "version": version})
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)
    days = (end - datetime.now(UTC)).days
    facts: dict[str, Fact] = {"used": True, "version": version, "certificate days": days}
    request = f"renew the node's certificate: it ends in {counted(days, 'day')}" if days < _SOON else ""
    return CheckResult(name, "ok", f"{said}, it ends on {end:%Y-%m-%d}", facts, request=request)


def tls(name: str, node: PacsNode, heard: Heard) -> CheckResult:
    """How the connection was secured over which an answer was heard."""
    if not heard.version:
        return plain(name)
    return secured(name, heard.version, heard.until, mutual=isinstance(node.auth, ClientCertificate))
