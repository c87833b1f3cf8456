"""The cleaned dataset, put together from slices of the old one and the few elements that change."""

import struct
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pacsflow.deid import structured
from pacsflow.deid.actions import KEPT, Action, Answer, Case, Clean, Dummy, Empty, Keep, Mode, Nested, Replace
from pacsflow.deid.dictionary import CREATORS
from pacsflow.deid.rules import BEHIND, PIXELS, Rules
from pacsflow.deid.values import DUMMY, TEXT, padded
from pacsflow.deid.walk import LONG, NAME, SQ, Level, Walk

Part = bytes | memoryview
Changes = dict[int, bytes | int]
"""Tag -> the whole element in its place (empty: it goes); or the last tag of a run of neighbours that all go."""

_SHORT_HEAD = struct.Struct("<HH2sH").pack
_LONG_HEAD = struct.Struct("<HH2sHI").pack
_PLAIN_HEAD = struct.Struct("<HHI").pack
_WIDE: Final = frozenset(NAME[code] for code in LONG)
_LONGEST: Final = 0xFFFE
_CODES: Final = frozenset({0x00080100, 0x00080104, 0x00080119, 0x00080120})
"""Code Value, Code Meaning, Long Code Value, URN Code Value: what a dummy code does not keep."""
_FREE: Final = frozenset({"LT", "PN", "ST", "UC", "UT"})
_TEXT_VALUE: Final = 0x0040A160


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


@dataclass(slots=True, frozen=True)
class _Place:
    """A dataset or item while its changes are gathered."""

    level: Level
    changes: Changes
    depth: int
    mode: Mode


@dataclass(slots=True, frozen=True)
class Splicer:
    """Applies rules to one walked dataset."""

    walk: Walk
    view: memoryview
    rules: Rules
    case: Case
    suspects: frozenset[int] = frozenset()
    """Attributes in which verification found the patient: emptied wherever they stand."""

    def dataset(self, level: Level, extra: dict[int, bytes]) -> tuple[bytes, list[Part], bytes]:
        """What stands before the pixel data, the parts of the pixel data (never copied), what stands behind.

        `extra` holds whole elements that take the place of the tag's own.
        """
        changes = self._replacements(level, 0) | extra
        tags = sorted(changes)
        first, behind = level.place(PIXELS), level.place(BEHIND)
        middle, last = bisect_left(tags, PIXELS), bisect_left(tags, BEHIND)
        return (
            b"".join(self._cut(level, changes, tags[:middle], (level.start, first))),
            self._cut(level, changes, tags[middle:last], (first, behind)),
            b"".join(self._cut(level, changes, tags[last:], (behind, level.end))),
        )

    def items(self, level: Level, tag: int) -> bytes:
        """The cleaned items of a sequence; empty where there is none."""
        if level.elements.get(tag, (0,))[0] != SQ:
            return b""
        found = self.walk.items_of(level, tag, 1)
        changes = [self._replacements(each, 1) for each in found]
        parts = (
            self._cut(each, new, sorted(new), (each.start, each.end)) for each, new in zip(found, changes, strict=True)
        )
        return b"".join(item(b"".join(part)) for part in parts)

    def _cut(self, level: Level, changes: Changes, tags: list[int], span: tuple[int, int]) -> list[Part]:
        """Slices of the span between the elements `tags`, and what stands in their place."""
        run, end = span
        if not tags:
            return [self.view[run:end]] if run < end else []
        elements, view, parts = level.elements, self.view, list[Part]()
        for tag in tags:
            new = changes[tag]
            if tag in elements:
                _, start, _, stop = elements[tag]
            else:
                start = stop = level.place(tag)
            if start > run:
                parts.append(view[run:start])
            if isinstance(new, int):
                stop = elements[new][3]
            elif new:
                parts.append(new)
            run = stop
        if run < end:
            parts.append(view[run:end])
        return parts

    def _replacements(self, level: Level, depth: int, mode: Mode = "plain") -> Changes:
        """Tag -> what stands in the place of its element; only tags that change."""
        plan = self.rules.plan(tuple(level.elements))
        changes: Changes = dict(plan.runs)
        place = _Place(level, changes, depth, mode)
        for tag, action in plan.work:
            self._apply(place, tag, action)
        if plan.private:
            self._private(place, plan.private)
        if mode != "plain":
            self._mode(place, plan.gone)
        for tag in self.suspects.intersection(level.elements) - plan.gone if self.suspects else ():
            self._put(place, tag, b"" if NAME[level.elements[tag][0]] in TEXT else None)
        return changes

    def _apply(self, place: "_Place", tag: int, action: Action) -> None:
        vr, _, start, stop = place.level.elements[tag]
        if vr == SQ:
            new = self._sequence(place, tag, action)
        elif start == stop and not isinstance(action, Nested | Replace):
            new = None if action(NAME[vr], b"", self.case) is None else KEPT
        else:
            new = action(NAME[vr], bytes(self.view[start:stop]), self.case)
        if new is not KEPT:
            self._put(place, tag, new)

    def _put(self, place: "_Place", tag: int, new: Answer) -> None:
        if new is None:
            place.changes[tag] = b""
        elif isinstance(new, bytes):
            vr = NAME[place.level.elements[tag][0]]
            place.changes[tag] = element(tag, vr, new, explicit=self.walk.explicit)

    def _sequence(self, place: "_Place", tag: int, action: Action) -> Answer:
        if not isinstance(action, Nested | Keep):
            return b"" if isinstance(action, Empty) else None
        mode = action.mode if isinstance(action, Nested) else "plain"
        mode = place.mode if mode == "plain" and place.mode == "texts" else mode
        contents: list[bytes] = []
        changed = False
        for each in self.walk.items_of(place.level, tag, place.depth + 1):
            letter = (
                structured.letter(self.walk, each, place.depth + 2, self.rules.content) if mode == "structured" else ""
            )
            if letter == "X":
                changed = True
                continue
            changes = self._replacements(each, place.depth + 1, "texts" if letter == "D" else mode)
            changed |= bool(changes)
            contents.append(b"".join(self._cut(each, changes, sorted(changes), (each.start, each.end))))
        return b"".join(map(item, contents)) if changed else KEPT

    def _mode(self, place: "_Place", gone: frozenset[int]) -> None:
        """Dummies for codes or free texts; cleaned text values in structured content."""
        for tag, (vr, *_) in place.level.elements.items():
            if tag in gone or place.changes.get(tag) == b"":
                continue
            if (place.mode == "codes" and tag in _CODES) or (place.mode == "texts" and NAME[vr] in _FREE):
                self._put(place, tag, DUMMY[NAME[vr]])
            elif place.mode == "structured" and tag == _TEXT_VALUE:
                self._apply(place, tag, Clean(Dummy()))

    def _private(self, place: "_Place", tags: tuple[int, ...]) -> None:
        """Private elements that no set keeps go, and creators of which nothing stays (PS3.5 7.8.1)."""
        changes = place.changes
        creators = {tag: self._creator(place.level, tag) for tag in tags if tag & 0xFFFF in CREATORS}
        if self.rules.creators.isdisjoint(("", *creators.values())):
            changes.update(dict.fromkeys(tags, b""))
            return
        used: set[int] = set()
        for tag in tags:
            if tag in creators:
                continue
            creator = tag & 0xFFFF0000 | tag >> 8 & 0xFF
            action = self.rules.private.get((tag >> 16, creators.get(creator, ""), tag & 0xFF))
            if action is None:
                changes[tag] = b""
                continue
            self._apply(place, tag, action)
            if changes.get(tag) != b"":
                used.add(creator)
        changes.update((tag, b"") for tag in creators.keys() - used)

    def _creator(self, level: Level, tag: int) -> str:
        _, _, start, stop = level.elements[tag]
        return bytes(self.view[start:stop]).decode("latin-1").strip(" \0")
