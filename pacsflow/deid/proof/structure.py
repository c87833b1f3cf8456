"""A finished dataset read once more, by code that shares nothing with the cleaner's walk (PS3.5 7.1, 7.5, 7.8)."""

import struct
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.encoding.dictionary import CREATORS, VR_OF, PrivateTag, tag_text
from pacsflow.errors import RefusalError

_WIDE: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_OPEN: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_ITEM_HEAD: Final = b"\xfe\xff\x00\xe0"
_HEAD_SIZE: Final = 8
_OPAQUE: Final = frozenset({b"OB", b"OW", b"UN"})
_INSTANCE: Final = 0x00080018
_ODD: Final = 0x10000
TEXTS: Final = frozenset({b"AE", b"CS", b"LO", b"LT", b"PN", b"SH", b"ST", b"UC", b"UN", b"UR", b"UT"})
"""VRs that may hold what people write."""
NUMBERS: Final = frozenset(
    {b"AS", b"AT", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"SL", b"SS", b"TM", b"UI", b"UL", b"US"}
)
BINARY: Final = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SV", b"UV"})
TIMED: Final = frozenset({b"DA", b"DT", b"TM", b"UI"})
"""VRs in which days and times are the new ones."""
_FIRST_PRIVATE: Final = 0x100
_FIRST_BLOCK: Final = 0x1000
"""Lower ones are of no creator, and reserved (PS3.5 7.8.1)."""
_REMEMBERED: Final = 512
_PIECES: Final = 4096
_SHORT = struct.Struct("<HH2sH").unpack_from
_LONG = struct.Struct("<I").unpack_from
_PLAIN = struct.Struct("<HHI").unpack_from


Path = tuple[int, ...]


class Leaf(NamedTuple):
    """An element that is not a sequence: tag, VR (two letters), where its value begins and ends.

    `path` leads to it: tag of a sequence and number of the item, again and again, then its own tag.
    """

    tag: int
    vr: bytes
    start: int
    stop: int
    path: Path = ()


def check_structure(data: bytes, *, explicit: bool, allowed: AbstractSet[PrivateTag]) -> bytes:
    """The value of (0008,0018) of an encoded little-endian dataset whose structure is legal.

    Raises RefusalError `verification: …` for tags that do not ascend, lengths that do not fit, and private elements
    that are not allowed, at any depth.
    """
    reader = _Reader(data, explicit=explicit, allowed=allowed)
    reader.whole()
    return reader.instance


class Checked(NamedTuple):
    """A legal structure: the value of (0008,0018), all elements that are not sequences, and those of some VRs."""

    instance: bytes
    leaves: Sequence[Leaf]
    texts: Callable[[bytes], tuple[bytes, ...]]
    """The values of elements that hold text, of the bytes themselves."""
    rest: Callable[[bytes], tuple[bytes, ...]]
    """Everything but the values of dates, times and UIDs."""


class Structures:
    """check_structure for many datasets: those with the headers of one that was legal, at its places, are as legal.

    Remembers tags, VRs, lengths and private creators, never another value. Threads may share it.
    """

    def __init__(self, allowed: AbstractSet[PrivateTag]) -> None:
        self._allowed = allowed
        self._legal: dict[int, _Legal | None] = {}

    def check(self, data: bytes, *, explicit: bool) -> Checked:
        """Where the elements of `data`, an encoded little-endian dataset, stand; offsets in bytes.

        Equal to what a first reading gives, whatever was read before. Raises RefusalError as `check_structure`.
        """
        legal = self._legal.get(len(data)) if explicit else None
        if legal and _at(legal.places, data) == legal.said and data.count(_ITEM_HEAD) == legal.items:
            _, leaves, texts, rest = legal.checked
            return Checked(data[legal.instance], leaves, texts, rest)
        found: list[Leaf] = []
        again = explicit and len(data) in self._legal
        reader = _Reader(data, explicit=explicit, allowed=self._allowed, report=found.append)
        reader.whole()
        checked = _checked(data, found, reader.instance)
        if len(self._legal) >= _REMEMBERED:
            self._legal.clear()
        self._legal[len(data)] = _legal(data, checked) if again else None
        return checked


class _Legal(NamedTuple):
    """A dataset whose structure was legal: all of it but values, how many items that is, where its UID stands."""

    places: NDArray[np.intp]
    said: bytes
    items: int
    instance: slice
    checked: Checked


def _checked(data: bytes, found: Sequence[Leaf], instance: bytes) -> Checked:
    texts = [slice(leaf.start, leaf.stop) for leaf in found if leaf.vr in TEXTS]
    timed = [leaf for leaf in found if leaf.vr in TIMED]
    starts, stops = [0, *(leaf.stop for leaf in timed)], [*(leaf.start for leaf in timed), len(data)]
    return Checked(instance, found, getter(texts), getter([slice(*span) for span in zip(starts, stops, strict=True)]))


def getter(pieces: Sequence[slice]) -> Callable[[bytes], tuple[bytes, ...]]:
    """What takes these slices of bytes; two at least, so that it gives a tuple."""
    return itemgetter(*pieces, *[slice(0, 0)] * max(0, 2 - len(pieces)))


def _legal(data: bytes, checked: Checked) -> _Legal | None:
    values = [leaf for leaf in checked.leaves if not (leaf.tag & _ODD and leaf.tag & 0xFFFF < _FIRST_PRIVATE)]
    uid = next((leaf for leaf in values if leaf.tag == _INSTANCE and leaf.start < leaf.stop), None)
    starts, stops = [0, *(leaf.stop for leaf in values)], [*(leaf.start for leaf in values), len(data)]
    pieces = [slice(*span) for span in zip(starts, stops, strict=True) if span[0] < span[1]]
    if uid is None or not 1 < len(pieces) <= _PIECES:
        return None
    items = sum(data[piece].count(_ITEM_HEAD) for piece in pieces)
    places = np.concatenate([np.arange(piece.start, piece.stop) for piece in pieces])
    return _Legal(places, _at(places, data), items, slice(uid.start, uid.stop), checked)


def _at(places: NDArray[np.intp], data: bytes) -> bytes:
    return np.frombuffer(data, np.uint8)[places].tobytes()


def leaves(data: bytes, *, explicit: bool) -> list[Leaf]:
    """All elements that are not sequences, top level and nested, in order."""
    found: list[Leaf] = []
    _Reader(data, explicit=explicit, allowed=None, report=found.append).whole()
    return found


class _Reader:
    """Reads a dataset once. `allowed` None: private elements are not looked at."""

    def __init__(
        self,
        data: bytes,
        *,
        explicit: bool,
        allowed: AbstractSet[PrivateTag] | None,
        report: Callable[[Leaf], None] | None = None,
    ) -> None:
        self.instance = b""
        self._data = data
        self._explicit = explicit
        self._allowed = allowed
        self._report = report

    def whole(self) -> None:
        try:
            end = self._level(0, len(self._data), ())
        except struct.error:
            end = -1
        if end != len(self._data):
            raise RefusalError("verification: not a whole dataset")

    def _level(self, pos: int, end: int, path: Path) -> int:  # noqa: C901 - one loop, no calls, for speed
        data, explicit, last = self._data, self._explicit, -1
        creators: dict[int, str] = {}
        while pos < end:
            if explicit:
                group, number, vr, size = _SHORT(data, pos)
                start = pos + 8
                if vr in _WIDE:
                    (size,) = _LONG(data, start)
                    start += 4
            else:
                group, number, size = _PLAIN(data, pos)
                vr, start = b"", pos + 8
            tag = group << 16 | number
            if tag == _ITEM_END:
                return pos
            if tag <= last:
                raise RefusalError(f"verification: tags out of order at {tag_text(tag)}")
            last = tag
            if tag & _ODD and self._allowed is not None:
                self._private(tag, creators, data[start : start + size])
            if vr == b"SQ" or size == _OPEN or (not explicit and self._implied(tag, start, size)):
                pos = self._sequence(start, end if size == _OPEN else start + size, (*path, tag))
                continue
            pos = start + size
            if size >= _HEAD_SIZE and data.startswith(_ITEM_HEAD, start) and vr not in _OPAQUE:
                raise RefusalError(f"verification: items hidden in {tag_text(tag)}")
            if tag == _INSTANCE:
                self.instance = self.instance or data[start:pos]
            if self._report:
                self._report(Leaf(tag, vr or VR_OF.get(tag, "UN").encode(), start, pos, (*path, tag)))
        return pos

    def _implied(self, tag: int, start: int, size: int) -> bool:
        """Whether an element without a VR is a sequence: PS3.6 says so, or it is private and begins with an item."""
        items = size >= _HEAD_SIZE and self._data.startswith(_ITEM_HEAD, start)
        return VR_OF.get(tag) == "SQ" or (bool(tag & _ODD) and items)

    def _sequence(self, pos: int, end: int, path: Path) -> int:
        place = -1
        while pos < end:
            place += 1
            group, number, size = _PLAIN(self._data, pos)
            tag = group << 16 | number
            pos += 8
            if tag == _END:
                return pos
            if tag != _ITEM:
                raise RefusalError("verification: not an item")
            stop = self._level(pos, end if size == _OPEN else pos + size, (*path, place))
            if size != _OPEN and stop != pos + size:
                raise RefusalError("verification: item of another length")
            pos = stop + 8 * (size == _OPEN)
        return pos

    def _private(self, tag: int, creators: dict[int, str], value: bytes) -> None:
        number = tag & 0xFFFF
        if number in CREATORS:
            creators[number] = value.decode("latin-1").strip(" \0")
        elif number < _FIRST_BLOCK or (tag >> 16, creators.get(number >> 8, ""), number & 0xFF) not in (
            self._allowed or ()
        ):
            raise RefusalError(f"verification: private element {tag_text(tag)}")
