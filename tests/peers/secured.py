"""Services over TLS on loopback, in this process."""

import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from peers.ports import LOOPBACK


class Secured(ThreadingHTTPServer):
    """Answers by `handler` at `url` while it is entered, over TLS with a certificate of `authority`.

    Without an authority, over HTTP; with `clients`, only to certificates of that authority.
    """

    daemon_threads = True

    def __init__(self, handler, authority=None, *, clients=None):
        super().__init__((LOOPBACK, 0), handler)
        self.url = f"http{'s' if authority else ''}://{LOOPBACK}:{self.server_port}"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue("service"))
            if clients:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients.ca)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_):
        """A client that hangs up is part of a test."""

    def __enter__(self):
        Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Quiet(BaseHTTPRequestHandler):
    """A handler that prints nothing and answers in one go."""

    protocol_version = "HTTP/1.1"

    def body(self):
        """What was sent, chunked or not."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def answer(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing is printed."""
