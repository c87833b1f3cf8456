"""Elements and items, encoded in little endian (PS3.5 7.1, 7.5)."""

import struct
from functools import lru_cache
from typing import Final

from pacsflow.deid.encoding.values import padded
from pacsflow.deid.encoding.walk import LONG, NAME

Part = bytes | memoryview


_SHORT_HEAD = struct.Struct("<HH2sH").pack


_LONG_HEAD = struct.Struct("<HH2sHI").pack


_PLAIN_HEAD = struct.Struct("<HHI").pack


_WIDE: Final = frozenset(NAME[code] for code in LONG)


_LONGEST: Final = 0xFFFE


def element(tag: int, vr: str, value: bytes, *, explicit: bool) -> bytes:
    """An encoded element (PS3.5 7.1.2, 7.1.3)."""
    if len(value) & 1:
        value = padded(vr, value)
    return _head(tag, vr, len(value), explicit) + value


@lru_cache(16384)
def _head(tag: int, vr: str, size: int, explicit: bool) -> bytes:
    group, number = tag >> 16, tag & 0xFFFF
    if not explicit:
        return _PLAIN_HEAD(group, number, size)
    if vr in _WIDE or size > _LONGEST:
        vr = vr if vr in _WIDE else "UN"  # PS3.5 6.2.2: too long for its VR
        return _LONG_HEAD(group, number, vr.encode(), 0, size)
    return _SHORT_HEAD(group, number, vr.encode(), size)


def item(content: bytes) -> bytes:
    """A sequence item of defined length (PS3.5 7.5)."""
    return _PLAIN_HEAD(0xFFFE, 0xE000, len(content)) + content
