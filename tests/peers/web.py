"""Web services on loopback, in this process: with or without TLS, that refuse, break off, or stand before another."""

import http.client
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from peers.secured import Quiet, Secured


class Service(Secured):
    """Answers as the tests tell it to.

    `welcome(headers)` says who is let in, others get 401. `instead`: (status, headers) answered in place of the next
    answers. `cut`: the connection is cut once, after so many bytes of images, or of an answer to a query where it
    `cuts_answers`. `asked`: request lines. `opened`: number of connections.
    """

    def __init__(self, handler, authority=None):
        super().__init__(handler, authority)
        self.welcome = lambda headers: True
        self.instead = []
        self.cut = 0
        self.cuts_answers = False
        self.asked = []
        self.opened = 0

    def get_request(self):
        self.opened += 1
        return super().get_request()


class Handler(Quiet):
    """Lets in who is welcome; what it answers streams."""

    disable_nagle_algorithm = True

    def handle_one_request(self):
        with suppress(ConnectionError, ssl.SSLError):
            super().handle_one_request()

    def admitted(self):
        """Whether the request may be answered; otherwise it has been."""
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.instead:
            status, headers = self.server.instead.pop(0)
            self.answer(status, b"PATIENT^OF^THE^SERVICE", **headers)
            return False
        if not self.server.welcome(self.headers):
            self.answer(401, b"PATIENT^OF^THE^SERVICE")
            return False
        return True

    def stream(self, status, content_type, pieces):
        """An answer in chunks, or the beginning of one."""
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if status != 204:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        answer, sent = any(kind in (content_type or "") for kind in ("json", "text/xml")), 0
        for piece in pieces:
            if self.server.cut and answer == self.server.cuts_answers and sent + len(piece) > self.server.cut:
                begin, self.server.cut = piece[: self.server.cut - sent], 0
                self.wfile.write(b"%x\r\n%b\r\n" % (len(begin), begin))
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            sent += len(piece)
        if status != 204:
            self.wfile.write(b"0\r\n\r\n")


class Front(Service):
    """Stands before the service at `upstream`.

    `bend(path)` gives the path that is really asked for, or the status that refuses it; `reword(path, text)` the
    JSON that is really answered.
    """

    def __init__(self, upstream, authority=None):
        super().__init__(_Forwarding, authority)
        self.upstream = urlsplit(upstream)
        self.bend = lambda path: path
        self.reword = None


class _Forwarding(Handler):
    def do_GET(self):  # noqa: N802
        if not self.admitted():
            return
        path = self.server.bend(self.path)
        if isinstance(path, int):
            self.answer(path, b"PATIENT^OF^THE^SERVICE")
            return
        connection = http.client.HTTPConnection(self.server.upstream.hostname, self.server.upstream.port, timeout=60)
        try:
            connection.request("GET", path, headers={"Accept": self.headers["Accept"]})
            response = connection.getresponse()
            kind = response.headers.get("Content-Type", "")
            pieces = iter(lambda: response.read(1 << 14), b"")
            if self.server.reword and "json" in kind:
                pieces = [self.server.reword(path, response.read().decode()).encode()]
            self.stream(response.status, kind, pieces)
        finally:
            connection.close()
