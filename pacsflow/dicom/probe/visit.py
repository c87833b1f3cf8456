"""A visit to a node: one association at a time, few requests, each counted; nothing received is kept."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from pacsflow.dicom import identifier
from pacsflow.dicom.association import associate
from pacsflow.dicom.channel import Ask, Channel, Response, conversation
from pacsflow.dicom.contract import Level
from pacsflow.dicom.probe.contract import Keys
from pacsflow.dicom.query import find_model
from pacsflow.dicom.status import SUCCESS, Category, categorise
from pacsflow.errors import PacsTransientError
from schemas.pacs import PacsNode

MOST_ANSWERS = 1000
"""Answers that are listened to; then the association is aborted, which ends the query at the node too."""
_CHARACTER_SET = 0x00080005


@dataclass(frozen=True)
class Sample:
    """A small series that the node has. `sop_uids`: its instances as listed. `at_hand`: not nearline, not offline."""

    study_uid: str
    series_uid: str
    patient_id: str = ""
    study_date: str = ""
    sop_uids: tuple[str, ...] = ()
    sop_classes: frozenset[str] = frozenset()
    at_hand: bool = True


@dataclass(frozen=True)
class Answers:
    """Answers to one query. `whole`: the node ended them, not we."""

    found: tuple[Dataset, ...]
    status: int
    whole: bool = True

    @property
    def cut(self) -> bool:
        """Whether the node said that these are not all."""
        return self.whole and categorise(self.status) is not Category.SUCCESS


class _EnoughError(Exception):
    """We have heard enough."""


@dataclass
class Visit:
    """What the checks of one probe share: the node, an association, the rows' keys, and what is known so far."""

    node: PacsNode
    rows: Sequence[Keys] = ()
    sample: Sample | None = None
    ignored: set[str] = field(default_factory=set)
    character_sets: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    _channel: Channel | None = None

    def channel(self, classes: frozenset[str] = frozenset()) -> Channel:
        """The open association; a new one where it has ended or does not take `classes`. Raises PacsError."""
        channel = self._channel
        if channel is not None and channel.usable and classes <= channel.proposed:
            return channel
        self.close()
        self.requests["associations"] += 1
        self._channel = associate(self.node, classes)
        return self._channel

    def close(self) -> None:
        """Release the association."""
        if self._channel is not None:
            self._channel.release()
            self._channel = None

    def ask(self, level: Level, keys: Mapping[str, str], *, most: int = MOST_ANSWERS) -> Answers:
        """The first `most` answers to a query, whatever its final status. Raises PacsError where it breaks off."""
        channel, asked_in = self.channel(), self.node.character_set
        sop_class, (context_id, syntax) = find_model(channel, level)
        request = identifier.encode(keys, level=level, character_set=asked_in, syntax=syntax)
        self.requests["queries"] += 1
        heard: list[bytes | memoryview] = []
        status = SUCCESS
        try:
            with conversation(channel, Ask("C-FIND", sop_class, context_id, request)):
                status = self._listen(channel, heard, most)
        except _EnoughError:
            self._channel = None
        self.character_sets.update(_character_set(answer, syntax) for answer in heard)
        found = tuple(identifier.decode(answer, character_set=asked_in, syntax=syntax) for answer in heard)
        return Answers(found, status, whole=len(heard) <= most)

    def _listen(self, channel: Channel, heard: list[bytes | memoryview], most: int) -> int:
        while True:
            response = channel.hear(self.node.timeouts.response)
            if not isinstance(response, Response):
                raise PacsTransientError("the node sent an instance in answer to a query")
            if categorise(response.status) is not Category.PENDING:
                return response.status
            heard.append(bytes(response.identifier))
            if len(heard) > most:
                raise _EnoughError


def _character_set(answer: bytes | memoryview, syntax: str) -> str:
    """The character set an answer names; '' where it names none."""
    uid = UID(syntax)
    try:
        named = read_dataset(BytesIO(answer), uid.is_implicit_VR, uid.is_little_endian, specific_tags=[_CHARACTER_SET])
        value = named.get("SpecificCharacterSet") or ""
    except Exception:  # noqa: BLE001 - told by whoever decodes the whole answer
        return ""
    return value if isinstance(value, str) else "\\".join(value)
