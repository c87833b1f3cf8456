"""Proof on the finished bytes, by other code than the cleaner's: nothing of the patient is left.

The original's identifying values are found by searching its bytes for their tags, not by walking it. They are then
searched in everything that will be written but the pixel data.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pacsflow.deid.encoding.dictionary import CREATORS, PrivateTag, tag_text
from pacsflow.deid.encoding.implementation import IMPLEMENTATION, IMPLEMENTATION_UID
from pacsflow.deid.proof.numbers_told import Numbers, counted, told_in
from pacsflow.deid.proof.originals import Finder, Originals
from pacsflow.deid.proof.proved import Proved
from pacsflow.deid.proof.same_bytes import LARGEST, REMEMBERED
from pacsflow.deid.proof.search_terms import Needle
from pacsflow.deid.proof.spoken import UID, Term, Terms
from pacsflow.deid.proof.structure import BINARY, NUMBERS, TEXTS, TIMED, Checked, Leaf, Path, Structures
from pacsflow.deid.vocabulary import VENDORS, WELL_KNOWN, vocabulary
from pacsflow.errors import RefusalError

_MARKING: Final = range(0x00120062, 0x00120065)
_MANUFACTURER: Final = 0x00080070
_TERMS: Final = frozenset({0x00081090, 0x00080100, 0x00080102, 0x00080104, 0x00080103, 0x00080105})
"""The model, and what codes consist of: words there may also be somebody's name."""
_ODD: Final = 0x10000
_DIGITS: Final = re.compile(rb"[\x000-9 .:/-]*")
_BY_CHANCE: Final = 5
"""So many letters may stand between other bytes by chance."""
_KNOWN_UIDS: Final = frozenset(uid.encode() for uid in WELL_KNOWN)
_DAY: Final = 8
_METHOD_CODES: Final = 0x00120064
_CODE_VALUE: Final = 0x00080100
_METHOD_CODE: Final = re.compile(rb"1131(?:0[0-9]|1[0-2])[ \0]*")
"""A code of CID 7050: a study at 11:31:00 has the same digits."""
_OUR_META: Final = IMPLEMENTATION.lower().encode() + IMPLEMENTATION_UID.encode()


class LeftoverError(RefusalError):
    """A value of the patient's is left in the element that `path` leads to; empty: between elements, or `where`."""

    def __init__(self, path: Path, *, uid: bool = False, where: str = "the structure") -> None:
        where = tag_text(path[-1]) if path else where
        super().__init__(
            "verification: original UID remains" if uid else f"verification: original value remains in {where}",
            fix="add a rule for this element under `elements:` in deid.yaml",
        )
        self.path = path


@dataclass(frozen=True)
class Finished:
    """What will be written, but the pixel data: file meta information, dataset before and behind the pixel data."""

    meta: bytes
    head: bytes
    behind: bytes
    explicit: bool


class Verifier:
    """Checks finished instances of one profile. `hidden` are the tags whose values must be gone.

    `moved`: true days and times must be gone, too. `ours` is what our own marking says, in lower case.
    """

    def __init__(
        self, hidden: Collection[int], allowed: Collection[PrivateTag], *, moved: bool = False, ours: bytes = b""
    ) -> None:
        self._originals = Finder(hidden, moved=moved)
        self._structures = Structures(frozenset(allowed))
        self._ours = ours
        self._quiet: Callable[[Terms, tuple[bytes, ...]], tuple[tuple[int, Term], ...]] = lru_cache(2048)(_told)
        self._proved: dict[int, Proved] = {}
        self._counts: dict[int, tuple[Sequence[Leaf], tuple[Leaf, ...]]] = {}

    def check(self, original: bytes, finished: Finished) -> None:
        """Raise RefusalError `verification: …` where something of the patient, or of the rules, is left.

        `original` is the source's dataset before its pixel data.
        """
        behind = self._structures.check(finished.behind, explicit=finished.explicit) if finished.behind else None
        head = self._structures.check(finished.head, explicit=finished.explicit)
        uid = head.instance
        if not uid or b"\x02\0\x03\0UI" + struct.pack("<H", len(uid)) + uid not in finished.meta:
            raise RefusalError("verification: file meta information names another instance")
        found = self._originals(original, explicit=finished.explicit)
        for part, checked in ((finished.head, head), (finished.behind, behind)):
            if checked is not None:
                self._part(part, checked, found)
                for uid in found.uids:
                    if uid in part:
                        _judge_uid(uid, part, checked.leaves)
        _meta(finished.meta, found)

    def envelope(self, original: Callable[[], bytes], *, explicit: bool) -> Callable[[bytes], None]:
        """A search for the original's values in bytes of the pixel data that are not a picture.

        It raises RefusalError `verification: …`. `original` gives what `check` is given.
        """
        wanted: list[bytes] = []

        def search(said: bytes) -> None:
            if not wanted:
                found = self._originals(original(), explicit=explicit)
                texts = (needle.text for needle in found.sought.needles)
                told = (*texts, *found.uids - _KNOWN_UIDS, *found.sought.dates)
                wanted.extend([b"", *(text for text in told if len(text) > _BY_CHANCE)])
            hay = said.lower()
            if any(text in hay for text in wanted[1:]):
                raise LeftoverError((), where="the pixel data")

        return search

    def _part(self, part: bytes, checked: Checked, found: Originals) -> None:
        """Raise LeftoverError for a value, a day, a time or a number that is left in one part of an instance."""
        before = self._proved.get(len(part))
        alike = before and before.leaves is checked.leaves and before.sought is found.sought
        if before and alike and self._as_before(part, checked, found, before):
            self._proved[len(part)] = Proved(part, before.leaves, before.sought, found.times, before.known)
            return
        self._bytes(part, checked.leaves, found.sought.needles)
        told = self._texts(part, checked, found)
        _timed(part, checked, found.sought.dates, found.times)
        _numbers(part, self._counted_in(len(part), checked.leaves), found.sought.numbers)
        if len(part) <= LARGEST and not told:
            if len(self._proved) >= REMEMBERED:
                self._proved.clear()
            self._proved[len(part)] = Proved(part, checked.leaves, found.sought, found.times, {})

    def _as_before(self, part: bytes, checked: Checked, found: Originals, before: Proved) -> bool:
        """Whether nothing stands where the bytes are others than before, or close by; False: all is to be searched.

        Raises LeftoverError for a time that was not sought before, wherever it stands.
        """
        near, sought = before.near(part), found.sought
        if near is None:
            return False
        hay = b"\n".join(near.around(part)).lower()
        if any(map(hay.__contains__, sought.texts)) or self._quiet(sought.terms, near.texts(part)):
            return False
        hay = b"\n".join(near.untimed(part))
        if any(map(hay.__contains__, sought.dates)) or any(
            time in hay for each in found.times for time in _spelled(each)
        ):
            return False
        if near.counted and told_in(list(zip(near.counted, near.numbers(part), strict=False)), sought.numbers):
            return False
        if new := found.times - before.times:
            _timed(part, checked, (), new)
        return True

    def _counted_in(self, size: int, leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
        """The elements that may tell a number; remembered for datasets whose elements stand at the same places."""
        before = self._counts.get(size)
        if before is None or before[0] is not leaves:
            if len(self._counts) >= REMEMBERED:
                self._counts.clear()
            before = self._counts[size] = (leaves, counted(leaves))
        return before[1]

    def _bytes(self, part: bytes, leaves: Sequence[Leaf], wanted: Sequence[Needle]) -> None:
        hay = part.lower()
        for needle in wanted:
            if needle[0] in hay:
                _judge(needle, hay, leaves, self._ours)

    def _texts(self, part: bytes, checked: Checked, found: Originals) -> bool:
        """The same in decoded text, of which instances of a series mostly have the same: it is remembered.

        Whether something stands there that is harmless in this instance.
        """
        told = self._quiet(found.sought.terms, checked.texts(part))
        if not told:
            return False
        texts = [leaf for leaf in checked.leaves if leaf.vr in TEXTS]
        for number, term in told:
            leaf = texts[number]
            if term.form == UID:
                if term.text.encode() in found.uids:
                    raise LeftoverError(leaf.path, uid=True)
            elif not ordinary(leaf, term.text, self._ours):
                raise LeftoverError(leaf.path)
        return True


def _told(terms: Terms, values: tuple[bytes, ...]) -> tuple[tuple[int, Term], ...]:
    """Number of the value, and the term that stands in it."""
    return tuple((number, term) for number, value in enumerate(values) if value for term in terms.told_in(value))


def _timed(part: bytes, checked: Checked, dates: Collection[bytes], times: Collection[bytes]) -> None:
    """Raise LeftoverError where a true day, or a time to the second, stands in what is not a date, time or UID."""
    hits = [day for day in dates if day in part]
    if times:
        hay = b"\n".join(checked.rest(part))
        hits += [time for each in times for time in _spelled(each) if time in hay]
    for leaf in checked.leaves if hits else ():
        value = part[leaf.start : leaf.stop]
        if leaf.vr in TIMED or (_is_method(leaf.path) and _METHOD_CODE.fullmatch(value)):
            continue
        if any(_alone(value, each) for each in hits):
            raise LeftoverError(leaf.path)


def _is_method(path: Path) -> bool:
    """Whether the code of a method of de-identification stands there."""
    return _METHOD_CODES in path and path[-1] == _CODE_VALUE


def _numbers(part: bytes, leaves: Sequence[Leaf], numbers: Numbers) -> None:
    """Raise LeftoverError where a number, or an array of numbers, tells an id, a day or a name."""
    leaf = told_in([(leaf, part[leaf.start : leaf.stop]) for leaf in leaves], numbers)
    if leaf is not None:
        raise LeftoverError(leaf.path)


@lru_cache(8192)
def _spelled(time: bytes) -> tuple[bytes, bytes]:
    return time, b"%s:%s:%s" % (time[:2], time[2:4], time[4:6])


def _alone(value: bytes, digits: bytes) -> bool:
    """Whether a day stands in a value, or a time without digits beside it."""
    if len(digits) == _DAY:
        return digits in value
    return bool(re.search(rb"(?<![0-9.])%s(?![0-9])" % digits, value))


def _meta(meta: bytes, found: Originals) -> None:
    """Raise RefusalError where the patient stands in file meta information: its UIDs are checked, this makes sure."""
    hay = meta.lower()
    for text in filter(hay.__contains__, found.sought.texts):
        if not _DIGITS.fullmatch(text) and text not in _OUR_META:
            raise RefusalError("verification: original value remains in the file meta information")
    for uid in filter(meta.__contains__, found.uids):
        _judge_uid(uid, meta, ())


def _judge(needle: Needle, hay: bytes, found: Sequence[Leaf], ours: bytes) -> None:
    pos = hay.find(needle.text)
    while pos >= 0:
        place = bisect_right(found, pos, key=_start) - 1
        leaf = found[place] if place >= 0 and pos < found[place].stop else None
        if leaf is None or telling(needle, leaf, alone=bounded(hay, pos, len(needle.text)), ours=ours, hay=hay):
            raise LeftoverError(leaf.path if leaf else ())
        pos = hay.find(needle.text, pos + 1)


def _start(leaf: Leaf) -> int:
    return leaf.start


def telling(needle: Needle, leaf: Leaf, *, alone: bool, ours: bytes = b"", hay: bytes = b"") -> bool:
    """Whether a hit is more than chance: not within numbers, not a word that stands there anyway.

    `alone`: no letter or digit stands beside it. `ours`: what our own marking says. `hay`: lower-case bytes that the
    element is part of.
    """
    if leaf.vr in (b"DS", b"IS") and needle.kind == "id" and needle.text.isdigit():
        values = re.split(rb"[\\ \0]+", hay[leaf.start : leaf.stop])
        return any(re.fullmatch(rb"[+-]?0*%s(?:\.0*)?" % needle.text, value) for value in values)
    if leaf.vr in NUMBERS:
        return len(needle.text) > 5 and not _DIGITS.fullmatch(needle.text)  # noqa: PLR2004
    if leaf.vr in BINARY:
        return len(needle.text) > (3 if alone else 5)
    if ordinary(leaf, needle.word or needle.text.decode("latin-1"), ours):
        return False
    return alone or len(needle.text) > 5  # noqa: PLR2004


def ordinary(leaf: Leaf, text: str, ours: bytes) -> bool:
    """Whether words stand in an element anyway, whoever the patient is."""
    word = text.lower()
    if not word:
        return False
    if leaf.tag in _MARKING:
        return word.encode("utf-8") in ours
    if leaf.tag == _MANUFACTURER:
        return word in VENDORS
    coded = leaf.vr == b"CS" or leaf.tag in _TERMS or (leaf.tag & _ODD and leaf.tag & 0xFFFF in CREATORS)
    return bool(coded) and all(each in vocabulary() for each in word.split())


def bounded(hay: bytes, pos: int, length: int) -> bool:
    """Whether no letter or digit stands beside `length` bytes at `pos`."""
    before, after = hay[pos - 1 : pos], hay[pos + length : pos + length + 1]
    return not before.isalnum() and not after.isalnum()


def _judge_uid(uid: bytes, part: bytes, found: Sequence[Leaf]) -> None:
    """Raise LeftoverError where an original UID stands in bytes, and not as the beginning or end of another one."""
    pos = part.find(uid)
    while pos >= 0:
        around = part[pos - 1 : pos] + part[pos + len(uid) : pos + len(uid) + 1]
        if not any(letter in b"0123456789." for letter in around) and uid.decode("latin-1") not in WELL_KNOWN:
            place = bisect_right(found, pos, key=_start) - 1
            raise LeftoverError(found[place].path if place >= 0 and pos < found[place].stop else (), uid=True)
        pos = part.find(uid, pos + 1)
