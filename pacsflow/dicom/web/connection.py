"""HTTP to one service of a node: one client, kept alive over many requests, and its faults in our words."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from pacsflow.dicom.contract import BrokenError
from pacsflow.dicom.web.refusal import longest_wait, refused, unreachable
from pacsflow.errors import PacsPermanentError
from pacsflow.web import web_client
from schemas.pacs import PacsNode, Protocol

MOST_TEXT = 256 << 20
"""Bytes of an answer to a query that are taken."""
PLAIN = "*?,:@/!$'()"
"""What a query may hold as it is (RFC 3986 3.4): some services do not decode what needs no escape."""
_RESTS: dict[str, float] = {}
"""Address -> monotonic time before which the service asked not to be asked again."""


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
                _RESTS[self.address] = time.monotonic() + longest_wait(response, self._node)
            if not response.is_success:
                raise refused(ask.what, response, self._node)
            yield response
        finally:
            response.close()

    def text(self, ask: Ask) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and the whole content of an answer."""
        with self.answer(ask) as response:
            content = bytearray()
            for piece in self.pieces(response):
                content += piece
                if len(content) > MOST_TEXT:
                    raise PacsPermanentError(
                        f"node {self._node.name} gave more than {MOST_TEXT >> 20} MB to {ask.what}",
                        remedy="narrow the row, by dates or modality",
                    )
            return response.status_code, response.headers, bytes(content)

    def pieces(self, response: httpx.Response) -> Iterator[bytes]:
        """The content of an answer as it comes. Raises BrokenError where it ends too early."""
        with unreachable(self._node, broken=BrokenError):
            yield from response.iter_bytes()

    def close(self) -> None:
        """Close all connections; a request that is under way ends with PacsTransientError."""
        if self._client is not None:
            self._client.close()
            self._client = None

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
        )

    def _opened(self) -> httpx.Client:
        if self._client is None:
            times = self._node.timeouts
            node = self._node
            self._client = web_client(
                self.address, auth=node.auth, ca=node.ca, seconds=times.response, connect=times.connect
            )
        return self._client

    def _rest(self) -> None:
        """Wait as long as the service asked for (RFC 9110 10.2.3), at most a response's time."""
        time.sleep(max(0.0, _RESTS.pop(self.address, 0.0) - time.monotonic()))
