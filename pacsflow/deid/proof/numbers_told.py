"""Identifiers that stand as numbers: ids and days in DS, IS and binary values, names as arrays of letters' numbers.

A search of bytes finds none of them: 774411 is `7.74411E5` in a DS and four other bytes in a UL.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

from pacsflow.deid.encoding.days import day_of
from pacsflow.deid.proof.search_terms import KINDS, names, readable
from pacsflow.deid.proof.structure import Leaf

WRITTEN: Final = frozenset({b"DS", b"IS"})
_BINARY: Final = frozenset(
    {b"FD", b"FL", b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SL", b"SS", b"SV", b"UL", b"UN", b"US", b"UV"}
)
_LONGEST: Final = 1024
"""Bytes of a value that somebody may have put a number or a name into; longer ones are measured, or pictures."""
_LEAST: Final = 100_000
_SHORT_NAME: Final = 4
_SECONDS: Final = 86400
_FIRST_SECONDS: Final = 100_000_000
"""Seconds since 1970 below which a number is a measure by chance: days before March 1973 are not searched so."""
_COUNTS: Final = {
    b"FD": ("<d", 8),
    b"FL": ("<f", 4),
    b"UL": ("<I", 4),
    b"SL": ("<i", 4),
    b"UV": ("<Q", 8),
    b"SV": ("<q", 8),
}
_SPLIT: Final = re.compile(rb"[\\ \0]+")
_LONG_DIGITS: Final = re.compile(rb"(?:[0-9][.]?){6,}")
_LONGEST_TEXT: Final = 24
_LEAST_TEXT, _LEAST_BYTES = 6, 4
_PIECES: Final = 4
"""Values that the digits of one number may be cut into."""
_BETWEEN: Final = b"\xff" * 8


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Numbers:
    """What must not be told: whole numbers, the seconds of days, parts of days one after the other, bytes."""

    whole: frozenset[int]
    seconds: tuple[int, ...]
    parts: frozenset[tuple[int, int, int]]
    packed: tuple[bytes, ...]
    years: frozenset[bytes]
    """The parts as text."""


@lru_cache(1024)
def numbers_of(values: tuple[tuple[int, bytes], ...], dates: frozenset[bytes]) -> Numbers:
    """Of (tag, encoded value) pairs, and of encoded days that must be gone."""
    whole, days, words = set[int](), set[date](), set[str]()
    for tag, value in values:
        for text in (part.decode("latin-1") for part in readable(value)):
            if KINDS[tag] == "birth date":
                days.update([day] if (day := day_of(text)) else [])
            elif KINDS[tag] == "id":
                whole.update(int(run) for run in re.findall(r"[0-9]{6,18}", text))
            elif KINDS[tag] == "name":
                words.update(word for word in names(text) if len(word) >= _SHORT_NAME and word.isascii())
    days.update(day for each in dates if (day := day_of(each.decode("latin-1"))))
    whole = {each for each in whole if each >= _LEAST} | {int(f"{day:%Y%m%d}") for day in days}
    starts = (int(datetime(*day.timetuple()[:3], tzinfo=UTC).timestamp()) for day in days)
    seconds = tuple(sorted(start for start in starts if start >= _FIRST_SECONDS))
    parts = frozenset(order for day in days for order in _orders(day))
    packed = {bytes_of for number in whole for bytes_of in _packed(number)}
    packed |= {struct.pack("<3H", *order) for order in parts}
    packed |= {form for word in words for form in _spelled(word)}
    years = frozenset(str(each).encode() for order in parts for each in order)
    return Numbers(frozenset(whole), seconds, parts, tuple(sorted(packed)), years)


def _orders(day: date) -> tuple[tuple[int, int, int], ...]:
    return ((day.year, day.month, day.day), (day.day, day.month, day.year), (day.month, day.day, day.year))


def _packed(number: int) -> Iterator[bytes]:
    """A number as UL, UV, FL and FD have it, as far as it is one there."""
    if number < 1 << 32:
        yield struct.pack("<I", number)
    if number < 1 << 24:
        yield struct.pack("<f", number)
    yield from (struct.pack("<Q", number), struct.pack("<d", number))


def _spelled(word: str) -> Iterator[bytes]:
    """A word as an array of its letters' numbers, or of letters with the bytes of each pair changed."""
    for form in {word, word.lower(), word.upper(), word.capitalize()}:
        letters = form.encode("ascii")
        yield form.encode("utf-16-be")
        yield form.encode("utf-32-le")
        yield from (struct.pack(f"<{len(letters)}{kind}", *letters) for kind in "fdQ")
        for start in (0, 1):
            pairs = letters[start : start + (len(letters) - start) // 2 * 2]
            if len(pairs) > _SHORT_NAME:
                yield b"".join(pairs[at : at + 2][::-1] for at in range(0, len(pairs), 2))


def told_in(values: Sequence[tuple[Leaf, bytes]], numbers: Numbers) -> Leaf | None:
    """The first of `counted` elements, each with its value, that tells one of the numbers; None: none does."""
    together = _BETWEEN.join([value for leaf, value in values if leaf.vr not in WRITTEN])
    packed = [each for each in numbers.packed if each in together]
    counts = [(leaf, value) for leaf, value in values if leaf.vr in _COUNTS] if numbers.seconds else []
    for leaf, value in counts:
        if any(_in_a_day(count, numbers) for count in _large(leaf.vr, value)):
            return leaf
    for leaf, value in values:
        if _written(value, numbers) if leaf.vr in WRITTEN else any(each in value for each in packed):
            return leaf
    return None


@lru_cache(8192)
def _large(vr: bytes, value: bytes) -> tuple[float, ...]:
    """The numbers of a binary value that may count seconds since 1970."""
    form, size = _COUNTS[vr]
    whole = value[: len(value) // size * size]
    return tuple(each for (each,) in struct.iter_unpack(form, whole) if each >= _FIRST_SECONDS)


def _in_a_day(number: float, numbers: Numbers) -> bool:
    """Whether seconds since 1970, or thousandths or millionths of them, lie within one of the days."""
    return any(0 <= number / scale - start < _SECONDS for start in numbers.seconds for scale in (1, 1000, 1_000_000))


def counted(leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The elements that may tell a number: those of text, and binary ones that are not long."""
    return tuple(leaf for leaf in leaves if _may_tell(leaf.vr, leaf.stop - leaf.start))


def _may_tell(vr: bytes, size: int) -> bool:
    if vr in WRITTEN:
        return size >= _LEAST_TEXT
    return vr in _BINARY and _LEAST_BYTES <= size <= _LONGEST


@lru_cache(16384)
def _written(value: bytes, numbers: Numbers) -> bool:
    texts = [text for text in _SPLIT.split(value) if text]
    if len(texts) > 2 and not numbers.years.isdisjoint(texts):  # noqa: PLR2004
        for at in range(len(texts) - 2):
            if _triple(texts[at : at + 3]) in numbers.parts:
                return True
    return _in_pieces(texts, numbers) or any(_tells(text, numbers) for text in texts if _LONG_DIGITS.search(text))


def _in_pieces(texts: Sequence[bytes], numbers: Numbers) -> bool:
    """Whether the digits of a number are cut into several values."""
    pieces = 1 < len(texts) <= _PIECES and all(text.isdigit() and len(text) > 1 for text in texts)
    return pieces and int(b"".join(texts)) in numbers.whole


def _triple(texts: Sequence[bytes]) -> tuple[int, ...]:
    return tuple(int(text) if text.isdigit() and len(text) <= 4 else 0 for text in texts)  # noqa: PLR2004


def _tells(text: bytes, numbers: Numbers) -> bool:
    try:
        number = abs(float(text[:_LONGEST_TEXT]))
    except ValueError:
        return False
    return number in numbers.whole or _in_a_day(number, numbers)
