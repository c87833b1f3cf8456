"""How the node sees this computer: what its administrators need to declare us."""

import socket

from schemas.pacs import PacsNode


def our_address(node: PacsNode) -> str:
    """The address from which this computer reaches the node; its name where that is not known. Sends nothing."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sock:
            sock.connect(place)  # of a datagram socket: only a route is chosen
            return str(sock.getsockname()[0])
    except OSError:
        return socket.gethostname()
