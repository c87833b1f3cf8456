"""A loopback proxy between us and a peer: it delays, and after so many bytes cuts, halves or silences a connection."""

import socket
import threading
import time
from contextlib import suppress

from peers.ports import LOOPBACK


class Proxy:
    """Forwards connections to `port` of a peer, each piece that comes back `delay` seconds later.

    `fault` strikes one connection when `after` bytes have come back from the peer, once; later ones are left alone:
    "cut": both ends are closed; "stall": nothing comes any more; "half-closed": nothing comes and its end is told,
    what we say still goes; "half-open": the peer sees the end, we see nothing of it.
    """

    host = LOOPBACK

    def __init__(self, peer, *, fault: str = "", after: int = 0, delay: float = 0) -> None:
        self.aet = peer.aet
        self.move_port = peer.move_port
        self.fault = fault
        self.after = after
        self.delay = delay
        self.connections = 0
        self._target = (peer.host, peer.port)
        self._server = socket.create_server((self.host, 0))
        self.port = self._server.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._forgotten: socket.socket | None = None
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        for one in self._sockets:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            upstream = socket.create_connection(self._target)
            self._sockets += [client, upstream]
            for source, target, watched in ((client, upstream, False), (upstream, client, True)):
                threading.Thread(target=self._forward, args=(source, target, watched), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, watched: bool) -> None:
        passed = 0
        while True:
            try:
                data = source.recv(1 << 14)
                if watched and self.fault and passed + len(data) > self.after:
                    target.sendall(data[: self.after - passed])
                    fault, self.fault = self.fault, ""
                    if fault != "cut":
                        self._halve(fault, source, target)
                        return
                    data = b""
                if not data:
                    break
                time.sleep(self.delay if watched else 0)
                target.sendall(data)
            except OSError:
                break
            passed += len(data)
        for one in (source, target):
            if one is not self._forgotten:
                _shut(one)

    def _halve(self, fault: str, upstream: socket.socket, client: socket.socket) -> None:
        if fault == "half-closed":
            client.shutdown(socket.SHUT_WR)
        elif fault == "half-open":
            self._forgotten = client
            _shut(upstream)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _end(one: socket.socket) -> None:
    _shut(one)
    one.close()
