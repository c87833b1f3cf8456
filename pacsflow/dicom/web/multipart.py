"""Multipart answers as they come: part after part, none of them held (RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from pacsflow.errors import BrokenError
from pacsflow.whole_numbers import whole_number

_LONGEST_HEADER = 1 << 16
_AHEAD = 2
"""Bytes behind a boundary that show that it is one."""
_TORN = "the node's answer ended in the middle"


@dataclass(frozen=True)
class Part:
    """One part; its content can be read once, and before the next part is asked for."""

    content_type: str
    content: Iterator[bytes]


def boundary(content_type: str) -> bytes | None:
    """What separates the parts of an answer of this type; None where it has no parts."""
    message = Message()
    message["Content-Type"] = content_type
    found = message.get_param("boundary")
    return found.encode() if message.get_content_maintype() == "multipart" and isinstance(found, str) else None


def parts(pieces: Iterator[bytes], mark: bytes) -> Iterator[Part]:
    """The parts between boundaries `mark`. Raises BrokenError where the content ends before the last boundary."""
    stream = _Stream(pieces, b"\r\n--" + mark)
    stream.skip(most=_LONGEST_HEADER)
    while stream.more():
        yield Part(stream.content_type(), stream.content())
        stream.skip()
    with suppress(BrokenError):  # all parts have come; the rest is read so that the connection can be used again
        rest = 0
        while rest <= _LONGEST_HEADER and (piece := next(pieces, None)) is not None:
            rest += len(piece)


class _Stream:
    """What has come and is not yet given on."""

    def __init__(self, pieces: Iterator[bytes], mark: bytes) -> None:
        self._pieces, self._mark = pieces, mark
        self._held = bytearray(b"\r\n")  # the first boundary may begin the content
        self._inside = True
        self._length = 0

    def _read(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise BrokenError(_TORN)
        self._held += piece

    def content(self) -> Iterator[bytes]:
        """The part up to the next boundary, read as well; within the length its header announces none is looked for."""
        while self._length > 0:
            if not self._held:
                self._read()
            given = bytes(self._held[: self._length])
            del self._held[: len(given)]
            self._length -= len(given)
            yield given
        while self._inside:
            at, sure = self._boundary()
            given = bytes(self._held[:sure])
            del self._held[: sure if at < 0 else at + len(self._mark)]
            self._inside = at < 0
            if given:
                yield given
            if self._inside:
                self._read()

    def _boundary(self) -> tuple[int, int]:
        """Where a boundary begins in what is held, -1: nowhere yet; and how much before it is surely content.

        A boundary ends its line, or the answer (RFC 2046 5.1.1): the same letters inside a picture go on.
        """
        at = self._held.find(self._mark)
        while at >= 0:
            behind = bytes(self._held[at + len(self._mark) :][:_AHEAD])
            if len(behind) < _AHEAD:
                return -1, at
            if behind in (b"--", b"\r\n") or behind[:1] in (b" ", b"\t", b"\n"):
                return at, at
            at = self._held.find(self._mark, at + 1)
        return -1, max(0, len(self._held) - len(self._mark) + 1)

    def skip(self, most: int | None = None) -> None:
        """Read up to behind the next boundary. Raises BrokenError where it does not come in `most` bytes."""
        passed = 0
        for piece in self.content():
            passed += len(piece)
            if most is not None and passed > most:
                raise BrokenError("the node's answer does not begin with any of its parts")

    def more(self) -> bool:
        """Whether another part follows the boundary."""
        while len(self._held) < len(b"--"):
            self._read()
        return not self._held.startswith(b"--")

    def content_type(self) -> str:
        """Content type of the part that begins; its header is read."""
        looked = 0
        while (end := self._held.find(b"\r\n\r\n", looked)) < 0:
            if len(self._held) > _LONGEST_HEADER:
                raise BrokenError("the node's answer has a part without end of its header")
            looked = max(0, len(self._held) - 3)
            self._read()
        header = BytesParser().parsebytes(bytes(self._held[:end]).lstrip(b" \t\r\n"), headersonly=True)
        del self._held[: end + len(b"\r\n\r\n")]
        self._inside = True
        self._length = whole_number(str(header.get("Content-Length", ""))) or 0
        return header.get_content_type()
