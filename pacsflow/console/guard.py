"""What comes before every page: host, origin, session, and the headers that keep a page to its browser.

Nothing behind it is reached without a session but the doors themselves (log-in, link, log-out).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs

from pacsflow.console.sessions import Sessions, WebSession

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

DOORS: Final = frozenset({"/enter", "/login", "/logout", "/oidc", "/oidc/back"})
"""Paths that need no session."""
POLICY: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing is loaded from, or told to, another machine. Vue compiles templates in the browser, hence `unsafe-eval`."""
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_LIBRARIES: Final = tuple(f"/{each}/" for each in ("static", "libraries", "components", "esm", "resources"))
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SOCKET: Final = "/_nicegui_ws/"
_DONE: Final = '42["event"'
"""How what a person does begins on the wire (socket.io); answers to pings and pushes are nothing that was done."""

_LOAD_AGAIN: Final = '42["try_reconnect",{}]'
"""What has NiceGUI's page load itself again, which leads to the log-in."""
_OPEN: Final = '0{"sid":"refused","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
_NOT_KNOWN: Final = '44{"message":"Implicit handshake failed"}'
"""How a page's socket is refused in the words of its own protocol (Engine.IO 4, Socket.IO 5): NiceGUI's page loads
itself again then. A socket that is refused before it opens says nothing to the page, which would try for ever."""
_SECONDS_TO_ASK: Final = 10.0


@dataclass(frozen=True)
class Address:
    """Where the console is. `hosts`: what Host may say; empty: anything, as a certificate proves the name there."""

    scheme: str
    cookie: str
    hosts: frozenset[str] = frozenset()


class Guard:
    """The application, with what comes before it."""

    def __init__(self, app: Application, address: Address, sessions: Sessions) -> None:
        self.app = app
        self._address, self._sessions = address, sessions

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope["headers"] = [each for each in scope["headers"] if not each[0].startswith(b"x-forwarded")]
        session = self._sessions.of(cookie_of(headers.get("cookie", ""), self._address.cookie))
        scope["session_of_console"] = session
        if refused := self._refused(scope, headers, session):
            own = scope["type"] == "websocket" and self._foreign(headers, told=True) is None
            await (_load_again(receive, send) if own else _refuse(scope, send, *refused))
        elif scope["type"] == "websocket":
            await self.app(scope, self._watched(session, receive, send), send)
        else:
            if session:
                self._sessions.touch(session)
            await self.app(scope, receive, _with_headers(scope["path"], send))

    def _refused(self, scope: Message, headers: dict[str, str], session: WebSession | None) -> tuple[int, str] | None:
        """Why a request goes no further; None where it does."""
        socket, path = scope["type"] == "websocket", scope["path"]
        if told := self._foreign(headers, told=socket or scope["method"] not in _SAFE):
            return told
        if path in DOORS:
            return None
        if session is None:
            return 401, "log in"
        if socket and _page_of(scope) not in session.pages:
            return 403, "a page of another session"
        return (404, "websockets only") if path.startswith(_SOCKET) and not socket else None

    def _foreign(self, headers: dict[str, str], *, told: bool) -> tuple[int, str] | None:
        """Why a request is not from a page of the console. `told`: it may change something, or opens a socket."""
        host = headers.get("host", "")
        if self._address.hosts and host not in self._address.hosts:
            return 421, "another host name than the console's own"
        if told and headers.get("origin") != f"{self._address.scheme}://{host}":
            return 403, "asked for by a page that is not the console's"
        return None

    def _watched(self, session: WebSession | None, receive: Receive, send: Send) -> Receive:
        """What a page tells, until its session ends."""

        async def watched() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                if session is None or not self._sessions.alive(session):
                    await send({"type": "websocket.send", "text": _LOAD_AGAIN})
                    await send({"type": "websocket.close", "code": 4401})
                    return {"type": "websocket.disconnect", "code": 4401}
                if str(message.get("text") or "").startswith(_DONE):
                    self._sessions.touch(session)
            return message

        return watched


def cookie_of(header: str, name: str) -> str:
    """The value of a cookie; '' where there is none."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _page_of(scope: Message) -> str:
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("client_id", [""])[0]


def _with_headers(path: str, send: Send) -> Send:
    library = path.startswith("/_nicegui/") and any(each in path for each in _LIBRARIES)
    kept = {**_HEADERS, "cache-control": "private, max-age=86400" if library else "no-store"}

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            old = [(name, value) for name, value in message["headers"] if name.decode().lower() not in kept]
            message["headers"] = [*old, *((name.encode(), value.encode()) for name, value in kept.items())]
        await send(message)

    return sent


async def _load_again(receive: Receive, send: Send) -> None:
    """Have a page of ours load itself again: its console was started again, or its session ended, while it was away."""
    await receive()
    await send({"type": "websocket.accept"})
    for text in (_OPEN, _NOT_KNOWN):
        await send({"type": "websocket.send", "text": text})
        try:
            message = await asyncio.wait_for(receive(), _SECONDS_TO_ASK)
        except TimeoutError:
            break
        if message["type"] == "websocket.disconnect":
            return
    await send({"type": "websocket.close", "code": 4401})


async def _refuse(scope: Message, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4000 + status})
        return
    sent = _with_headers(scope["path"], send)
    page = status == 401 and scope["method"] == "GET" and "/_nicegui" not in scope["path"]  # noqa: PLR2004
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    if page:
        status, headers = 303, [(b"location", b"/login")]
    await sent({"type": "http.response.start", "status": status, "headers": headers})
    await sent({"type": "http.response.body", "body": b"" if page else f"refused: {why}\n".encode()})
