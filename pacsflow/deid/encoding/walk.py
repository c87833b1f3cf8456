"""Where each element of an encoded dataset stands (PS3.5 7.1, 7.5), found without decoding any of it.

Strict: tags ascend, VRs are known, lengths are even and stay inside what encloses them. Anything else raises
NotStrictError, and the instance goes through `normalize` first.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.errors import RefusalError

Buffer = bytes | memoryview
Element = tuple[int, int, int, int]
"""VR code, offset of the header, offset of the value, offset after the element."""

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
DEEPEST: Final = 32
PARTS_AT_MOST: Final = 5_000_000
"""Elements and items of one dataset: each takes hundreds of bytes of memory, and no more than eight in the dataset."""


def code(vr: str) -> int:
    """A VR's two letters as the little-endian number the walk compares."""
    return int.from_bytes(vr.encode(), "little")


SHORT: Final = frozenset(
    map(
        code,
        (
            "AE",
            "AS",
            "AT",
            "CS",
            "DA",
            "DS",
            "DT",
            "FD",
            "FL",
            "IS",
            "LO",
            "LT",
            "PN",
            "SH",
            "SL",
            "SS",
            "ST",
            "TM",
            "UI",
            "UL",
            "US",
        ),
    )
)
LONG: Final = frozenset(map(code, ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")))
NAME: Final = {vr: vr.to_bytes(2, "little").decode() for vr in SHORT | LONG}
CODE_OF: Final = {tag: code(vr) for tag, vr in VR_OF.items()}
SQ, UN, OB, OW = map(code, ("SQ", "UN", "OB", "OW"))

_ITEM_HEAD: Final = b"\xfe\xff\x00\xe0"
_EXPLICIT = struct.Struct("<HHHH").unpack_from
_IMPLICIT = struct.Struct("<HHI").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


class NotStrictError(Exception):
    """The bytes are not what the strict walk takes."""


@lru_cache(4096)
def _packer(size: int) -> Callable[..., bytes]:
    return struct.Struct(f"<{size}I{size}H").pack


def unsigned(signature: bytes) -> dict[int, int]:
    """Tag -> VR code, as `Level.signature` has them."""
    size = len(signature) // 6
    both = struct.unpack(f"<{size}I{size}H", signature)
    return dict(zip(both[:size], both[size:], strict=True))


def too_many(most: int) -> RefusalError:
    """The refusal of an instance whose header takes more memory than is given to one."""
    return RefusalError(f"too large: more elements and items than {most}")


@dataclass(slots=True)
class Level:
    """A dataset or an item: where it begins and ends, its elements in ascending order, sequences met on the way."""

    start: int
    end: int
    elements: dict[int, Element]
    items: dict[int, list["Level"]] = field(default_factory=dict)
    delimited: bool = False
    _tags: list[int] = field(default_factory=list)
    _signature: bytes = b""
    spans: tuple[object, list[slice]] = (None, [])
    """Where the values stand that a plan looks at together, and that plan."""
    shared: bool = False
    """Whether it is the level of all datasets of one shape (shapes.py)."""
    takers: dict[tuple[int, ...], Callable[[bytes], tuple[bytes, ...]] | None] = field(default_factory=dict)
    """What takes the values of some tags out of datasets of that shape (header.py)."""

    def signature(self) -> bytes:
        """Its tags, 32 bits each, then their VRs, 16 bits each: what the rules for a dataset hang on."""
        if not self._signature:
            elements, size = self.elements, len(self.elements)
            self._signature = _packer(size)(*elements, *[element[0] for element in elements.values()])
        return self._signature

    def tags(self) -> list[int]:
        """The tags, in order."""
        if not self._tags:
            self._tags = list(self.elements)
        return self._tags

    def place(self, tag: int) -> int:
        """Offset at which `tag` stands or would stand."""
        tags = self.tags()
        found = bisect_left(tags, tag)
        return self.elements[tags[found]][1] if found < len(tags) else self.end


@dataclass(slots=True, frozen=True)
class Walk:
    """An encoded little-endian dataset. All offsets are offsets in `buffer`."""

    buffer: Buffer
    explicit: bool
    _left: list[int] = field(default_factory=lambda: [PARTS_AT_MOST], compare=False, repr=False)
    """One number: how many elements and items may still be met."""

    def dataset(self) -> Level:
        """The whole dataset: its top level, from the first byte of `buffer` to the last.

        Tags ascend, lengths are even and fit (PS3.5 7.1); sequences of undefined length are walked at once, others by
        `items_of`. Offsets are bytes from the beginning of `buffer`. Raises NotStrictError for anything else,
        RefusalError for more elements and items than PARTS_AT_MOST.
        """
        try:
            level = self._level(0, len(self.buffer), 0)
        except struct.error as error:
            raise NotStrictError("cut off") from error
        if level.delimited:
            raise NotStrictError("item delimiter outside a sequence")
        return level

    def items_of(self, level: Level, tag: int, depth: int) -> list[Level]:
        """The items of the sequence `tag` of `level`, in order (PS3.5 7.5); walked once and kept in `level`.

        `depth` counts levels, 0 for the dataset. Raises NotStrictError: not items, nested deeper than DEEPEST.
        """
        if tag not in level.items:
            _, _, value, stop = level.elements[tag]
            try:
                level.items[tag], end = self._items(value, stop, depth)
            except struct.error as error:
                raise NotStrictError("cut off") from error
            if end != stop:
                raise NotStrictError("sequence ends early")
        return level.items[tag]

    def _level(self, pos: int, end: int, depth: int) -> Level:
        if depth > DEEPEST:
            raise NotStrictError("nested too deep")
        return (self._explicit if self.explicit else self._implicit)(pos, end, depth)

    def _explicit(self, pos: int, end: int, depth: int) -> Level:
        buffer, left, last = self.buffer, self._left, -1
        elements: dict[int, Element] = {}
        level = Level(pos, end, elements)
        while pos < end:
            group, number, vr, length = _EXPLICIT(buffer, pos)
            tag = group << 16 | number
            if vr in SHORT:
                value = pos + 8
            elif vr in LONG:
                (length,) = _LENGTH(buffer, pos + 8)
                value = pos + 12
                if vr == UN and CODE_OF.get(tag, UN) != UN:
                    raise NotStrictError("UN where PS3.6 knows better")
                if length == UNDEFINED:
                    length = self._undefined(level, (tag, vr), (value, end), depth) - value
            elif tag == ITEM_END:
                level.end, level.delimited = pos, True
                break
            else:
                raise NotStrictError("unknown VR")
            stop = value + length
            if tag <= last or stop > end or length & 1:
                raise NotStrictError("order, odd length or overrun")
            elements[tag] = (vr, pos, value, stop)
            last, pos = tag, stop
            left[0] -= 1
            if left[0] < 0:
                raise too_many(PARTS_AT_MOST)
        return level

    def _implicit(self, pos: int, end: int, depth: int) -> Level:
        buffer, left, last = self.buffer, self._left, -1
        elements: dict[int, Element] = {}
        level = Level(pos, end, elements)
        while pos < end:
            group, number, length = _IMPLICIT(buffer, pos)
            tag = group << 16 | number
            if tag == ITEM_END:
                level.end, level.delimited = pos, True
                break
            vr, value = CODE_OF.get(tag, UN), pos + 8
            if length == UNDEFINED:
                vr = SQ if vr in (SQ, UN) else vr
                length = self._undefined(level, (tag, vr), (value, end), depth) - value
            elif vr == UN and bytes(buffer[value : value + 4]) == _ITEM_HEAD:
                vr = SQ
            stop = value + length
            if tag <= last or stop > end or length & 1:
                raise NotStrictError("order, odd length or overrun")
            elements[tag] = (vr, pos, value, stop)
            last, pos = tag, stop
            left[0] -= 1
            if left[0] < 0:
                raise too_many(PARTS_AT_MOST)
        return level

    def _undefined(self, level: Level, what: tuple[int, int], span: tuple[int, int], depth: int) -> int:
        """Offset after an element of undefined length: a sequence, or encapsulated pixel data (PS3.5 A.4)."""
        tag, vr = what
        if vr == SQ:
            level.items[tag], stop = self._items(*span, depth + 1)
            return stop
        if vr in (OB, OW) and self.explicit:
            return self._fragments(*span)
        raise NotStrictError("undefined length")

    def _items(self, pos: int, end: int, depth: int) -> tuple[list[Level], int]:
        items: list[Level] = []
        while pos < end:
            group, number, length = _IMPLICIT(self.buffer, pos)
            tag, pos = group << 16 | number, pos + 8
            if tag == SEQUENCE_END:
                return items, pos
            if tag != ITEM or (length != UNDEFINED and pos + length > end):
                raise NotStrictError("not an item")
            item = self._level(pos, end if length == UNDEFINED else pos + length, depth)
            if item.delimited != (length == UNDEFINED):
                raise NotStrictError("item without its delimiter")
            items.append(item)
            pos = item.end + 8 * item.delimited
            self._left[0] -= 1
            if self._left[0] < 0:
                raise too_many(PARTS_AT_MOST)
        return items, pos

    def _fragments(self, pos: int, end: int) -> int:
        while pos < end:
            group, number, length = _IMPLICIT(self.buffer, pos)
            pos += 8
            if (group << 16 | number) == SEQUENCE_END:
                return pos
            if (group << 16 | number) != ITEM or length == UNDEFINED:
                raise NotStrictError("not a fragment")
            pos += length
        raise NotStrictError("pixel data without its end")
