"""Who may send images to our storage SCP: by AE title and address (PS3.8 9.3.2, 7.1.1.3)."""

import json
import logging
import socket
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from schemas.pacs import PacsNode, Sender

LOG = logging.getLogger(__name__)
_MOST_TOLD = 20
_FRESH = 60.0
FIX = (
    "where that is the node, as behind NAT or in a container, write that line under `fetch.move_to` in pacs.yaml "
    "(`fetch.move_to.from`); left out, only the node's `called_aet` from its own `host` is let in"
)


@dataclass(frozen=True)
class Entry:
    """An AE title, and a host name, address or network it may come from."""

    aet: str
    host: str


class Admission:
    """The senders of all nodes that a storage SCP serves, and who was turned away."""

    def __init__(self) -> None:
        self._entries: set[Entry] = set()
        self._refused: list[str] = []
        self._names: dict[str, tuple[float, list[str]]] = {}
        self._lock = threading.Lock()

    def add(self, node: PacsNode) -> None:
        """Let in who sends for `node`."""
        move_to = node.fetch.move_to
        senders = (move_to.senders if move_to else []) or [Sender(aet=None, host=None)]
        with self._lock:
            self._entries |= {Entry(one.aet or node.called_aet, one.host or node.host) for one in senders}

    def address(self, address: str) -> bool:
        """Whether anybody may connect from there; who may not is remembered."""
        if self._known(address, self._entries):
            return True
        self._note(f"a connection from {address}, which is not the node's address: `{_line(address)}`")
        return False

    def title(self, aet: str, address: str) -> bool:
        """Whether this AE title may come from there; who may not is remembered."""
        if self._known(address, {entry for entry in self._entries if entry.aet.strip() == aet.strip()}):
            return True
        said = _shown(aet)
        self._note(f"an association of {said} from {address}: `{_line(address, said)}`")
        return False

    def misaddressed(self, aet: str, address: str) -> None:
        """Somebody called another AE title than ours."""
        self._note(f"an association from {address} to {_shown(aet)}, which is not our AE title")

    def refused(self) -> str:
        """Who was turned away since this was last asked, in words; empty where nobody was."""
        with self._lock:
            told, self._refused = "; ".join(dict.fromkeys(self._refused)), []
        return told

    def _note(self, who: str) -> None:
        with self._lock:
            if len(self._refused) < _MOST_TOLD:
                self._refused.append(who)
        LOG.warning("our storage SCP turned away %s", who)

    def _known(self, address: str, entries: set[Entry]) -> bool:
        with self._lock:
            hosts = {entry.host for entry in entries}
        came = _plain(address)
        return any(self._covers(host, came) for host in hosts)

    def _covers(self, host: str, came: IPv4Address | IPv6Address) -> bool:
        try:
            network = ip_network(host, strict=False)
        except ValueError:
            return any(_same(_plain(found), came) for found in self._resolved(host))
        return came in network or (network.num_addresses == 1 and _same(network[0], came))

    def _resolved(self, host: str) -> list[str]:
        """The addresses of a name, as they were a minute ago at most."""
        since, found = self._names.get(host, (-_FRESH, []))
        if time.monotonic() - since > _FRESH:
            try:
                found = sorted({str(each[4][0]) for each in socket.getaddrinfo(host, None)})
            except OSError:
                found = []
            self._names[host] = time.monotonic(), found
        return found


def _shown(aet: str) -> str:
    return aet.strip() if aet.isascii() and aet.isprintable() else "?"


def _line(address: str, aet: str = "") -> str:
    """The line of YAML that lets in who came from an address, under the node's own AE title or another one."""
    title = f"aet: {json.dumps(aet)}, " if aet else ""
    return f"from: [{{{title}host: {json.dumps(str(_plain(address)))}}}]"


def _same(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address) -> bool:
    """Whether two addresses are of one host: all loopback addresses are."""
    return one == other or (one.is_loopback and other.is_loopback)


def _plain(address: str) -> IPv4Address | IPv6Address:
    """An address without its zone; one of IPv4 written as one of IPv6 is one of IPv4."""
    found = ip_address(address.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
