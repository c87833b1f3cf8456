"""The pixel data of one instance with boxes painted into every frame, as it goes out of its envelope."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.burned.dct_blocks import painted_jpeg
from pacsflow.deid.burned.lossless import RECODED, painted_lossless
from pacsflow.deid.burned.run_lengths import painted_rle
from pacsflow.deid.encoding.elements import Part, element
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.walk import UNDEFINED
from pacsflow.deid.envelope.codecs import NATIVE, STREAMS
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.reader import FRAME_AT_MOST, Reader
from pacsflow.deid.rules.guards import BURNED_IN, PIXELS
from pacsflow.errors import RefusalError

_HEAD: Final = struct.Struct("<HHI")
_ITEM: Final = (0xFFFE, 0xE000)
_LENGTH: Final = struct.Struct("<I")
_ROOT: Final = "1.2.840.10008.1.2."
_RLE: Final = f"{_ROOT}5"
_DEFLATED: Final = f"{_ROOT}8.1"
_SEQUENTIAL: Final = frozenset({f"{_ROOT}4.50", f"{_ROOT}4.51"})


def marks(header: Header, hidden: tuple[Box, ...] | None, *, explicit: bool) -> dict[int, bytes]:
    """Tag -> element of what an instance says of its boxes: (0028,0301) NO where there are any.

    None stands for boxes that are not known without the pixel data: it goes, so that all of the instance is gathered.
    """
    if hidden is None:
        return {tag: b"" for tag in PIXELS if tag in header.level.elements}
    return {BURNED_IN: element(BURNED_IN, "CS", b"NO", explicit=explicit)} if hidden else {}


def paintable(syntax: str) -> str:
    """Why boxes cannot be painted in a transfer syntax; empty where they can."""
    if syntax in STREAMS:
        return "text in video"
    if syntax in NATIVE | RECODED | _SEQUENTIAL | {_RLE, _DEFLATED}:
        return ""
    return "text in this transfer syntax"


@dataclass(frozen=True)
class PaintedPassage(Passage):
    """A passage whose frames are painted on their way; each is held as a whole (512 MB at most)."""

    brush: Brush | None = None

    @classmethod
    def through(cls, passage: Passage, brush: Brush) -> "PaintedPassage":
        """`passage` with boxes. Raises UnclearError where they cannot be painted in its transfer syntax."""
        if why := paintable(passage.syntax):
            raise UnclearError(why)
        facts = {name: getattr(passage, name) for name in Passage.__dataclass_fields__}
        return cls(**facts | {"rewrite": True}, brush=brush)

    def flow(self, reader: Reader, length: int) -> Iterator[Part]:
        """As Passage.flow, painted. Raises as it does, and UnclearError for what cannot be painted."""
        parts = super().flow(reader, length)
        return self._coded(parts) if length == UNDEFINED else self._frames(parts)

    def element(self, view: memoryview, span: tuple[int, int, int]) -> bytes:
        """The element as it goes out."""
        start, value, stop = span
        old = bytes(view[start:value])
        (length,) = _LENGTH.unpack_from(old, len(old) - 4)
        return b"".join([self.header(old), *self._through(view[value:stop], length)])

    def _coded(self, parts: Iterator[Part]) -> Iterator[Part]:
        """Items, each with its head in the same part; the table in front is empty, and the delimiter is none."""
        for part in parts:
            head = _HEAD.unpack_from(part)
            if head[:2] == _ITEM and head[2]:
                content = self._painted(bytes(part[_HEAD.size :]))
                content += bytes(len(content) % 2)
                yield _HEAD.pack(*_ITEM, len(content)) + content
            else:
                yield part

    def _painted(self, frame: bytes) -> bytes:
        brush = self._brush
        if self.syntax == _RLE:
            return painted_rle(frame, brush)
        if self.syntax == _DEFLATED:
            return _deflated(frame, brush)
        if self.syntax in _SEQUENTIAL:
            return painted_jpeg(frame, brush)
        return painted_lossless(frame, brush, self.syntax)

    def _frames(self, parts: Iterator[Part]) -> Iterator[bytes]:
        """Native frames one by one; those of single bits, and with subsampled colours, all at once."""
        picture = self.picture
        if not picture.frames:
            yield from map(bytes, parts)
            return
        pairs = picture.photometric.endswith(("_422", "_420"))
        size = 0 if pairs or picture.allocated == 1 else picture.frame
        held, left = bytearray(), picture.frames
        for part in parts:
            held += part
            while size and left and len(held) >= size:
                frame, held = held[:size], held[size:]
                self._brush.native(frame, 1)
                left -= 1
                yield bytes(frame)
            if len(held) > FRAME_AT_MOST:
                raise RefusalError(f"too large: more than {FRAME_AT_MOST >> 20} MB in one frame")
        if not size:
            end = len(held) // 2 * 2 if pairs else picture.whole
            frame, held = held[:end], held[end:]
            self._brush.native(frame, picture.frames)
            yield bytes(frame)
        yield bytes(held)

    @property
    def _brush(self) -> Brush:
        if self.brush is None:
            raise UnclearError("text without a brush")
        return self.brush


def _deflated(frame: bytes, brush: Brush) -> bytes:
    size = brush.picture.frame
    pixels = bytearray(zlib.decompressobj(-zlib.MAX_WBITS).decompress(frame, size + 2))
    inside = pixels[:size]
    brush.native(inside, 1)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(bytes(inside + pixels[size:])) + packer.flush()
