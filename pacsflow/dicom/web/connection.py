"""HTTP to one service of a node: one client, kept alive over many requests, and its faults in our words."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from pacsflow.dicom.budget import Budget, EndlessError
from pacsflow.dicom.dimse.transport import hang_up
from pacsflow.dicom.web.refusal import longest_wait, refused, unreachable
from pacsflow.errors import BrokenError, PacsPermanentError, PacsTransientError
from pacsflow.web import web_client
from schemas.pacs import PacsNode, Protocol

if TYPE_CHECKING:
    import socket

MOST_TEXT = 256 << 20
"""Bytes of an answer to a query that are taken."""
PLAIN = "*?,:@/!$'()"
"""What a query may hold as it is (RFC 3986 3.4): some services do not decode what needs no escape."""
_RESTS: dict[str, float] = {}
"""Address -> monotonic time before which the service asked not to be asked again."""
_BUSY = (429, 503)
"""Statuses of a service that may say when it can be asked again."""
_TIMES = 5
"""How often such a service is asked, before the attempt is over."""
_LEAST_WAIT = 0.05
_GRACE = 0.5
"""Seconds that silence is given to be noticed as such, before what is not silence is ended."""
_STALE = 3
"""Connections in a row that may have been closed by the other side, before it is a fault."""
_OPENED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


@dataclass(frozen=True)
class HttpRequest:
    """One request. `path` is added to the base address, `what` names it in messages, without a value of a key."""

    what: str
    path: str = ""
    params: Sequence[tuple[str, str]] = ()
    accept: str = "application/json"
    body: bytes | None = None
    content_type: str = ""


class Connection:
    """The way to a node's service of one protocol. Nothing is sent before the first request.

    `heard` is called with each answer before its content is read, whatever its status.
    """

    def __init__(
        self, node: PacsNode, protocol: Protocol, *, heard: Callable[[httpx.Response], None] = lambda _: None
    ) -> None:
        self._node, self.address, self._heard = node, node.address(protocol), heard
        if not self.address:
            raise PacsPermanentError(
                f"node {node.name} has no address for {protocol}", fix="set `url` or `urls` in pacs.yaml"
            )
        self._client: httpx.Client | None = None
        self._sockets: list[socket.socket] = []
        self._connects = 0
        self._closed = threading.Event()
        self._overdue = False
        self.budget = Budget(node.timeouts)

    @contextmanager
    def answer(self, ask: HttpRequest) -> Iterator[httpx.Response]:
        """The answer to a request, its content yet to be read by `pieces`; `budget` is what it may cost.

        Raises PacsTransientError, PacsPermanentError where it is not one of success (PS3.18 8.5).
        """
        self.budget = Budget(self._node.timeouts)
        with self._watched():
            response = self._answered(ask)
            try:
                if not response.is_success:
                    raise refused(ask.what, response, self._node)
                yield response
            finally:
                response.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Hang up where bytes come of which nothing is seen, as of a header without end."""
        done, self._overdue = threading.Event(), False
        watch = threading.Thread(target=self._watch, args=(done, self.budget), name="web-watch", daemon=True)
        watch.start()
        try:
            yield
        finally:
            done.set()

    def _watch(self, done: threading.Event, budget: Budget) -> None:
        patience = self._node.timeouts.response + _GRACE
        while not done.wait(max(_GRACE, patience - budget.unread())):
            if budget.unread() > patience:
                self._overdue = True
                for sock in self._sockets:
                    hang_up(sock)
                return

    @contextmanager
    def _in_time(self, broken: type[PacsTransientError] = PacsTransientError) -> Iterator[None]:
        """Faults of the connection in our words; that we ended it is said so."""
        try:
            with unreachable(self._node, broken=broken):
                yield
        except PacsTransientError:
            if not self._overdue:
                raise
            seconds = self._node.timeouts.response
            raise EndlessError(
                f"node {self._node.name} sent for {seconds:g} s what is not an answer, and we ended it",
                fix="if it lasts, ask the PACS administrator for the service's log",
            ) from None

    def _answered(self, ask: HttpRequest) -> httpx.Response:
        """The answer, asked for again where the service said how long to wait, in all at most a response's time."""
        end = time.monotonic() + self._node.timeouts.response
        for asked in itertools.count(1):
            with self.budget.ours():
                self._rest()
            with self._in_time():
                response = self._sent(ask)
            self._heard(response)
            wait = longest_wait(response, self._node)
            if response.status_code >= httpx.codes.MULTIPLE_CHOICES:
                _RESTS[self.address] = max(time.monotonic() + wait, _RESTS.get(self.address, 0.0))
            again = response.status_code in _BUSY and "Retry-After" in response.headers and asked < _TIMES
            if not again or time.monotonic() + max(wait, _LEAST_WAIT) > end or self._closed.wait(_LEAST_WAIT):
                return response
            response.close()
        raise AssertionError

    def _sent(self, ask: HttpRequest) -> httpx.Response:
        """The answer to a request; one on a connection that the other side had closed goes out again on a new one.

        Such a request was not taken, or may be repeated all the same, as it changes nothing (RFC 9112 9.3.1).
        """
        for _ in range(_STALE):
            before = self._connects
            try:
                return self._opened().send(self._request(ask), stream=True)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if self._connects > before or ask.body is not None or self._closed.is_set() or self._overdue:
                    raise
        return self._opened().send(self._request(ask), stream=True)

    def text(self, ask: HttpRequest) -> tuple[httpx.Headers, bytes]:
        """Headers and the whole content of an answer."""
        _, headers, content = self.content(ask)
        return headers, content

    def content(self, ask: HttpRequest) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and the whole content of an answer. Raises PacsPermanentError above `MOST_TEXT` bytes."""
        with self.answer(ask) as response:
            content = bytearray()
            for piece in self.pieces(response):
                content += piece
                if len(content) > MOST_TEXT:
                    raise PacsPermanentError(
                        f"node {self._node.name} gave more than {MOST_TEXT >> 20} MB to {ask.what}",
                        fix="narrow the row, by dates or modality",
                    )
            return response.status_code, response.headers, bytes(content)

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The content of an answer as it comes. Raises BrokenError where it ends too early, or does not end."""
        with self._in_time(BrokenError):
            for piece in response.iter_bytes():
                self.budget.spend(len(piece))
                yield piece

    def close(self) -> None:
        """Close all connections for good; a request that another thread has under way ends in PacsTransientError."""
        self._closed.set()
        for sock in self._sockets:
            hang_up(sock)  # the client closes it without waking up who waits for an answer
        if self._client is not None:
            self._client.close()

    def _note(self, event: str, told: Mapping[str, Any]) -> None:
        """Remember each socket that httpx opens."""
        self.budget.touch()
        if event in _OPENED:
            self._connects += 1
            self._sockets = [known for known in self._sockets if known.fileno() >= 0]
            self._sockets.append(told["return_value"].get_extra_info("socket"))
            if self._closed.is_set():
                hang_up(self._sockets[-1])

    def _request(self, ask: HttpRequest) -> httpx.Request:
        headers: dict[str, str] = {"Accept": ask.accept, "Accept-Encoding": "identity"}
        if ask.content_type:
            headers["Content-Type"] = ask.content_type
        query = "&".join(f"{name}={quote(value, safe=PLAIN)}" for name, value in ask.params)
        return self._opened().build_request(
            "GET" if ask.body is None else "POST",
            f"{self.address}{ask.path}{'?' if query else ''}{query}",
            headers=headers,
            content=ask.body,
            extensions={"trace": self._note},
        )

    def _opened(self) -> httpx.Client:
        if self._closed.is_set():
            raise BrokenError(f"the connection to node {self._node.name} was closed")
        if self._client is None:
            node, times = self._node, self._node.timeouts
            self._client = web_client(
                self.address, auth=node.auth, ca=node.ca, seconds=times.response, connect=times.connect, most=None
            )
        return self._client

    def _rest(self) -> None:
        """Wait as long as the service asked for (RFC 9110 10.2.3), at most a response's time."""
        self._closed.wait(max(0.0, _RESTS.get(self.address, 0.0) - time.monotonic()))
