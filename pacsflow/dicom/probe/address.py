"""How the node sees this computer: what its administrators need to declare us."""

import socket
from urllib.parse import urlsplit

from schemas.pacs import PacsNode

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
