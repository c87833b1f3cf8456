"""DIMSE messages: command sets by struct, datasets left as they are (PS3.7 6.3, 9.3, E)."""

import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pacsflow.dicom.budget import MOST_IDENTIFIER
from pacsflow.dicom.dimse.broken import INVALID_PARAMETER, NonsenseError

C_STORE_RQ, C_GET_RQ, C_FIND_RQ, C_MOVE_RQ, C_ECHO_RQ = 0x0001, 0x0010, 0x0020, 0x0021, 0x0030
C_CANCEL_RQ = 0x0FFF
RESPONSE = 0x8000
_GROUP_LENGTH, AFFECTED_CLASS, COMMAND_FIELD, MESSAGE_ID, RESPONDED_TO = 0x0000, 0x0002, 0x0100, 0x0110, 0x0120
DESTINATION, PRIORITY, DATASET_TYPE, STATUS, AFFECTED_INSTANCE = 0x0600, 0x0700, 0x0800, 0x0900, 0x1000
REMAINING, COMPLETED, FAILED, WARNING, ORIGINATOR, ORIGINATOR_ID = 0x1020, 0x1021, 0x1022, 0x1023, 0x1030, 0x1031
NO_DATASET: Final = 0x0101
_ELEMENT = struct.Struct("<HHI")
_SHORT = struct.Struct("<H")
_PDV = struct.Struct(">IBB")
_LONGEST_COMMAND = 1 << 16
_MOST_EMPTY = 1000
"""Fragments without content, one after the other: some nodes send one or two."""
_COMMAND, _LAST = 1, 2


class Command(dict[int, bytes]):
    """The elements of a command set: element number (group 0000) to value."""

    def number(self, element: int, default: int | None = None) -> int:
        """An US value. Raises NonsenseError where it is not there and there is no default."""
        value = self.get(element, b"")
        if len(value) == _SHORT.size:
            return int(_SHORT.unpack(value)[0])
        if default is None or value:
            raise NonsenseError("a command without a number it must have", reason=INVALID_PARAMETER)
        return default

    def text(self, element: int) -> str:
        """A UI or AE value without its padding. Raises NonsenseError where it is not ASCII."""
        try:
            return self.get(element, b"").decode("ascii").strip("\0 ")
        except UnicodeDecodeError:
            raise NonsenseError("a command with a text that is none", reason=INVALID_PARAMETER) from None

    @property
    def has_dataset(self) -> bool:
        """Whether a dataset follows."""
        return self.number(DATASET_TYPE) != NO_DATASET


@dataclass(frozen=True)
class Message:
    """A message, its dataset undecoded; of an `open` one the dataset goes on."""

    context_id: int
    command: Command
    dataset: memoryview
    open: bool = False


End = Literal["end"]
"""Stands behind the last fragment of an open message."""


def parse(data: bytes | bytearray) -> Command:
    """A command set in Implicit VR Little Endian (PS3.7 6.3.1). Raises NonsenseError.

    Other groups are passed over: Orthanc puts Failed SOP Instance UID List here and not in the dataset.
    """
    command, begin = Command(), 0
    while begin < len(data):
        if len(data) - begin < _ELEMENT.size:
            raise NonsenseError("a command set that ends in the middle", reason=INVALID_PARAMETER)
        group, element, length = _ELEMENT.unpack_from(data, begin)
        begin += _ELEMENT.size
        if begin + length > len(data):
            raise NonsenseError("a command set that ends in the middle", reason=INVALID_PARAMETER)
        if not group:
            command[element] = bytes(data[begin : begin + length])
        begin += length
    return command


def command_set(values: Mapping[int, int | str]) -> bytes:
    """An encoded command set of numbers (US) and texts (UI, AE), with its group length."""
    body = b"".join(_element(element, value) for element, value in sorted(values.items()))
    return _ELEMENT.pack(0, _GROUP_LENGTH, 4) + struct.pack("<I", len(body)) + body


def _element(element: int, value: int | str) -> bytes:
    if isinstance(value, int):
        raw = _SHORT.pack(value)
    else:
        raw = value.encode("ascii")
        raw += (b" " if element == DESTINATION else b"\0") * (len(raw) % 2)
    return _ELEMENT.pack(0, element, len(raw)) + raw


class Assembler:
    """Fragments to messages, one association's worth; `contexts` are the ids that were accepted.

    A C-STORE request whose dataset grows beyond `most` bytes is given as an open message; then come its fragments,
    which hold as long as what was fed.
    """

    def __init__(self, contexts: Collection[int], *, most: int) -> None:
        self._contexts = frozenset(contexts)
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._context_id = 0
        self._head = bytearray()
        self._dataset = bytearray()
        self._command: Command | None = None
        self._open = False
        self._empty = 0

    def feed(self, content: memoryview) -> Iterator[Message | memoryview | End]:
        """Messages that a P-DATA-TF completes or opens, and the fragments of open ones. Raises NonsenseError."""
        for context_id, control, fragment in values_in(content):
            if context_id not in self._contexts or self._context_id not in (0, context_id):
                raise NonsenseError("data in a presentation context that has no place here")
            self._context_id = context_id
            last = bool(control & _LAST)
            self._empty = 0 if fragment or last else self._empty + 1
            if self._empty > _MOST_EMPTY:
                raise NonsenseError("fragments without content, without end", reason=INVALID_PARAMETER)
            if control & _COMMAND:
                if self._take_command(fragment, last=last):
                    yield self._whole()
            elif self._command is None:
                raise NonsenseError("a dataset where a command was due")
            else:
                yield from self._take_dataset(fragment, last=last)

    def _take_command(self, fragment: memoryview, *, last: bool) -> bool:
        """Whether the message is whole with it."""
        if self._command is not None:
            raise NonsenseError("a command where a dataset was due")
        self._head += fragment
        if len(self._head) > _LONGEST_COMMAND:
            raise NonsenseError("a command set without end", reason=INVALID_PARAMETER)
        if not last:
            return False
        self._command = parse(self._head)
        return not self._command.has_dataset

    def _take_dataset(self, fragment: memoryview, *, last: bool) -> Iterator[Message | memoryview | End]:
        if self._open:
            yield fragment
            if last:
                self._begin()
                yield "end"
            return
        self._dataset += fragment
        if last:
            yield self._whole()
        elif not self._storing():
            if len(self._dataset) > self._largest():
                raise NonsenseError("an identifier without end", reason=INVALID_PARAMETER)
        elif len(self._dataset) > self._most:
            self._open = True
            yield self._message()
            self._dataset = bytearray()

    @property
    def command(self) -> Command:
        """The command of the message whose dataset is coming; empty where none is."""
        return self._command or Command()

    @property
    def instance(self) -> str:
        """SOP Instance UID of the instance that is on its way; empty where none is."""
        return self._command.text(AFFECTED_INSTANCE) if self._command is not None and self._storing() else ""

    def _largest(self) -> int:
        """Bytes of an identifier: a retrieval's may name all instances that failed (PS3.4 C.4.2.1.4.2)."""
        asked = self._command.number(COMMAND_FIELD) & ~RESPONSE if self._command is not None else 0
        return MOST_IDENTIFIER if asked == C_FIND_RQ else max(MOST_IDENTIFIER, self._most)

    def _storing(self) -> bool:
        return self._command is not None and self._command.number(COMMAND_FIELD) == C_STORE_RQ

    def _whole(self) -> Message:
        message = self._message()
        self._begin()
        return message

    def _message(self) -> Message:
        assert self._command is not None  # noqa: S101 - no message without a command
        return Message(self._context_id, self._command, memoryview(self._dataset), self._open)


def values_in(content: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """Context id, message control header and fragment of each presentation data value (PS3.8 9.3.5.1).

    Raises NonsenseError for lengths that do not fit.
    """
    begin = 0
    while begin < len(content):
        if len(content) - begin < _PDV.size:
            raise NonsenseError("a presentation data value without its header", reason=INVALID_PARAMETER)
        length, context_id, control = _PDV.unpack_from(content, begin)
        end = begin + 4 + length
        if length < _PDV.size - 4 or end > len(content):
            raise NonsenseError("a presentation data value that does not fit its PDU", reason=INVALID_PARAMETER)
        yield context_id, control, content[begin + _PDV.size : end]
        begin = end
    if not begin:
        raise NonsenseError("an empty P-DATA-TF", reason=INVALID_PARAMETER)
