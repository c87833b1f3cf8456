"""Where the pixel data of an encoded dataset begins, and where it ends while it flows by (PS3.5 7.1, 7.5, A.4)."""

import struct
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Final

from pacsflow.deid.walk import (
    DEEPEST,
    ITEM,
    ITEM_END,
    LONG,
    SEQUENCE_END,
    SHORT,
    SQ,
    UNDEFINED,
    Aside,
    Buffer,
)
from pacsflow.errors import RefusalError

PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, Double Float, and Pixel Data."""
_EXPLICIT = struct.Struct("<HHHH").unpack_from
_IMPLICIT = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from
_HEAD: Final = 8


def pixels_at(data: Buffer, *, explicit: bool) -> tuple[int, int] | None:
    """Offsets of the pixel data element and of its value; None where `data` does not reach so far. Raises Aside."""
    pos = 0
    try:
        while True:
            tag, value, stop = _element(data, pos, explicit=explicit, depth=0)
            if tag in PIXELS:
                return pos, value
            pos = stop
    except struct.error:
        return None


def _element(data: Buffer, pos: int, *, explicit: bool, depth: int) -> tuple[int, int, int]:
    """Tag of the element at `pos`, offset of its value, and after it; that of pixel data is not looked for."""
    group, number, length = _IMPLICIT(data, pos)
    tag, value, sequence = group << 16 | number, pos + _HEAD, True
    if explicit:
        _, _, vr, length = _EXPLICIT(data, pos)
        sequence = vr == SQ
        if vr in LONG:
            (length,), value = _LENGTH(data, pos + _HEAD), pos + _HEAD + 4
        elif vr not in SHORT:
            raise Aside("unknown VR")
    if length != UNDEFINED:
        return tag, value, value + length
    if not depth and tag in PIXELS:
        return tag, value, value
    if not sequence:
        raise Aside("undefined length")
    return tag, value, _past_items(data, value, explicit=explicit, depth=depth + 1)


def _past_items(data: Buffer, pos: int, *, explicit: bool, depth: int) -> int:
    if depth > DEEPEST:
        raise Aside("nested too deep")
    while True:
        group, number, length = _IMPLICIT(data, pos)
        tag, pos = group << 16 | number, pos + _HEAD
        if tag == SEQUENCE_END:
            return pos
        if tag != ITEM:
            raise Aside("not an item")
        pos = _past_item(data, pos, explicit=explicit, depth=depth) if length == UNDEFINED else pos + length


def _past_item(data: Buffer, pos: int, *, explicit: bool, depth: int) -> int:
    while _IMPLICIT(data, pos)[:2] != (ITEM_END >> 16, ITEM_END & 0xFFFF):
        _, _, pos = _element(data, pos, explicit=explicit, depth=depth)
    return pos + _HEAD


class Counted:
    """Pixel data of a known length in bytes."""

    def __init__(self, length: int) -> None:
        self._left = length

    def end_in(self, piece: memoryview) -> int | None:
        """Offset in `piece` at which the pixel data ends; None where it goes on behind it."""
        end = self._left
        self._left -= len(piece)
        return end if self._left <= 0 else None


class Fragments:
    """Encapsulated pixel data: items up to a delimiter. Raises RefusalError for anything else."""

    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    def end_in(self, piece: memoryview) -> int | None:
        """Offset in `piece` behind the sequence delimiter; None where it is not there yet."""
        pos = 0
        while pos < len(piece):
            step = min(self._left, len(piece) - pos)
            self._left -= step
            pos += step
            if self._left:
                break
            head = bytes(piece[pos : pos + _HEAD - len(self._head)])
            pos += len(head)
            self._head += head
            if len(self._head) == _HEAD and self._ended():
                return pos
        return None

    def _ended(self) -> bool:
        group, number, self._left = _IMPLICIT(self._head, 0)
        tag, self._head = group << 16 | number, b""
        if tag != SEQUENCE_END and (tag != ITEM or self._left == UNDEFINED):
            raise RefusalError("malformed: not a fragment")
        return bool(tag == SEQUENCE_END)


def passed(flow: Iterator[memoryview], pixels: Counted | Fragments, *, most: int) -> Generator[memoryview, None, bytes]:
    """The pieces of the pixel data at the beginning of `flow`; returns what stands behind them.

    Raises RefusalError where the pixel data is cut off or malformed, or more than `most` bytes follow it.
    """
    for piece in flow:
        end = pixels.end_in(piece)
        yield piece[:end]
        if end is not None:
            return _behind(piece[end:], flow, most=most)
    raise RefusalError("malformed: pixel data cut off")


def _behind(first: memoryview, flow: Iterator[memoryview], *, most: int) -> bytes:
    behind = bytearray()
    for piece in chain((first,), flow):
        behind += piece
        if len(behind) > most:
            raise RefusalError(f"too large: more than {most >> 20} MB behind the pixel data")
    return bytes(behind)
