"""The contact sheets of a review, shown by this program to this machine's browser: on disk they never are."""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from pacsflow.run.people.held_pictures import HeldGroup, drawn, texts
from pacsflow.wording import counted

_STYLE = """body{font:15px system-ui,sans-serif;margin:2rem;max-width:80rem}
section{border-top:1px solid #999;padding:1rem 0}img{max-width:24rem;max-height:24rem;margin:.25rem}
dl{display:grid;grid-template-columns:max-content auto;gap:.2rem 1rem}dt{font-weight:600}button{margin-right:1rem}"""
_CHOICES = (
    ("mask", "Mask these boxes"),
    ("pass", "Nothing personal: let them pass"),
    ("refuse", "Refuse such images"),
)
_LARGEST = 4096
Deciding = Callable[[str, str], None]


def sheet(groups: Sequence[HeldGroup], token: str) -> str:
    """The page: a section per group, its pictures with the boxes drawn, a button per decision."""
    sections = "".join(_section(group, token) for group in groups) or "<p>Nothing waits for a look.</p>"
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>Review</title><style>{_STYLE}</style>"
    note = "<p>These pictures show patients. They are in this page only; the browser is told not to keep it.</p>"
    return f"{head}<h1>Images that wait for a look</h1>{note}{sections}"


def _section(group: HeldGroup, token: str) -> str:
    facts = "".join(f"<dt>{escape(name)}<dd>{escape(text)}" for name, text in texts(group.kind))
    whys = ", ".join(sorted({sample.why for sample in group.samples}))
    pictures = "".join(
        f'<img alt="an image of this group" src="data:image/png;base64,{b64encode(drawn(sample)).decode()}">'
        for sample in group.samples
    )
    buttons = "".join(
        f"<button name=decision value={value}>{escape(text)}</button>"
        for value, text in _CHOICES
        if value != "mask" or group.boxes
    )
    form = f"<form method=post action=/{token}/decide><input type=hidden name=group value={group.key}>{buttons}</form>"
    return (
        f"<section><h2>{group.key[:8]}: {counted(group.images, 'image')}</h2><dl>{facts}<dt>why<dd>{escape(whys)}</dl>"
        f"{pictures}{form}</section>"
    )


class SheetServer(ThreadingHTTPServer):
    """Shows the sheet on this machine's loopback address, to whoever has the link; `decide` takes a decision."""

    daemon_threads = True

    def __init__(self, groups: Callable[[], Sequence[HeldGroup]], decide: Deciding, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.token = secrets.token_urlsafe(24)
        self.groups, self.decide = groups, decide

    @property
    def link(self) -> str:
        """The address with the word that opens it."""
        return f"http://127.0.0.1:{self.server_address[1]}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    """Two answers: the page, and a decision."""

    server: SheetServer

    def do_GET(self) -> None:
        """The page."""
        if self._allowed("/"):
            self._answer(sheet(self.server.groups(), self.server.token))

    def do_POST(self) -> None:
        """A decision; then the page again."""
        if not self._allowed("/decide"):
            return
        size = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
        said = parse_qs(self.rfile.read(size).decode("utf-8", "replace"))
        group, decision = (said.get(name, [""])[0] for name in ("group", "decision"))
        if decision not in {value for value, _ in _CHOICES}:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self.server.decide(group, decision)
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", f"/{self.server.token}/")
        self.end_headers()

    def _allowed(self, end: str) -> bool:
        """Whether the address has the word, and the request is for this machine's own name."""
        path = urlsplit(self.path).path
        host = (self.headers.get("Host") or "").partition(":")[0]
        wanted = f"/{self.server.token}{end}"
        if hmac.compare_digest(path.encode(), wanted.encode()) and host in ("127.0.0.1", "localhost"):
            return True
        self.send_error(HTTPStatus.NOT_FOUND)
        return False

    def _answer(self, page: str) -> None:
        content = page.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the library's
        """Nothing: the word that opens the page is in its address."""
