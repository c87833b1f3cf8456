"""`%filter` groups: which images a recipe takes for a risk.

Read as they are written. The `deid` package takes a line that begins with `||` for one with `+`, loses values after
`missing` and `empty`, compares with the list of values where there are several, and drops what a whitelist names.
"""

import re
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pacsflow.deid.encoding.dictionary import VR_OF, TagError, WordingError, parse_tag
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.values import NUMBER
from pacsflow.errors import RefusalError

WHITELIST: Final = "whitelist"
NOWHERE: Final = -1
"""Instead of the tag of a word that names no attribute: never there, as `deid` has it too."""
_WITH_PATTERN: Final = frozenset({"contains", "notcontains", "equals", "notequals"})
_CLAUSE = re.compile(r"(contains|notcontains|equals|notequals|missing|present|empty)\s+(\S+)\s*(.*)", re.IGNORECASE)
_VERB = r"(?=\s*(?:contains|notcontains|equals|notequals|missing|present|empty)\s)"
_JOINT = re.compile(rf"(\|\||\+){_VERB}", re.IGNORECASE)
_BARE = re.compile(r"0x([0-9a-f]{8})", re.IGNORECASE)


class FilterError(WordingError):
    """A line that cannot be read."""


@dataclass(frozen=True)
class Clause:
    """One comparison of one attribute at top level, case ignored."""

    either: bool
    verb: str
    tag: int
    pattern: str

    def holds(self, values: list[str] | None) -> bool:
        """Whether it holds of these values; None: the element is absent."""
        if self.verb in ("missing", "present"):
            return (values is None) == (self.verb == "missing")
        if self.verb == "empty":
            return values is not None and not any(values)
        if self.verb.endswith("equals"):
            return _equal(self.pattern, values or []) == (self.verb == "equals")
        return _found(self.pattern, values or []) == (self.verb == "contains")


def _equal(wanted: str, values: list[str]) -> bool:
    return any(value.casefold() == wanted.casefold() for value in values)


def _found(pattern: str, values: list[str]) -> bool:
    return any(re.search(pattern, text, re.IGNORECASE) for text in (*values, "\\".join(values)))


@dataclass
class Label:
    """A named kind of image: lines that must hold from the first to the last, and regions to be blanked if they do.

    `coordinates` as written; nothing is blanked yet, so an image that would need it is refused.
    """

    group: str
    name: str
    number: int
    lines: list[list[Clause]] = field(default_factory=list)
    coordinates: list[str] = field(default_factory=list)

    def fits(self, values: dict[int, list[str] | None]) -> bool:
        """Whether the image is of this kind. One without lines is every image, where it has coordinates."""
        result = bool(self.lines or self.coordinates)
        for line in self.lines:
            result = _joined(result, holds=_line_holds(line, values), either=line[0].either)
        return result


def _line_holds(line: list[Clause], values: dict[int, list[str] | None]) -> bool:
    first, *rest = line
    result = first.holds(values[first.tag])
    for clause in rest:
        result = _joined(result, holds=clause.holds(values[clause.tag]), either=clause.either)
    return result


def _joined(before: bool, *, holds: bool, either: bool) -> bool:
    return before or holds if either else before and holds


def clauses(line: str) -> list[Clause]:
    """The comparisons of one line, each with how it is joined to what stands before. Raises FilterError."""
    parts = _JOINT.split(line) if _JOINT.match(line) else ["", "+", *_JOINT.split(line)]
    return [_clause(text.strip(), either=joint == "||") for joint, text in zip(parts[1::2], parts[2::2], strict=True)]


def _clause(text: str, *, either: bool) -> Clause:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise FilterError("no comparison", "write contains, equals, missing, present or empty, and a keyword")
    verb, pattern = match[1].lower(), match[3].strip()
    if verb in _WITH_PATTERN and not pattern:
        raise FilterError(f"{verb} without a value", f"write {verb} {match[2]} VALUE")
    try:
        tag = int(bare[1], 16) if (bare := _BARE.fullmatch(match[2])) else parse_tag(match[2])[0]
    except TagError:
        tag = NOWHERE
    try:
        re.compile(pattern)
    except re.error:
        raise FilterError("no regular expression", "put a backslash before ( ) [ ] * + ?") from None
    return Clause(either, verb, tag, pattern)


class Filters:
    """The labels of a recipe; decisions are remembered, as a device's images look alike."""

    def __init__(self, name: str, labels: list[Label]) -> None:
        self._name = name
        self._labels = sorted(labels, key=lambda label: label.group != WHITELIST)
        self._tags = sorted({clause.tag for label in labels for line in label.lines for clause in line})
        self._decided = lru_cache(1024)(self._decide)

    def refuse(self, header: Header) -> None:
        """Raise RefusalError `pixels: …` where a label fits and none of a whitelist does."""
        label = self._decided(tuple(map(values_of, [header] * len(self._tags), self._tags)))
        if label is None or label.group == WHITELIST:
            return
        why = f"recipe, {label.group}: {label.name}"
        if label.coordinates:
            raise RefusalError(
                f"pixels: regions would have to be blanked ({why})",
                fix=f"see {self._name} line {label.number}; `pixels: {{burned_in: keep}}` lets such images pass",
            )
        raise RefusalError(
            f"pixels: may show text ({why})",
            fix=f"see {self._name} line {label.number}; a label of `%filter whitelist` lets an image pass",
        )

    def _decide(self, found: tuple[tuple[str, ...] | None, ...]) -> Label | None:
        values = {tag: None if each is None else list(each) for tag, each in zip(self._tags, found, strict=True)}
        return next((label for label in self._labels if label.fits(values)), None)


def values_of(header: Header, tag: int) -> tuple[str, ...] | None:
    """The values of a top-level element as text; None where it is absent."""
    if tag not in header.level.elements:
        return None
    if pack := NUMBER.get(VR_OF.get(tag, "UN")):
        raw = header.raw(tag)
        size = struct.calcsize(pack)
        return tuple(f"{n[0]:g}" for n in struct.iter_unpack(pack, raw[: len(raw) // size * size]))
    return tuple(value.strip() for value in header.text(tag).split("\\"))
