"""A service that speaks the GPCR De-ID API over TLS, and misbehaves when told so."""

import json
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Service(ThreadingHTTPServer):
    """Answers with (status, bytes) by path; `asked` holds path, authorization and body."""

    def __init__(self, certificate):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked = {}, []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, *_):
        """A client that hangs up is part of a test."""


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, self.headers["Authorization"], body))
        status, content = self.server.answers[self.path]
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Location", "https://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Nothing is printed."""
