"""TLS in front of a peer that has none, on loopback; it can cut one connection after so many bytes."""

import contextlib
import socket
import ssl
import threading

from peers.ports import LOOPBACK


class TlsProxy:
    """Forwards what comes over TLS to `port`; `url`, or `port`, is its address. `cut_after`: bytes sent to the peer, once."""

    def __init__(self, port, authority, *, clients=None, cut_after=0, days=2):
        self._to, self._cut_after, self._open = port, cut_after, []
        self.passed = 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("proxy", days=days))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients.ca)
        self._context = context
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"https://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for one in self._open:
            _end(one)

    def _accept(self):
        while True:
            try:
                raw, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw):
        try:
            client = self._context.wrap_socket(raw, server_side=True)
        except OSError:
            raw.close()
            return
        peer = socket.create_connection((LOOPBACK, self._to))
        self._open += [client, peer]
        threading.Thread(target=self._pump, args=(peer, client), daemon=True).start()
        self._pump(client, peer, counted=True)

    def _pump(self, source, sink, *, counted=False):
        with contextlib.suppress(OSError, ValueError):
            while piece := source.recv(1 << 16):
                self.passed += len(piece) if counted else 0
                if counted and self._cut_after and self.passed > self._cut_after:
                    self._cut_after = 0
                    break
                sink.sendall(piece)
        for one in (source, sink):
            _end(one)


def _end(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
