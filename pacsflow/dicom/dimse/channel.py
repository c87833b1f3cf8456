"""What the services need of an association: ask, hear, answer. Implemented by `fastpath` and `stock`."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pacsflow.dicom.budget import Budget
from pacsflow.dicom.contract import Received

Operation = Literal["C-ECHO", "C-FIND", "C-GET", "C-MOVE"]


@dataclass(frozen=True)
class Negotiated:
    """What the two sides agreed on: transfer syntax by context id, contexts we ask in, classes we take."""

    syntaxes: Mapping[int, str]
    asking: Mapping[str, int]
    receivable: frozenset[str]
    proposed: frozenset[str]
    longest: int
    """Longest PDU the peer takes, in bytes; 0: no limit."""
    accepted: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Response:
    """The peer's response to our request (PS3.7 9.3); the numbers are those of sub-operations."""

    status: int
    identifier: bytes | memoryview = b""
    remaining: int = 0
    completed: int = 0
    failed: int = 0
    warning: int = 0


@dataclass(frozen=True)
class Incoming:
    """A C-STORE request of the peer (PS3.7 9.3.1). The originator is that of our C-MOVE, where the peer names it.

    `abort` ends the association, from any thread; reading the rest of the instance then raises BrokenError.
    """

    received: Received
    context_id: int
    message_id: int
    originator: str = ""
    originator_message_id: int | None = None
    abort: Callable[[], None] | None = None


_numbers = itertools.count(1)
_lock = threading.Lock()


def next_message_id() -> int:
    """A message id from 1 to 65535, not used by this process for long: it distinguishes C-MOVEs that run at once."""
    with _lock:
        return (next(_numbers) - 1) % 0xFFFF + 1


@dataclass(frozen=True)
class PduExchange:
    """A request of ours (PS3.7 9.3); `destination` is the AE title of a C-MOVE, `budget` what it may cost."""

    operation: Operation
    sop_class: str
    context_id: int
    identifier: bytes = b""
    destination: str = ""
    budget: Budget | None = None
    message_id: int = field(default_factory=next_message_id)


class Channel(Protocol):
    """An established association, used for one request after another."""

    proposed: frozenset[str]
    """Storage classes that were proposed."""
    accepted: frozenset[tuple[str, str]]
    """SOP class and transfer syntax of each presentation context the peer accepted."""

    @property
    def usable(self) -> bool:
        """Whether a request can be sent: neither side has released, aborted or lost the association."""

    def context(self, sop_class: str) -> tuple[int, str] | None:
        """Presentation context id and transfer syntax for asking `sop_class`; None where it was refused."""

    @property
    def receivable(self) -> frozenset[str]:
        """Storage classes the peer agreed to send us on this association."""

    def ask(self, ask: PduExchange) -> None:
        """Send a request. Raises CutError."""

    def hear(self, seconds: float) -> Response | Incoming:
        """The next message. Raises SilenceError after `seconds`, CutError, PacsTransientError on nonsense."""

    def answer(self, incoming: Incoming, status: int) -> None:
        """Send the C-STORE response to `incoming`."""

    def rest(self) -> None:
        """The request has ended: until the next one the peer may release."""

    def release(self) -> None:
        """End the association as PS3.8 7.2 says; does nothing where it has ended."""

    def abort(self) -> None:
        """End the association at once (PS3.8 7.3)."""


@contextmanager
def conversation(channel: Channel, ask: PduExchange) -> Iterator[None]:
    """From a request to its final response. What breaks it aborts the association: its state is not known."""
    try:
        channel.ask(ask)
        yield
    except BaseException:
        channel.abort()
        raise
    channel.rest()
