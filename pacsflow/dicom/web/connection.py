"""HTTP to one service of a node: one client, kept alive over many requests, and its faults in our words."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from pacsflow.dicom.contract import BrokenError
from pacsflow.dicom.transport import hang_up
from pacsflow.dicom.web.refusal import longest_wait, refused, unreachable
from pacsflow.errors import PacsPermanentError
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
_OPENED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


@dataclass(frozen=True)
class Ask:
    """One request. `path` is added to the base address, `what` names it in messages, without a value of a key."""

    what: str
    path: str = ""
    params: Sequence[tuple[str, str]] = ()
    accept: str = "application/json"
    body: bytes | None = None
    content_type: str = ""


class Connection:
    """The way to a node's service of one protocol. Nothing is sent before the first request.

    `heard` is told of each answer before its content is read, whatever its status.
    """

    def __init__(
        self, node: PacsNode, protocol: Protocol, *, heard: Callable[[httpx.Response], None] = lambda _: None
    ) -> None:
        self._node, self.address, self._heard = node, node.address(protocol), heard
        if not self.address:
            raise PacsPermanentError(
                f"node {node.name} has no address for {protocol}", remedy="set `url` or `urls` in pacs.yaml"
            )
        self._client: httpx.Client | None = None
        self._sockets: list[socket.socket] = []
        self._closed = threading.Event()

    @contextmanager
    def answer(self, ask: Ask) -> Iterator[httpx.Response]:
        """The answer to a request, its content yet to be read by `pieces`.

        Raises PacsTransientError, PacsPermanentError where it is not one of success (PS3.18 8.5).
        """
        self._rest()
        with unreachable(self._node):
            response = self._opened().send(self._request(ask), stream=True)
        try:
            self._heard(response)
            if response.status_code >= httpx.codes.MULTIPLE_CHOICES:
                until = time.monotonic() + longest_wait(response, self._node)
                _RESTS[self.address] = max(until, _RESTS.get(self.address, 0.0))
            if not response.is_success:
                raise refused(ask.what, response, self._node)
            yield response
        finally:
            response.close()

    def text(self, ask: Ask) -> tuple[httpx.Headers, bytes]:
        """Headers and the whole content of an answer."""
        with self.answer(ask) as response:
            content = bytearray()
            for piece in self.pieces(response):
                content += piece
                if len(content) > MOST_TEXT:
                    raise PacsPermanentError(
                        f"node {self._node.name} gave more than {MOST_TEXT >> 20} MB to {ask.what}",
                        remedy="narrow the row, by dates or modality",
                    )
            return response.headers, bytes(content)

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The content of an answer as it comes. Raises BrokenError where it ends too early."""
        with unreachable(self._node, broken=BrokenError):
            yield from response.iter_bytes()

    def close(self) -> None:
        """Close all connections for good; a request that another thread has under way ends in PacsTransientError."""
        self._closed.set()
        for sock in self._sockets:
            hang_up(sock)  # the client closes it without waking up who waits for an answer
        if self._client is not None:
            self._client.close()

    def _note(self, event: str, told: Mapping[str, Any]) -> None:
        """Remember each socket that httpx opens."""
        if event in _OPENED:
            self._sockets = [known for known in self._sockets if known.fileno() >= 0]
            self._sockets.append(told["return_value"].get_extra_info("socket"))
            if self._closed.is_set():
                hang_up(self._sockets[-1])

    def _request(self, ask: Ask) -> httpx.Request:
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
                self.address, auth=node.auth, ca=node.ca, seconds=times.response, connect=times.connect
            )
        return self._client

    def _rest(self) -> None:
        """Wait as long as the service asked for (RFC 9110 10.2.3), at most a response's time."""
        self._closed.wait(max(0.0, _RESTS.get(self.address, 0.0) - time.monotonic()))
