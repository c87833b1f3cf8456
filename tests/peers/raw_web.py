"""A web service that sends what a test says, byte for byte, for as long as anybody listens."""

import socket
from contextlib import suppress
from threading import Event, Thread

from peers.ports import LOOPBACK


class RawWeb:
    """`script(line, wait)` gives the bytes to answer a request line with; `wait(seconds)` rests in between.

    `sent`: bytes that were sent in all.
    """

    def __init__(self, script):
        self.script = script
        self.sent = 0
        self._stopping = Event()
        self._server = socket.create_server((LOOPBACK, 0))
        self.url = f"http://{LOOPBACK}:{self._server.getsockname()[1]}"

    def __enter__(self):
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._server.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _wait(self, seconds):
        if self._stopping.wait(seconds):
            raise ConnectionError

    def _serve(self, client):
        with client, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                piece = client.recv(1 << 16)
                if not piece:
                    return
                request += piece
            for piece in self.script(request.split(b"\r\n")[0].decode(), self._wait):
                self._wait(0)
                client.sendall(piece)
                self.sent += len(piece)
