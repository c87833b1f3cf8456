"""Where the pixel data of an encoded dataset begins (PS3.5 7.1, 7.5)."""

import struct
from typing import Final

from pacsflow.deid.encoding.walk import (
    DEEPEST,
    ITEM,
    ITEM_END,
    LONG,
    SEQUENCE_END,
    SHORT,
    SQ,
    UNDEFINED,
    Buffer,
    NotStrictError,
)

PIXELS: Final = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
"""Float, Double Float, and Pixel Data."""
_EXPLICIT = struct.Struct("<HHHH").unpack_from
_IMPLICIT = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from
_HEAD: Final = 8


def pixels_at(data: Buffer, *, explicit: bool) -> tuple[int, int] | None:
    """Offsets of the pixel data element and of its value; None where `data` does not reach so far.

    Raises NotStrictError.
    """
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
            raise NotStrictError("unknown VR")
    if length != UNDEFINED:
        return tag, value, value + length
    if not depth and tag in PIXELS:
        return tag, value, value
    if not sequence:
        raise NotStrictError("undefined length")
    return tag, value, _past_items(data, value, explicit=explicit, depth=depth + 1)


def _past_items(data: Buffer, pos: int, *, explicit: bool, depth: int) -> int:
    if depth > DEEPEST:
        raise NotStrictError("nested too deep")
    while True:
        group, number, length = _IMPLICIT(data, pos)
        tag, pos = group << 16 | number, pos + _HEAD
        if tag == SEQUENCE_END:
            return pos
        if tag != ITEM:
            raise NotStrictError("not an item")
        pos = _past_item(data, pos, explicit=explicit, depth=depth) if length == UNDEFINED else pos + length


def _past_item(data: Buffer, pos: int, *, explicit: bool, depth: int) -> int:
    while _IMPLICIT(data, pos)[:2] != (ITEM_END >> 16, ITEM_END & 0xFFFF):
        _, _, pos = _element(data, pos, explicit=explicit, depth=depth)
    return pos + _HEAD
