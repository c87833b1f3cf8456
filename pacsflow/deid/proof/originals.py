"""What of an original must be gone: identifying values, UIDs, days and times, found by their tags' bytes alone.

Instances of a series mostly have the same elements at the same places, and most of their values: what was made of those
is remembered.
"""

import re
import struct
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from pacsflow.deid.encoding.dictionary import VR_OF, tag_text
from pacsflow.deid.proof.numbers_told import Numbers, numbers_of
from pacsflow.deid.proof.same_bytes import LARGEST, REMEMBERED, changed, widened
from pacsflow.deid.proof.search_terms import KINDS, Needle, needles, searchable
from pacsflow.deid.proof.spoken import Terms, terms_of
from pacsflow.deid.proof.structure import BINARY, NUMBERS, TEXTS, getter
from pacsflow.deid.proof.structure import leaves as leaves_of
from pacsflow.errors import RefusalError

UIDS: Final = (0x00080018, 0x0020000D, 0x0020000E, 0x00200052)
_CHARSET: Final = 0x00080005
_LONGEST: Final = 1024
_WIDE_VRS: Final = frozenset({b"UC", b"UN", b"UR", b"UT", b"OB", b"OW", b"SQ"})
_KNOWN_VRS: Final = NUMBERS | BINARY | TEXTS
_STRANGE: Final = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_READABLE: Final = re.compile(rb"[0-9A-Za-z\x80-\xff]")
_DATE: Final = re.compile(rb"(?:1[89]|20)[0-9]{6}")
_TIME: Final = re.compile(rb"[0-2][0-9][0-5][0-9][0-6][0-9]")
_EXAM: Final = frozenset({0x0008, 0x0010, 0x0020, 0x0032, 0x0040})
"""Groups that say when an exam was; few, as the search for their tags takes time."""
_DATED: Final = frozenset({"DA", "DT", "TM"})
_TAG_SIZE: Final = 4
_HALF: Final = struct.Struct("<H").unpack_from
_WHOLE: Final = struct.Struct("<I").unpack_from
_NONE: Final = frozenset[bytes]()


def little(tag: int) -> bytes:
    """A tag as it stands in little-endian bytes."""
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF)


@dataclass(frozen=True, eq=False)
class Sought:
    """What is mostly the same in all instances of a series: identifying values and days, ready to be searched for."""

    values: tuple[tuple[int, bytes], ...]
    charset: bytes
    dates: frozenset[bytes]
    needles: tuple[Needle, ...]
    terms: Terms
    numbers: Numbers

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest needle."""
        return len(self.needles[0].text) if self.needles else 0

    @cached_property
    def texts(self) -> tuple[bytes, ...]:
        """The bytes of all needles."""
        return tuple(needle.text for needle in self.needles)


class Originals(NamedTuple):
    """What of one original must be gone. `times` are times of day to the second, HHMMSS."""

    sought: Sought
    uids: frozenset[bytes]
    times: frozenset[bytes]


@lru_cache(1024)
def _sought(values: tuple[tuple[int, bytes], ...], charset: bytes, dates: frozenset[bytes]) -> Sought:
    return Sought(
        values, charset, dates, needles(values, charset), terms_of(values, dates, charset), numbers_of(values, dates)
    )


class _Layout(NamedTuple):
    """Where values of some tags stand: the heads of their elements, and what takes the values."""

    heads: Callable[[bytes], tuple[bytes, ...]]
    said: tuple[bytes, ...]
    settled: Callable[[bytes], tuple[bytes, ...]]
    """Values that are mostly the same in a series: identifying ones, days, the character set."""
    passing: Callable[[bytes], tuple[bytes, ...]]
    """UIDs and times."""
    uids: int
    """How many of `passing` are UIDs."""
    known: dict[tuple[bytes, ...], Sought]


class Finder:
    """Finds the values of `hidden` tags. `moved`: true days and times too. Threads may share it."""

    def __init__(self, hidden: Collection[int], *, moved: bool) -> None:
        dated = [tag for tag in hidden if moved and VR_OF.get(tag) in _DATED and tag >> 16 in _EXAM]
        wanted = [*(tag for tag in (*KINDS, *UIDS) if tag in hidden), *dated, _CHARSET]
        self._wanted = {little(tag): tag for tag in wanted}
        self._search = _any_of(self._wanted).search
        self._before: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        self._layouts: dict[tuple[bool, int, tuple[int, ...]], _Layout] = {}

    def __call__(self, data: bytes, *, explicit: bool) -> Originals:
        """What is in a dataset, wherever the tags' bytes stand.

        A place that is one by chance only makes the search wider. Raises RefusalError for a value that is there and
        cannot be searched for.
        """
        places = self._places(data)
        key = (explicit, len(data), places)
        layout = self._layouts.get(key)
        if layout is None or layout.heads(data) != layout.said:
            layout = self._layout(data, places, explicit=explicit)
            if len(self._layouts) >= REMEMBERED:
                self._layouts.clear()
            self._layouts[key] = layout
        settled = layout.settled(data)
        sought = layout.known.get(settled)
        if sought is None:
            found = self._found(data, places, explicit=explicit)
            sought = _sought(tuple(found.values), found.charset, frozenset(found.dates))
            if (explicit or not found.strange) and len(layout.known) < REMEMBERED:
                layout.known[settled] = sought
        passing = layout.passing(data)
        told = [_day_and_time(value) for value in passing[layout.uids :]]
        if any(not days <= sought.dates for days, _ in told):
            sought = _sought(sought.values, sought.charset, sought.dates.union(*(days for days, _ in told)))
        uids = frozenset(filter(None, map(_uid, passing[: layout.uids])))
        return Originals(sought, uids, _NONE.union(*(times for _, times in told)))

    def _places(self, data: bytes) -> tuple[int, ...]:
        """Where the tags' bytes stand, those within others too; what is as before is not searched again."""
        old, known = self._before.get(len(data), (b"", ()))
        spans = changed(old, data)
        if spans is None:
            places = tuple(self._all(data, (0, len(data))))
        else:
            places, kept = (), 0
            for start, stop in widened(spans, _TAG_SIZE - 1, len(data)):
                first = bisect_left(known, start, kept)
                places += known[kept:first] + tuple(self._all(data, (start, stop)))
                kept = bisect_left(known, stop - _TAG_SIZE + 1, first)
            places += known[kept:]
        if len(data) <= LARGEST:
            if len(self._before) >= REMEMBERED:
                self._before.clear()
            self._before[len(data)] = (data, places)
        return places

    def _all(self, data: bytes, span: tuple[int, int]) -> Iterator[int]:
        match = self._search(data, *span)
        while match:
            place = match.start()
            yield place
            match = self._search(data, place + 1, span[1])

    def _layout(self, data: bytes, places: Sequence[int], *, explicit: bool) -> _Layout:
        heads: list[slice] = []
        settled: list[slice] = []
        uids: list[slice] = []
        times: list[slice] = []
        for place in places:
            tag, (start, stop) = self._wanted[data[place : place + _TAG_SIZE]], _span(data, place, explicit=explicit)
            heads.append(slice(place, start))
            if start < stop:
                (uids if tag in UIDS else times if VR_OF[tag] in ("DT", "TM") else settled).append(slice(start, stop))
        takes = getter(heads)
        return _Layout(takes, takes(data), getter(settled), getter([*uids, *times]), len(uids), {})

    def _found(self, data: bytes, places: Sequence[int], *, explicit: bool) -> "_Found":
        found = _Found()
        for place in places:
            start, stop = _span(data, place, explicit=explicit)
            if start < stop:
                found.add(self._wanted[data[place : place + _TAG_SIZE]], data[start:stop], place)
        for tag, value, pos in found.strange:
            if _really(data, pos, tag, explicit=explicit):
                if not searchable(value, found.charset):
                    raise RefusalError(
                        f"verification: {tag_text(tag)} holds what cannot be searched for",
                        fix="have the value corrected where the image is from",
                    )
                found.values[tag, value] = None
        return found


@dataclass
class _Found:
    """What was met on the way through an original; `strange` values may stand there by chance."""

    values: dict[tuple[int, bytes], None] = field(default_factory=dict)
    strange: list[tuple[int, bytes, int]] = field(default_factory=list)
    dates: set[bytes] = field(default_factory=set)
    charset: bytes = b""

    def add(self, tag: int, value: bytes, pos: int) -> None:
        """A value of the tag that stands at `pos`."""
        if tag in KINDS:
            if len(value) > _LONGEST or _STRANGE.search(value) or not _READABLE.search(value):
                self.strange.append((tag, value, pos))
            else:
                self.values[tag, value] = None
        elif tag == _CHARSET:
            self.charset = self.charset or value
        elif tag not in UIDS:
            self.dates |= _day_and_time(value)[0]


@lru_cache(8192)
def _day_and_time(value: bytes) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """Days (YYYYMMDD) and times (HHMMSS) of a value of VR DA, DT or TM; whole hours are told everywhere."""
    days, times = set[bytes](), set[bytes]()
    for part in value.split(b"\\") if len(value) <= _LONGEST else ():
        day = _DATE.match(part)
        days.update([day[0]] if day else [])
        if (time := _TIME.match(part, day.end() if day else 0)) and not time[0].endswith(b"0000"):
            times.add(time[0])
    return frozenset(days), frozenset(times)


@lru_cache(8192)
def _uid(value: bytes) -> bytes:
    """A UID without padding; nothing where the value can be none."""
    return b"" if _STRANGE.search(value, 0, len(value) - 1) or len(value) > _LONGEST else value.strip(b" \0")


def _really(data: bytes, pos: int, tag: int, *, explicit: bool) -> bool:
    """Whether an element of this tag stands at `pos`: its VR says so, or the structure."""
    if explicit:
        return data[pos + 4 : pos + 6] in _KNOWN_VRS
    try:
        return any(leaf.tag == tag and leaf.start == pos + 8 for leaf in leaves_of(data, explicit=explicit))
    except RefusalError:
        return True


def _any_of(patterns: Collection[bytes]) -> re.Pattern[bytes]:
    """One search for many tags, told apart by group first, then by one set of bytes: several times faster."""
    groups: dict[tuple[bytes, bytes], list[bytes]] = {}
    for pattern in patterns:
        groups.setdefault((pattern[:2], pattern[3:]), []).append(pattern[2:3])
    by_group: dict[bytes, list[bytes]] = {}
    for (group, high), lows in groups.items():
        by_group.setdefault(group, []).append(b"[" + b"".join(map(re.escape, lows)) + b"]" + re.escape(high))
    alternatives = (re.escape(group) + b"(?:" + b"|".join(rest) + b")" for group, rest in by_group.items())
    return re.compile(b"|".join(alternatives), re.DOTALL)


def _span(data: bytes, pos: int, *, explicit: bool) -> tuple[int, int]:
    """Where the value of an element whose tag stands at `pos` begins and ends; nowhere if it would not end within."""
    if pos + 8 > len(data):
        return len(data), len(data)
    if not explicit:
        start, size = pos + 8, _WHOLE(data, pos + 4)[0]
    elif data[pos + 4 : pos + 6] in _WIDE_VRS:
        if pos + 12 > len(data):
            return len(data), len(data)
        start, size = pos + 12, _WHOLE(data, pos + 8)[0]
    else:
        start, size = pos + 8, _HALF(data, pos + 6)[0]
    return (start, start + size) if size <= len(data) - start else (start, start)
