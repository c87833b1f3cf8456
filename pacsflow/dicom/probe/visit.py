"""A visit to a node: one association or HTTP connection at a time, few requests, each counted; nothing is kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Protocol

import httpx
from pydicom import Dataset

from pacsflow.dicom.contract import Level
from pacsflow.dicom.dimse.association import associate
from pacsflow.dicom.dimse.channel import Channel
from pacsflow.dicom.probe.results import CheckResult, Heard, Sample
from pacsflow.dicom.web.connection import Connection
from pacsflow.errors import PacsPermanentError
from schemas import pacs
from schemas.pacs import PacsNode


def hear(response: httpx.Response) -> Heard:
    """What is known of a response while its connection is open."""
    if response.url.scheme != "https":
        return Heard(response.status_code)
    stream = response.extensions.get("network_stream")
    secured = stream.get_extra_info("ssl_object") if stream else None
    if secured is None:
        return Heard(response.status_code, "TLS")
    certificate = secured.getpeercert() or {}
    return Heard(response.status_code, secured.version() or "TLS", str(certificate.get("notAfter") or ""))


Keys = Mapping[Level, Mapping[str, str]]
"""Keys of a row, by the level they are asked at."""


Check = Callable[["Visit"], Iterator[CheckResult]]
"""A check asks the node through a visit. A PacsError it raises becomes a finding of the verdict `unknown`."""
Checks = Mapping[str, Check]
"""Checks by name, in their order."""

MOST_ANSWERS = 1000
"""Answers that are listened to; then the query is broken off, at the node too."""


@dataclass(frozen=True)
class Answers:
    """Answers to one query. `whole`: the node ended them, not we. `refusal`: how, where that was not in success."""

    found: tuple[Dataset, ...]
    whole: bool = True
    refusal: str = ""
    status: int | None = None

    @property
    def cut(self) -> bool:
        """Whether the node said that these are not all."""
        return self.whole and bool(self.refusal)


class Asker(Protocol):
    """Puts a query to the node of a visit, in one protocol. Raises PacsError where it breaks off."""

    def __call__(self, visit: "Visit", level: Level, keys: Mapping[str, str], *, most: int) -> Answers: ...  # noqa: D102


@dataclass
class Visit:
    """What the checks of one probe share: the node, the way to it, the rows' keys, and what is known so far."""

    node: PacsNode
    asker: Asker
    rows: Sequence[Keys] = ()
    sample: Sample | None = None
    others: tuple[str, ...] = ()
    """UIDs of further studies that are at hand, to try with what the sample does not show."""
    syntaxes: dict[str, set[str]] = field(default_factory=dict)
    """C-GET, C-MOVE -> UIDs of the transfer syntaxes in which images of the sample came by it."""
    ignored: set[str] = field(default_factory=set)
    character_sets: set[str] = field(default_factory=set)
    levels: dict[Level, str] = field(default_factory=dict)
    """Level -> why it was refused, '' where it was answered once."""
    boundless: bool = False
    """Whether the node gives more answers at once than it is asked for: a wide query would bring all of them."""
    fetching: bool = False
    """Whether requests of the web are retrievals now."""
    served: bool = False
    """Whether all images that were asked for came, by one way."""
    requests: Counter[str] = field(default_factory=Counter)
    heard: dict[pacs.Protocol, Heard] = field(default_factory=dict)
    """What is known of a web service's last answer."""
    _channel: Channel | None = None
    _connections: dict[pacs.Protocol, Connection] = field(default_factory=dict)

    def channel(self, classes: frozenset[str] = frozenset()) -> Channel:
        """The open association; a new one where it has ended or does not take `classes`. Raises PacsError."""
        channel = self._channel
        if channel is not None and channel.usable and classes <= channel.proposed:
            return channel
        self._release()
        self.requests["associations"] += 1
        self._channel = associate(self.node, classes)
        return self._channel

    def connection(self, protocol: pacs.Protocol) -> Connection:
        """The connection to a web service, which the first request opens."""
        if protocol not in self._connections:
            self._connections[protocol] = Connection(self.node, protocol, heard=partial(self._hear, protocol))
        return self._connections[protocol]

    def _hear(self, protocol: pacs.Protocol, response: httpx.Response) -> None:
        self.heard[protocol] = hear(response)
        self.requests["retrievals" if self.fetching else "queries"] += 1

    def ask(self, level: Level, keys: Mapping[str, str], *, most: int = MOST_ANSWERS) -> Answers:
        """The first `most` answers to a query, however it ended. Raises PacsError where it breaks off."""
        answers = self.asker(self, level, keys, most=most)
        if answers.found or not answers.refusal:
            self.levels[level] = ""
        else:
            self.levels.setdefault(level, answers.refusal)
        return answers

    def lost(self) -> None:
        """The association is of no use any more."""
        self._channel = None

    def close(self) -> None:
        """Release the association, close the connections."""
        self._release()
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _release(self) -> None:
        if self._channel is not None:
            self._channel.release()
            self._channel = None


def first(answers: Iterable[Dataset], most: int) -> Answers:
    """The first `most` answers and one more; a lasting refusal is returned, not raised."""
    found: list[Dataset] = []
    try:
        for answer in islice(answers, most + 1):
            found.append(answer)  # noqa: PERF402 - what came before a refusal counts
    except PacsPermanentError as error:
        return Answers(tuple(found), refusal=str(error), status=error.status)
    return Answers(tuple(found), whole=len(found) <= most)
