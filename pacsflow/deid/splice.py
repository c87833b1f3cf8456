"""The cleaned dataset, put together from slices of the old one and the few elements that change."""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

from pacsflow.deid.encoding.dictionary import CREATORS, PRIVATE
from pacsflow.deid.encoding.elements import Part, element, item
from pacsflow.deid.encoding.values import DUMMY, TEXT
from pacsflow.deid.encoding.walk import NAME, SQ, Level, Walk, code
from pacsflow.deid.pixels import nested
from pacsflow.deid.proof.structure import Path
from pacsflow.deid.rules import codes, structured_content
from pacsflow.deid.rules.actions import (
    KEPT,
    Action,
    Answer,
    Case,
    Clean,
    Dummy,
    Empty,
    Keep,
    Mode,
    Nested,
    Replace,
    StudyKey,
    Uid,
)
from pacsflow.deid.rules.binary import Binary
from pacsflow.deid.rules.spelled import ANY
from pacsflow.deid.rules.table import BEHIND, PIXELS, RulePlan, Rules
from pacsflow.deid.rules.unlisted import Number
from pacsflow.deid.series_memory import Changes, Cuts, SeriesMemory, asked_of, cuts_of, kinds_of, owner_of, remember

_SAYING: Final = TEXT | {"OB", "UN"}
"""VRs that may hold somebody's text, code or identifier."""
_SMALL, _REMEMBERED = 512, 4096
"""Bytes of items whose changes are remembered, and how many for one patient."""
_DIGITS: Final = b"0123456789.-+\\ "
_NO_NUMBER: Final = re.compile(rb"[.][0-9]*[.]|[ ][0-9.+-]|[+]")
"""What of these is not a number: a day, a telephone number, a version."""
_TAGS: Final = code("AT")
_APART: Final = b"\xff"
CONTENT: Final = 0x0040A730
_FIRST_BLOCK: Final = 0x1000
"""Private elements below are of no creator, and reserved (PS3.5 7.8.1)."""
_TEXT_VALUE: Final = 0x0040A160


def _spans(level: Level, numbers: tuple[tuple[int, Number], ...]) -> list[slice]:
    """Where the numbers stand; remembered with the level, which instances of one shape share."""
    known, spans = level.spans
    if known is not numbers:
        spans = [slice(*level.elements[tag][2:]) for tag, _ in numbers]
        level.spans = (numbers, spans)
    return spans


def _suspicious(level: Level, view: memoryview, binary: tuple[tuple[int, Binary], ...]) -> bool:
    """Whether there are more numbers than there may be, tags, or letters in a row, before all are looked at."""
    spans = [(level.elements[tag], action.most) for tag, action in binary]
    if any(stop - start > most or vr == _TAGS for (vr, _, start, stop), most in spans):
        return True
    return bool(ANY.search(_APART.join([view[start:stop] for (_, _, start, stop), _ in spans])))


@dataclass(slots=True, frozen=True)
class _Place:
    """A dataset or item while its changes are gathered."""

    level: Level
    changes: Changes
    depth: int
    mode: Mode
    path: Path = ()


@dataclass(slots=True, frozen=True)
class Splicer:
    """Applies rules to one walked dataset."""

    walk: Walk
    view: memoryview
    rules: Rules
    case: Case
    suspects: frozenset[Path] = frozenset()
    """Elements in which verification found the patient, as the result numbers items: these are emptied, no others."""
    syntax: str = ""
    """Transfer syntax of the dataset."""
    head: bytes = b""
    """The bytes before the pixel data where they may be compared with those of the instance before; else empty."""
    memory: SeriesMemory = field(default_factory=SeriesMemory)

    def dataset(self, level: Level, extra: dict[int, bytes]) -> tuple[bytes, list[Part], bytes]:
        """What stands before the pixel data, the parts of the pixel data (never copied), what stands behind.

        `extra` holds whole encoded elements (tag -> bytes) that take the place of the tag's own. Tags ascend in the
        result as in the original (PS3.5 7.1); bytes of elements that do not change are the original's. Raises
        NotStrictError for items that cannot be walked, RefusalError for what an action refuses.
        """
        remembers = bool(self.head) and not self.suspects
        changes = (self._as_before(level) if remembers else self._replacements(level, 0)) | extra
        first, behind = level.place(PIXELS), level.place(BEHIND)
        if remembers:
            cuts = self._cuts(level, changes)
            head, within, last = cuts.joined(self.head, changes), cuts.within, cuts.behind
        else:
            tags = sorted(changes)
            before, pixels = bisect_left(tags, PIXELS), bisect_left(tags, BEHIND)
            head = b"".join(self._cut(level, changes, tags[:before], (level.start, first)))
            within, last = tags[before:pixels], tags[pixels:]
        return (
            head,
            self._cut(level, changes, within, (first, behind)),
            b"".join(self._cut(level, changes, last, (behind, level.end))),
        )

    def _cuts(self, level: Level, changes: Changes) -> Cuts:
        """Where to cut: as before if the same elements change."""
        kinds = kinds_of(changes)
        cuts = self.memory.cuts.get(len(self.view))
        if cuts is None or cuts.level is not level or cuts.kinds != kinds:
            cuts = cuts_of(level, changes, kinds)
            remember(self.memory.cuts, len(self.view), cuts)
        return cuts

    def _as_before(self, level: Level) -> Changes:
        """As `_replacements` of the top level, but no action is asked what the instance before asked."""
        plan = self.rules.plan(level.signature())
        owner = owner_of(self.case, self.syntax)
        before = self.memory.asked.get(len(self.view))
        if before is None or before.level is not level or before.plan is not plan or before.owner != owner:
            changes = self._changes(level, plan, 0, "plain")
            remember(self.memory.asked, len(self.view), asked_of(level, plan, owner, head=self.head, changes=changes))
            return changes
        changes = dict(before.changes)
        place = _Place(level, changes, 0, "plain")
        for tag, action in before.to_ask(self.head):
            changes.pop(tag, None)
            self._apply(place, tag, action)
        if plan.private:
            self._private(place, plan.private)
        return changes

    def items(self, level: Level, tag: int) -> bytes:
        """The cleaned items of a sequence; empty where there is none."""
        if level.elements.get(tag, (0,))[0] != SQ:
            return b""
        found = self.walk.items_of(level, tag, 1)
        changes = [self._replacements(each, 1, path=(tag, number)) for number, each in enumerate(found)]
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

    def _replacements(self, level: Level, depth: int, mode: Mode = "plain", *, path: Path = ()) -> Changes:
        """Tag -> what stands in the place of its element; only tags that change."""
        plan = self.rules.plan(level.signature())
        if depth and not (plan.work or plan.private or self.suspects) and level.end - level.start < _SMALL:
            return self._remembered(level, plan, depth, mode)
        return self._changes(level, plan, depth, mode, path=path)

    def _remembered(self, level: Level, plan: RulePlan, depth: int, mode: Mode) -> Changes:
        """The changes of a small item that hang on nothing but its bytes, as those of codes do."""
        key = (self.rules.mark, mode, self.walk.explicit, bytes(self.view[level.start : level.end]))
        known = self.case.scrubber.items
        changes = known.get(key)
        if changes is None:
            changes = self._changes(level, plan, depth, mode)
            if len(known) < _REMEMBERED:
                known[key] = changes
        return changes

    def _changes(self, level: Level, plan: RulePlan, depth: int, mode: Mode, *, path: Path = ()) -> Changes:
        changes: Changes = dict(plan.runs)
        place = _Place(level, changes, depth, mode, path)
        for tag, action in plan.work:
            self._apply(place, tag, action)
        if plan.terms or plan.texts or plan.numbers or plan.binary:
            self._looked_at(place, plan)
        if plan.private:
            self._private(place, plan.private)
        if mode != "plain":
            self._mode(place, plan.gone)
        if depth and level.tags() and level.tags()[-1] >= PIXELS:
            changes |= nested(level, self.view, self.syntax, plan.gone | changes.keys())
        for tag in [each[-1] for each in self.suspects if each[:-1] == path]:
            if tag in level.elements and tag not in plan.gone:
                self._put(place, tag, self._instead(level, tag))
        return changes

    def _instead(self, level: Level, tag: int) -> Answer:
        """What stands for a value that tells of the patient; Code Meaning must have one (PS3.3 8.3)."""
        if tag == codes.MEANING:
            return codes.standard_meaning(self.walk.buffer, level).encode("ascii", "replace") or DUMMY["LO"]
        return b"" if NAME[level.elements[tag][0]] in (*TEXT, "DS", "IS", "UI") else None

    def _looked_at(self, place: "_Place", plan: RulePlan) -> None:
        """Coded strings that were seen before and texts that are numbers at a glance stay without any more ado."""
        elements, view = place.level.elements, self.view
        for tag, terms in plan.terms:
            if bytes(view[elements[tag][2] : elements[tag][3]]) not in terms.seen:
                self._apply(place, tag, terms)
        for tag, text in plan.texts:
            if bytes(view[elements[tag][2] : elements[tag][3]]) not in self.case.scrubber.same[text.kind]:
                self._apply(place, tag, text)
        if plan.binary and _suspicious(place.level, view, plan.binary):
            for tag, binary in plan.binary:
                self._apply(place, tag, binary)
        numbers = plan.numbers
        written = b"\\".join([b"", *[view[span] for span in _spans(place.level, numbers)]]) if numbers else b""
        signs = written.count(b"-") - written.count(b"\\-")
        if signs or written.translate(None, _DIGITS) or _NO_NUMBER.search(written):
            for tag, number in numbers:
                self._apply(place, tag, number)

    def _apply(self, place: "_Place", tag: int, action: Action) -> None:
        vr, _, start, stop = place.level.elements[tag]
        if vr == SQ:
            new = self._sequence(place, tag, action)
        elif start == stop and not isinstance(action, Nested | Replace | StudyKey):
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
        mode = "dummies" if mode in ("plain", "told") and place.mode in ("dummies", "aged") else mode
        if tag == structured_content.MEASURED and structured_content.is_age(self.walk, place.level, place.depth + 1):
            mode = "aged"
        contents: list[bytes] = []
        changed = False
        for each in self.walk.items_of(place.level, tag, place.depth + 1):
            letter = (
                structured_content.letter(self.walk, each, place.depth + 2, self.rules.content)
                if tag == CONTENT
                else ""
            )
            if letter == "X":
                changed = True
                continue
            inside: Mode = "dummies" if letter == "D" else mode
            content = self._item(each, place.depth + 1, inside, path=(*place.path, tag, len(contents)))
            changed |= content is not None
            contents.append(bytes(self.view[each.start : each.end]) if content is None else content)
        return b"".join(map(item, contents)) if changed else KEPT

    def _item(self, level: Level, depth: int, mode: Mode, *, path: Path) -> bytes | None:
        """The item's new content, None where it stays. Reports say the same codes again and again: remembered."""
        again = mode == "dummies" and not self.suspects and level.elements.keys() <= codes.CODE
        key = (bytes(self.view[level.start : level.end]), self.walk.explicit) if again else None
        if key and (known := self.rules.coded.get(key)) is not None:
            return known
        changes = self._replacements(level, depth, mode, path=path)
        content = b"".join(self._cut(level, changes, sorted(changes), (level.start, level.end))) if changes else None
        if key and content is not None and len(self.rules.coded) < _REMEMBERED:
            self.rules.coded[key] = content
        return content

    def _mode(self, place: "_Place", gone: frozenset[int]) -> None:
        """Dummies for whatever says something; cleaned text values in structured content."""
        meaning = codes.standard_meaning(self.walk.buffer, place.level) if place.mode in ("dummies", "aged") else ""
        for tag in place.level.elements:
            if tag in gone or place.changes.get(tag) == b"":
                continue
            if place.mode == "aged" and tag in (structured_content.NUMERIC, *structured_content.EXACT):
                self._age(place, tag)
            elif place.mode in ("dummies", "aged"):
                self._dummy(place, tag, meaning)
            elif place.mode == "told":
                self._told(place, tag)
            elif tag == _TEXT_VALUE:
                self._apply(place, tag, Clean(Dummy()))

    def _told(self, place: "_Place", tag: int) -> None:
        """A code as it is, in a sequence that an option keeps; verification looks at it as at everything."""
        if tag in codes.CODE and tag not in self.rules.ruled:
            place.changes.pop(tag, None)

    def _age(self, place: "_Place", tag: int) -> None:
        """An age that is not over 90 years, told once."""
        new = structured_content.capped(self.walk, place.level, place.depth + 1)
        if new is not None:
            self._put(place, tag, new if tag == structured_content.NUMERIC else None)

    def _dummy(self, place: "_Place", tag: int, meaning: str) -> None:
        """A legal value in place of the item's own; numbers and dates follow the rules, UIDs are new."""
        vr, _, start, stop = place.level.elements[tag]
        if tag & PRIVATE:
            self._put(place, tag, None)
        elif NAME[vr] == "UI":
            self._put(place, tag, Uid()("UI", bytes(self.view[start:stop]), self.case))
        elif NAME[vr] in _SAYING and start < stop:
            self._put(place, tag, codes.dummy(self.walk.buffer, place.level, tag, meaning))

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
            if action is None or tag & 0xFFFF < _FIRST_BLOCK:
                changes[tag] = b""
                continue
            self._apply(place, tag, action)
            if changes.get(tag) != b"":
                used.add(creator)
        changes.update((tag, b"") for tag in creators.keys() - used)

    def _creator(self, level: Level, tag: int) -> str:
        _, _, start, stop = level.elements[tag]
        return bytes(self.view[start:stop]).decode("latin-1").strip(" \0")
