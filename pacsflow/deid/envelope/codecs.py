"""Which code a transfer syntax is in (PS3.5 A.4, 10), and frames of deflated ones."""

import zlib
from collections.abc import Callable
from typing import Final

from pacsflow.deid.envelope.frame import Frame, broken
from pacsflow.deid.envelope.j2k import JP2, SOC, j2k
from pacsflow.deid.envelope.jpeg import SOI, jpeg
from pacsflow.deid.envelope.picture import Picture
from pacsflow.deid.envelope.rle import rle
from pacsflow.deid.envelope.video import Kept, h264, h265, mpeg2

Codec = Callable[[bytes, Picture], Frame]
_ROOT: Final = "1.2.840.10008.1.2"


def deflated(data: bytes, picture: Picture) -> Frame:
    """A frame of Deflated Image Frame Compression (PS3.5 A.4.13): inflated no further than its pixels."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        pixels = inflater.decompress(data, picture.frame + 2)
    except zlib.error:
        broken("a deflated frame that cannot be read")
    if not picture.frame <= len(pixels) <= picture.frame + picture.frame % 2 or not inflater.eof:
        broken(f"a deflated frame of {len(pixels)} bytes where the header promises {picture.frame}")
    end = len(data) - len(inflater.unused_data)
    frame = Frame([data[:end]], [pixels[picture.frame :]], precision=picture.allocated)
    if inflater.unused_data:
        frame.dropped.append(inflater.unused_data)
    return frame


FRAMES: Final[dict[str, Codec]] = {
    **dict.fromkeys((f"{_ROOT}.4.{number}" for number in (*range(50, 67), 70, 80, 81)), jpeg),
    **dict.fromkeys((f"{_ROOT}.4.{number}" for number in (90, 91, 92, 93, 201, 202, 203)), j2k),
    f"{_ROOT}.5": rle,
    f"{_ROOT}.8.1": deflated,
}
"""Transfer syntaxes whose frames are coded one by one."""
STREAMS: Final[dict[str, Kept]] = {
    **{f"{_ROOT}.4.{number}{end}": mpeg2 for number in (100, 101) for end in ("", ".1")},
    **{f"{_ROOT}.4.{number}{end}": h264 for number in range(102, 107) for end in ("", ".1")},
    **{f"{_ROOT}.4.{number}": h265 for number in (107, 108)},
}
"""Transfer syntaxes whose pixel data is one stream of video."""
NATIVE: Final = frozenset({_ROOT, f"{_ROOT}.1"})
"""Uncompressed little endian; what is deflated or big endian has become one of them."""
MAGIC: Final[dict[Codec, tuple[bytes, ...]]] = {jpeg: (SOI,), j2k: (SOC, JP2)}
"""What a frame begins with; a fragment that begins otherwise goes on with the frame before it."""
