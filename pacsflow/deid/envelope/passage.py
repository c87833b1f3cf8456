"""How the pixel data of one instance goes out: judged against its header, and cleaned where that is wanted."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.encoding.walk import UNDEFINED
from pacsflow.deid.envelope.codecs import FRAMES, NATIVE, STREAMS
from pacsflow.deid.envelope.encapsulated import Encapsulated, Part
from pacsflow.deid.envelope.frame import UnclearError, short
from pacsflow.deid.envelope.native import Cells
from pacsflow.deid.envelope.picture import Picture
from pacsflow.deid.envelope.reader import Reader
from pacsflow.errors import RefusalError

KNOWN: Final = NATIVE | FRAMES.keys() | STREAMS.keys()
_COMPRESSED: Final = FRAMES.keys() | STREAMS.keys()
_EXPLICIT_HEAD: Final = 12
_LENGTH: Final = struct.Struct("<I")


def _nothing(_: bytes) -> None:
    return


@dataclass(frozen=True)
class Passage:
    """The pixel data of one instance in transfer syntax `syntax`.

    `rewrite` false: it passes byte by byte, and is refused where it is less than its header promises. `overlays` are
    bits of a cell that an overlay is drawn in. `said` is told what stays and is not a picture, `gone` what goes;
    `said` may raise RefusalError.
    """

    picture: Picture
    syntax: str
    rewrite: bool
    overlays: frozenset[int] = frozenset()
    said: Callable[[bytes], None] = _nothing
    gone: Callable[[bytes], None] = _nothing

    def header(self, header: bytes) -> bytes:
        """The header of the element as it goes out.

        Raises RefusalError where its length cannot be right, UnclearError for a transfer syntax that is not known.
        """
        (length,) = _LENGTH.unpack_from(header, len(header) - 4)
        if self.syntax in (_COMPRESSED if length != UNDEFINED else NATIVE):
            raise short("native pixel data in a compressed transfer syntax, or the other way round")
        if self.rewrite and self.syntax not in KNOWN:
            raise UnclearError("pixel data in this transfer syntax")
        if self.rewrite and len(header) == _EXPLICIT_HEAD:
            header = header[:6] + bytes(2) + header[8:]
        if length == UNDEFINED or not self.picture.frames:
            return header
        size = self.picture.native(length, whole_frames=self.rewrite)
        return header[:-4] + _LENGTH.pack(size + size % 2) if self.rewrite else header

    def flow(self, reader: Reader, length: int) -> Iterator[Part]:
        """The value, `length` bytes or, UNDEFINED, up to its end. Raises RefusalError: too little, or not clean."""
        if length == UNDEFINED:
            coded = min(self.overlays) if self.overlays else 0
            envelope = Encapsulated(self.picture, self.syntax, rewrite=self.rewrite, said=self.said, gone=self.gone)
            return envelope.flow(reader, coded_bits=coded)
        return self._native(reader, length)

    def _native(self, reader: Reader, length: int) -> Iterator[Part]:
        if not self.rewrite:
            yield from reader.pieces(length)
            return
        size = self.picture.native(length)
        pieces = reader.pieces(size)
        yield from self._cells.flow(pieces) if self._cells else pieces
        yield bytes(size % 2)
        for piece in reader.pieces(length - size):
            self.gone(bytes(piece))

    @property
    def _cells(self) -> Cells | None:
        return Cells.of(self.picture, self.overlays)

    def element(self, view: memoryview, span: tuple[int, int, int]) -> bytes | None:
        """The element with the offsets `span` (header, value, end) as it goes out; None where it goes as it is."""
        start, value, stop = span
        old = bytes(view[start:value])
        header = self.header(old)
        (length,) = _LENGTH.unpack_from(old, len(old) - 4)
        if length != UNDEFINED and header == old and not self.overlays and self._unpadded(view, stop, length):
            return None
        return b"".join([header, *self._through(view[value:stop], length)])

    def judge(self, view: memoryview, span: tuple[int, int, int]) -> None:
        """What `element` raises and tells, without making it."""
        start, value, stop = span
        self.header(bytes(view[start:value]))
        for _ in self._through(view[value:stop], int(_LENGTH.unpack_from(view, value - 4)[0])):
            pass

    def _through(self, value: memoryview, length: int) -> Iterator[Part]:
        reader = Reader([value])
        yield from self.flow(reader, length)
        if any(map(len, reader.rest())):
            raise RefusalError("malformed: pixel data with two ends")

    def _unpadded(self, view: memoryview, stop: int, length: int) -> bool:
        """Whether native pixel data has no padding but zeros."""
        return not self.rewrite or self.picture.native(length) == length or not view[stop - 1]
