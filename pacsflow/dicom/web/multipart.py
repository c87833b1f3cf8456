"""Multipart answers as they come: part after part, none of them held (RFC 2046 5.1, RFC 2387, PS3.18 8.6.1.2)."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from pacsflow.dicom.contract import BrokenError

_LONGEST_HEADER = 1 << 16
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
    stream.skip()
    while stream.more():
        yield Part(stream.content_type(), stream.content())
        stream.skip()
    with suppress(BrokenError):  # all parts have come; the rest is read so that the connection can be used again
        for _ in pieces:
            pass


class _Stream:
    """What has come and is not yet given on."""

    def __init__(self, pieces: Iterator[bytes], mark: bytes) -> None:
        self._pieces, self._mark = pieces, mark
        self._held = bytearray(b"\r\n")  # the first boundary may begin the content
        self._inside = True

    def _read(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise BrokenError(_TORN)
        self._held += piece

    def content(self) -> Iterator[bytes]:
        """What comes before the next boundary, which is read too."""
        while self._inside:
            at = self._held.find(self._mark)
            if at >= 0:
                self._inside = False
                given = bytes(self._held[:at])
                del self._held[: at + len(self._mark)]
            else:
                sure = max(0, len(self._held) - len(self._mark) + 1)
                given = bytes(self._held[:sure])
                del self._held[:sure]
            if given:
                yield given
            if self._inside:
                self._read()

    def skip(self) -> None:
        """Read up to behind the next boundary."""
        for _ in self.content():
            pass

    def more(self) -> bool:
        """Whether another part follows the boundary."""
        while len(self._held) < len(b"--"):
            self._read()
        return not self._held.startswith(b"--")

    def content_type(self) -> str:
        """Content type of the part that begins; its header is read."""
        while (end := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _LONGEST_HEADER:
                raise BrokenError("the node's answer has a part without end of its header")
            self._read()
        header = BytesParser().parsebytes(bytes(self._held[:end]).lstrip(b" \t\r\n"), headersonly=True)
        del self._held[: end + len(b"\r\n\r\n")]
        self._inside = True
        return header.get_content_type()
