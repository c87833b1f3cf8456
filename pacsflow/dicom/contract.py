"""What every protocol module gives: find answers, fetch instances into a sink."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydicom import Dataset

from pacsflow.errors import PacsTransientError

Level = Literal["PATIENT", "STUDY", "SERIES", "IMAGE"]
STREAMED_FROM = 8 << 20
"""Instances of more bytes than this are handed on while they come."""


class RejectedError(PacsTransientError):
    """The node rejects the association for now (PS3.8 9.3.4)."""


class CrowdedError(RejectedError):
    """The node takes no further association for now: congestion, or its limit (PS3.8 9.3.4)."""


@dataclass(frozen=True)
class Received:
    """One instance as it came: the encoded dataset (without file meta information), undecoded.

    `dataset` is not shared: it stays unchanged for as long as the sink holds it.
    Of a large one `dataset` is the beginning, and `rest` takes what follows from the association, once, each piece
    until the next one is asked for. It raises BrokenError, which the sink passes on. What the sink does not read is
    read and thrown away after it.
    """

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    dataset: bytes | memoryview
    rest: Iterator[memoryview] | None = None


Sink = Callable[[Received], int]
"""Takes an instance, gives the DIMSE status of its C-STORE response (PS3.4 B.2.3); may be called
from another thread than the fetch's, one call at a time per lane."""


@dataclass(frozen=True)
class Request:
    """What to fetch: a study; or some of its series; or some instances of one series.

    `sop_classes` are those known to be in it (empty: unknown); they decide the presentation contexts.
    """

    study_uid: str
    series_uids: tuple[str, ...] = ()
    sop_uids: tuple[str, ...] = ()
    sop_classes: frozenset[str] = field(default_factory=frozenset)
    patient_id: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a retrieval ended, in the node's own words (PS3.4 C.4.2.1.6). Not a proof: compare by UID.

    `unreached`: our port, where a C-MOVE opened no connection to it and all sub-operations failed; else 0.
    """

    status: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    requests: int = 1
    unreached: int = 0


class Lane(Protocol):
    """An open connection to a node that many rows and studies use, one request at a time."""

    def find(self, level: Level, keys: Mapping[str, str]) -> list[Dataset]:
        """All answers to a query, or an error: PacsTransientError, PacsPermanentError. Never a part."""

    def fetch(self, request: Request, sink: Sink) -> Outcome:
        """Have the instances of `request` sent into `sink`. Raises PacsTransientError, PacsPermanentError."""

    def close(self) -> None:
        """Release the associations."""
