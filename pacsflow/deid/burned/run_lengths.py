"""Boxes painted into RLE frames (PS3.5 G): rows that no box touches keep their coded bytes."""

import struct
from itertools import pairwise
from typing import Final

import numpy as np

from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.envelope.frame import broken
from pacsflow.wording import counted

_HEADER: Final = struct.Struct("<16I")
_NOTHING: Final = 128


def painted_rle(data: bytes, brush: Brush) -> bytes:
    """The frame with its boxes painted. Raises RefusalError where a segment is short or missing."""
    picture = brush.picture
    count, *offsets = _HEADER.unpack_from(data)
    stops = [*offsets[1:count], len(data)]
    if picture.allocated == 1:
        return _whole([_bits(data[offsets[0] : stops[0]], brush)])
    depth = picture.allocated // 8
    if count != picture.samples * depth:
        broken(f"{count} RLE segments where the header promises {picture.samples * depth}")
    segments = []
    for number, (start, stop) in enumerate(zip(offsets, stops, strict=False)):
        sample, place = divmod(number, depth)
        fill = brush.fill[sample] >> 8 * (depth - 1 - place) & 0xFF  # the most significant byte comes first
        segments.append(_segment(data[start:stop], brush, fill))
    return _whole(segments)


def _whole(segments: list[bytes]) -> bytes:
    places, at = [0] * 15, _HEADER.size
    for number, segment in enumerate(segments):
        places[number] = at
        at += len(segment)
    return b"".join([_HEADER.pack(len(segments), *places), *segments])


def _segment(data: bytes, brush: Brush, fill: int) -> bytes:
    picture = brush.picture
    starts, cells = _unpacked(data, picture.rows * picture.columns, picture.columns)
    plane = np.frombuffer(cells, "u1").reshape(picture.rows, picture.columns)
    touched = np.zeros(picture.rows, bool)
    for box in brush.boxes:
        plane[box.top : box.bottom, box.left : box.right] = fill
        touched[box.top : box.bottom] = True
    return _even(b"".join(_rows(data, plane.tobytes(), picture.columns, starts, touched.tolist())))


def _rows(data: bytes, plane: bytes, columns: int, starts: list[int], touched: list[bool]) -> list[bytes]:
    """Row by row: as coded where no box touches it and no run crosses its edges, else coded again (PS3.5 G.3.1)."""
    rows = []
    for row, again in enumerate(touched):
        begin, end = starts[row], starts[row + 1]
        if again or begin < 0 or end < 0:
            rows.append(_packed(plane[row * columns : (row + 1) * columns]))
        else:
            rows.append(data[begin:end])
    return rows


def _unpacked(data: bytes, size: int, columns: int) -> tuple[list[int], bytearray]:
    """Where the code of each row begins, -1 where a run crosses into it, and of what lies behind; and all cells."""
    cells, starts, at = bytearray(), [-1] * (size // columns + 1), 0
    starts[0] = 0
    try:
        while len(cells) < size:
            run = data[at]
            if run < _NOTHING:
                data[at + run + 1]
                cells += data[at + 1 : at + run + 2]
                at += run + 2
            elif run > _NOTHING:
                cells += bytes((data[at + 1],)) * (257 - run)
                at += 2
            else:
                at += 1
            if len(cells) % columns == 0 and len(cells) <= size:
                starts[len(cells) // columns] = at
    except IndexError:
        broken(f"an RLE segment of {counted(len(cells), 'byte')} where the header promises {size}")
    return starts, cells[:size]


def _packed(row: bytes) -> bytes:
    """A row as runs of equal bytes, from three on, and of others (PS3.5 G.3.1)."""
    cells = np.frombuffer(row, "u1")
    edges = [0, *(np.flatnonzero(cells[1:] != cells[:-1]) + 1).tolist(), len(row)]
    packed, apart = bytearray(), 0
    for start, stop in pairwise(edges):
        if stop - start < 3:  # noqa: PLR2004
            continue
        _literal(packed, row[apart:start])
        left = stop - start
        while left:
            step = min(left, _NOTHING)
            packed += bytes((257 - step, row[start])) if step > 1 else bytes((0, row[start]))
            left -= step
        apart = stop
    _literal(packed, row[apart:])
    return bytes(packed)


def _literal(packed: bytearray, cells: bytes) -> None:
    for at in range(0, len(cells), _NOTHING):
        piece = cells[at : at + _NOTHING]
        packed.append(len(piece) - 1)
        packed += piece


def _bits(data: bytes, brush: Brush) -> bytes:
    """The one segment of a frame of single bits, eight of them a byte."""
    picture = brush.picture
    size = -(-picture.rows * picture.columns // 8)
    _, cells = _unpacked(data, size, size)
    brush.native(cells, 1)
    return _even(_packed(bytes(cells)))


def _even(data: bytes) -> bytes:
    return data + bytes(len(data) % 2)
