"""Those whom a run tells how it ended: a mail server and a web server on loopback, which keep what they got."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from peers.ports import free_port


class Mailbox:
    """Takes each e-mail, after a log-in where `password` is given; `mails` holds their whole texts."""

    def __init__(self, password: str = "") -> None:
        self.mails: list[str] = []
        self.logged_in: list[bool] = []
        self._password = password

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        self.mails.append(content.decode() if isinstance(content, bytes) else str(content))
        self.logged_in.append(session.authenticated)
        return "250 OK"

    def let_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=given.password.decode() == self._password, handled=False)


@contextmanager
def mail_server(*, password: str = "", certificate: tuple[Path, Path] | None = None) -> Iterator[tuple[int, Mailbox]]:
    """Its port and its mailbox; with a certificate it wants STARTTLS, with a password a log-in."""
    box = Mailbox(password)
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        require_starttls=context is not None,
        authenticator=box.let_in if password else None,
        auth_required=bool(password),
        auth_require_tls=context is not None,
    )
    controller.start()
    try:
        yield controller.port, box
    finally:
        controller.stop()


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, json.loads(body)))  # type: ignore[attr-defined]
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web_hook(answer: int = 200) -> Iterator[ThreadingHTTPServer]:
    """A web server that answers each POST so; `told` holds path and body of each."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    server.told, server.answer = [], answer  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
