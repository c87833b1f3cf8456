"""A finished dataset read anew, by code that shares nothing with the cleaner's walk (PS3.5 7.1, 7.5, 7.8)."""

from collections.abc import Collection
from typing import Final, NamedTuple

from pacsflow.deid.dictionary import VR_OF, PrivateTag, tag_text
from pacsflow.errors import RefusalError

_WIDE: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_OPEN: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD


class Leaf(NamedTuple):
    """An element that is not a sequence: tag, VR (two letters), where its value begins and ends."""

    tag: int
    vr: bytes
    start: int
    stop: int


class Structure:
    """Leaves of an encoded little-endian dataset, top level and nested, in order.

    Raises RefusalError `verification: …` for tags that do not ascend and private elements that no set allows.
    """

    def __init__(self, data: bytes, *, explicit: bool, allowed: Collection[PrivateTag]) -> None:
        self.leaves: list[Leaf] = []
        self._data = data
        self._explicit = explicit
        self._allowed = allowed
        end = self._level(0, len(data))
        if end != len(data):
            raise RefusalError("verification: not a whole dataset")

    def _level(self, pos: int, end: int) -> int:
        data, explicit, leaves = self._data, self._explicit, self.leaves
        last = -1
        creators: dict[int, str] = {}
        while pos < end:
            tag = data[pos + 1] << 24 | data[pos] << 16 | data[pos + 3] << 8 | data[pos + 2]
            if tag == _ITEM_END:
                return pos
            vr = data[pos + 4 : pos + 6] if explicit else VR_OF.get(tag, "UN").encode()
            if explicit and vr not in _WIDE:
                start = pos + 8
                size = data[pos + 6] | data[pos + 7] << 8
            else:
                start = pos + 12 if explicit else pos + 8
                size = int.from_bytes(data[start - 4 : start], "little")
            if tag <= last:
                raise RefusalError(f"verification: tags out of order at {tag_text(tag)}")
            if tag & 0x10000:
                self._private(tag, creators, data[start : start + size])
            if size == _OPEN or vr == b"SQ":
                pos = self._sequence(start, end if size == _OPEN else start + size)
            else:
                pos = start + size
                leaves.append(Leaf(tag, vr, start, pos))
            last = tag
        return pos

    def _sequence(self, pos: int, end: int) -> int:
        data = self._data
        while pos < end:
            tag = data[pos + 1] << 24 | data[pos] << 16 | data[pos + 3] << 8 | data[pos + 2]
            size = int.from_bytes(data[pos + 4 : pos + 8], "little")
            pos += 8
            if tag == _END:
                return pos
            if tag != _ITEM:
                raise RefusalError("verification: not an item")
            stop = self._level(pos, end if size == _OPEN else pos + size)
            if size != _OPEN and stop != pos + size:
                raise RefusalError("verification: item of another length")
            pos = stop + 8 * (size == _OPEN)
        return pos

    def _private(self, tag: int, creators: dict[int, str], value: bytes) -> None:
        number = tag & 0xFFFF
        if number < 0x100:  # noqa: PLR2004 - PS3.5 7.8.1: private creators
            creators[number] = value.decode("latin-1").strip(" \0")
        elif (tag >> 16, creators.get(number >> 8, ""), number & 0xFF) not in self._allowed:
            raise RefusalError(f"verification: private element {tag_text(tag)}")
