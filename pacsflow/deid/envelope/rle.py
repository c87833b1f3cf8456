"""RLE frames (PS3.5 G): segments followed run by run to the last pixel, what lies behind it goes."""

import struct
from typing import Final

from pacsflow.deid.envelope.frame import Frame, broken
from pacsflow.deid.envelope.picture import Picture

_HEADER: Final = struct.Struct("<16I")
_NOTHING: Final = 128


def rle(data: bytes, picture: Picture) -> Frame:
    """The frame with tight segments. Raises RefusalError `malformed: …` where a segment is short or missing."""
    if len(data) < _HEADER.size:
        broken(f"an RLE frame of {len(data)} bytes")
    count, *offsets = _HEADER.unpack_from(data)
    wanted = picture.samples * max(1, picture.allocated // 8)
    if count != wanted:
        broken(f"{count} RLE segments where the header promises {wanted}" if count < 16 else "not an RLE frame")  # noqa: PLR2004
    cells = picture.rows * picture.columns
    size = cells if picture.allocated > 1 else -(-cells // 8)
    stops = [*offsets[1:count], len(data)]
    segments = [_segment(data[start:stop], size) for start, stop in zip(offsets, stops, strict=False)]
    if offsets[0] < _HEADER.size or any(a >= b for a, b in zip(offsets, stops, strict=False)):
        broken("RLE segments that overlap")
    return _whole(segments, data)


def _whole(segments: list[bytes], data: bytes) -> Frame:
    frame, places, at = Frame(), [0] * 15, _HEADER.size
    for number, segment in enumerate(segments):
        places[number] = at
        at += len(segment)
    frame.keep(_HEADER.pack(len(segments), *places))
    for segment in segments:
        frame.coded(segment)
    if at != len(data) or frame.parts[0] != data[: _HEADER.size]:
        frame.dropped.append(data)
    return frame


def _segment(data: bytes, size: int) -> bytes:
    """The runs that make `size` bytes; the last one is cut where it makes more. Padded to an even length."""
    pos = made = last = 0
    try:
        while made < size:
            last, run = pos, data[pos]
            if run < _NOTHING:
                pos += run + 2
                made += run + 1
            elif run > _NOTHING:
                pos += 2
                made += 257 - run
            else:
                pos += 1
    except IndexError:
        pos = len(data) + 1
    if pos > len(data):
        broken(f"an RLE segment of {made} bytes where the header promises {size}")
    kept = data[:pos] if made == size else data[:last] + _shorter(data[last:pos], made - size)
    return kept + bytes(len(kept) % 2)


def _shorter(run: bytes, excess: int) -> bytes:
    if run[0] < _NOTHING:
        return bytes((run[0] - excess,)) + run[1 : len(run) - excess]
    left = 257 - run[0] - excess
    return bytes((257 - left, run[1])) if left > 1 else bytes((0, run[1]))
