"""Proof on the finished bytes, by other code than the cleaner's: nothing of the patient is left.

The original's identifying values are found by searching its bytes for their tags, not by walking it. They are then
searched in everything that will be written but the pixel data.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from pacsflow.deid.encoding.dictionary import CREATORS, PrivateTag, tag_text
from pacsflow.deid.encoding.implementation import IMPLEMENTATION, IMPLEMENTATION_UID
from pacsflow.deid.proof.numbers_told import Numbers, counted, told_in
from pacsflow.deid.proof.originals import Finder, Originals, Sought
from pacsflow.deid.proof.same_bytes import LARGEST, REMEMBERED, changed, widened
from pacsflow.deid.proof.search_terms import Needle
from pacsflow.deid.proof.spoken import UID, Term, Terms
from pacsflow.deid.proof.structure import BINARY, NUMBERS, TEXTS, Checked, Leaf, Path, Structures
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
_NUMBER: Final = 17
"""Bytes of the longest number in text (PS3.5 6.2, VR DS), and one beside it."""
_TIMED_VRS: Final = frozenset({b"DA", b"DT", b"TM", b"UI"})
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
        self._clean: dict[int, _Clean] = {}
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
                self._values(part, checked, found)
                _timed(part, checked, found)
                _numbers(part, self._counted_in(len(part), checked.leaves), found.sought.numbers)
                for uid in found.uids:
                    _judge_uid(uid, part, checked.leaves)
        _meta(finished.meta, found.sought.needles, found.uids)

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

    def _values(self, part: bytes, checked: Checked, found: Originals) -> None:
        """Identifying values in bytes and in decoded text; what was clean in an instance before is not searched again.

        That was one of the same patient, with the same elements at the same places.
        """
        sought = found.sought
        before = self._clean.get(len(part))
        if before is None or before.leaves is not checked.leaves:
            texts = tuple(leaf for leaf in checked.leaves if leaf.vr in TEXTS)
            before = _Clean(b"", checked.leaves, sought, texts)
        elif before.sought is sought and not self._anew(part, before):
            self._clean[len(part)] = before._replace(part=part)
            return
        self._bytes(part, checked.leaves, sought.needles)
        told = self._texts(part, checked, found)
        if len(part) <= LARGEST and not told:
            if len(self._clean) >= REMEMBERED:
                self._clean.clear()
            self._clean[len(part)] = before._replace(part=part, sought=sought)

    def _counted_in(self, size: int, leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
        """The elements that may tell a number; remembered for datasets whose elements stand at the same places."""
        before = self._counts.get(size)
        if before is None or before[0] is not leaves:
            if len(self._counts) >= REMEMBERED:
                self._counts.clear()
            before = self._counts[size] = (leaves, counted(leaves))
        return before[1]

    def _anew(self, part: bytes, before: "_Clean") -> bool:
        """Whether a value stands where the bytes are others than before, or close by."""
        spans = changed(before.part, part)
        if spans is None:
            return True
        sought = before.sought
        near = widened(spans, sought.longest + _NUMBER, len(part))
        hay = b"\n".join([part[start:stop] for start, stop in near]).lower()
        if any(needle[0] in hay for needle in sought.needles):
            return True
        values = tuple([part[leaf.start : leaf.stop] for leaf in before.within(spans)])
        return bool(self._quiet(sought.terms, values))

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


class _Clean(NamedTuple):
    """A part of an instance in which nothing was found: all its elements, whose values were sought, those of text."""

    part: bytes
    leaves: Sequence[Leaf]
    sought: Sought
    texts: tuple[Leaf, ...]

    def within(self, spans: Sequence[tuple[int, int]]) -> Iterator[Leaf]:
        """Elements of text that reach into one of the spans; one in several spans comes several times."""
        for start, stop in spans:
            for place in range(max(0, bisect_right(self.texts, start, key=_start) - 1), len(self.texts)):
                leaf = self.texts[place]
                if leaf.start >= stop:
                    break
                if leaf.stop > start:
                    yield leaf


def _told(terms: Terms, values: tuple[bytes, ...]) -> tuple[tuple[int, Term], ...]:
    """Number of the value, and the term that stands in it."""
    return tuple((number, term) for number, value in enumerate(values) if value for term in terms.told_in(value))


def _timed(part: bytes, checked: Checked, found: Originals) -> None:
    """Raise LeftoverError where a true day, or a time to the second, stands in what is not a date, time or UID."""
    hits = [day for day in found.sought.dates if day in part]
    if found.times:
        hay = b"\n".join(checked.rest(part))
        hits += [time for each in found.times for time in _spelled(each) if time in hay]
    for leaf in checked.leaves if hits else ():
        value = part[leaf.start : leaf.stop]
        if leaf.vr in _TIMED_VRS or (_is_method(leaf.path) and _METHOD_CODE.fullmatch(value)):
            continue
        if any(_alone(value, each) for each in hits):
            raise LeftoverError(leaf.path)


def _is_method(path: Path) -> bool:
    """Whether the code of a method of de-identification stands there."""
    return _METHOD_CODES in path and path[-1] == _CODE_VALUE


def _numbers(part: bytes, leaves: Sequence[Leaf], numbers: Numbers) -> None:
    """Raise LeftoverError where a number, or an array of numbers, tells an id, a day or a name."""
    leaf = told_in(part, leaves, numbers)
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


def _meta(meta: bytes, wanted: Sequence[Needle], uids: Collection[bytes]) -> None:
    """Raise RefusalError where the patient stands in file meta information: its UIDs are checked, this makes sure."""
    hay = meta.lower()
    for needle in wanted:
        if needle.text in hay and not _DIGITS.fullmatch(needle.text) and needle.text not in _OUR_META:
            raise RefusalError("verification: original value remains in the file meta information")
    for uid in uids:
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
