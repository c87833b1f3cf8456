"""Encapsulated pixel data (PS3.5 A.4): items in, items out, a frame at a time.

What comes out has an empty Basic Offset Table and one fragment per frame, which needs no table to be read.
"""

import struct
from collections.abc import Callable, Iterator
from typing import Final

from pacsflow.deid.encoding.normalize import PARTS_AT_MOST
from pacsflow.deid.encoding.walk import ITEM, SEQUENCE_END, UNDEFINED
from pacsflow.deid.envelope.codecs import FRAMES, MAGIC, STREAMS
from pacsflow.deid.envelope.frame import Frame, UnclearError, short
from pacsflow.deid.envelope.picture import Picture
from pacsflow.deid.envelope.reader import FRAME_AT_MOST, Reader
from pacsflow.deid.envelope.video import Blanker
from pacsflow.errors import RefusalError

Part = bytes | memoryview
Said = Callable[[bytes], None]

_HEAD: Final = struct.Struct("<HHI")
_END: Final = _HEAD.pack(0xFFFE, 0xE0DD, 0)
_TABLE_AT_MOST: Final = 64 << 20
_PIECE: Final = 1 << 20
_SLACK: Final = 1 << 30
"""Bytes of compressed pixel data beyond twice those of all frames as they are, before it is called endless."""
_UNKNOWN: Final = 64 << 30
"""As much at most where a header does not say how large its frames are."""


class Encapsulated:
    """The pixel data of one instance. `rewrite` false: passed on byte by byte, only counted and judged.

    `said` is told, of each frame, the bytes that stay and are not a picture; `gone` what does not stay.
    """

    def __init__(self, picture: Picture, syntax: str, *, rewrite: bool, said: Said, gone: Said) -> None:
        self._picture = picture
        self._syntax = syntax
        self._rewrite = rewrite
        self._said = said
        self._gone = gone
        self._codec = FRAMES.get(syntax)
        self._frames = self._fragments = self._bytes = self._items = 0
        self._most = 2 * picture.whole + _SLACK if picture.frames else _UNKNOWN
        self._frame = bytearray()

    def flow(self, reader: Reader, *, coded_bits: int) -> Iterator[Part]:
        """The value, its end included. `coded_bits`: frames of more bits a sample are not taken.

        Raises RefusalError: fewer frames than the header promises, frames that cannot be followed to their end.
        """
        yield from self._table(reader)
        for length, head in _items(reader):
            self._fragments += bool(length)
            self._bounded(length)
            if self._syntax in STREAMS:
                yield from self._stream(reader, length, head)
            else:
                yield from self._fragment(reader, length, head, coded_bits)
        yield from self._finished(coded_bits)
        self._counted()
        yield _END

    def _bounded(self, length: int) -> None:
        """Raise RefusalError where a sender goes on for ever: what it sends is on disk by then."""
        self._items += 1
        self._bytes += length
        promised = self._picture.frames
        if self._codec is not None and 0 < promised < self._frames:
            raise short(f"{self._frames} coded frames and more where the header promises {promised}")
        if self._bytes > self._most or self._items > max(PARTS_AT_MOST, 2 * promised):
            raise RefusalError("too large: compressed pixel data without end")

    def _table(self, reader: Reader) -> Iterator[Part]:
        head = reader.take(_HEAD.size)
        group, number, length = _HEAD.unpack(head)
        if group << 16 | number != ITEM:
            raise short("encapsulated pixel data without an item")
        if length > _TABLE_AT_MOST:
            raise RefusalError("malformed: not an offset table")
        table = reader.take(length)
        if table:
            self._gone(table)
        yield _HEAD.pack(0xFFFE, 0xE000, 0) if self._rewrite else head + table

    def _stream(self, reader: Reader, length: int, head: bytes) -> Iterator[Part]:
        if not self._rewrite:
            yield head
            yield from reader.pieces(length)
            return
        blanker = Blanker(STREAMS[self._syntax])
        yield _HEAD.pack(0xFFFE, 0xE000, length)
        left = length
        while left:
            piece = reader.take(min(left, _PIECE))
            left -= len(piece)
            yield blanker.feed(piece, last=not left)

    def _fragment(self, reader: Reader, length: int, head: bytes, coded_bits: int) -> Iterator[Part]:
        if self._codec is None and self._rewrite:
            raise UnclearError("pixel data in this transfer syntax")
        data = reader.take(length)
        if data and (self._codec is None or self._begins(data)):
            yield from self._finished(coded_bits)
        self._frame += data
        if len(self._frame) > FRAME_AT_MOST:
            raise RefusalError(f"too large: more than {FRAME_AT_MOST >> 20} MB in one frame")
        if not self._rewrite:
            yield head + data

    def _begins(self, data: bytes) -> bool:
        """Whether a frame begins with this fragment. RLE and deflated frames are one fragment each (PS3.5 A.4.2)."""
        magic = MAGIC.get(self._codec) if self._codec else None
        return magic is None or data.startswith(magic)

    def _finished(self, coded_bits: int) -> Iterator[Part]:
        """The frame that is whole now, as one item."""
        if not self._frame:
            return
        data, self._frame = bytes(self._frame), bytearray()
        self._frames += 1
        frame = self._judged(data)
        if not self._rewrite or frame is None:
            return
        if coded_bits and not 0 < frame.precision <= coded_bits:
            raise UnclearError("an overlay within compressed pixels")
        for bytes_ in frame.kept:
            self._said(bytes_)
        for bytes_ in frame.dropped:
            self._gone(bytes_)
        content = b"".join(frame.parts)
        content += bytes(len(content) % 2)
        yield _HEAD.pack(0xFFFE, 0xE000, len(content)) + content

    def _judged(self, data: bytes) -> Frame | None:
        """The frame taken apart; None where nothing is to be cleaned and it cannot be."""
        if self._codec is None:
            return None
        try:
            return self._codec(data, self._picture)
        except UnclearError:
            if self._rewrite:
                raise
            return None

    def _counted(self) -> None:
        if self._syntax in STREAMS:
            if not self._fragments:
                raise short("video without a fragment")
        elif self._codec is None:
            if self._fragments < self._picture.frames:
                raise short(f"{self._fragments} fragments where the header promises {self._picture.frames} frames")
        elif self._frames != self._picture.frames:
            raise short(f"{self._frames} coded frames where the header promises {self._picture.frames}")


def _items(reader: Reader) -> Iterator[tuple[int, bytes]]:
    """Length and head of each fragment, its content still to be taken, up to the sequence delimiter."""
    while True:
        head = reader.take(_HEAD.size)
        group, number, length = _HEAD.unpack(head)
        if group << 16 | number == SEQUENCE_END:
            return
        if group << 16 | number != ITEM or length == UNDEFINED:
            raise RefusalError("malformed: not a fragment")
        yield length, head
