"""Devices known to burn text into their images: the labels with coordinates of the `deid` package's graylist.

Its file is read, its code is not run. A label is a list of lines that must hold one after the other: `contains FIELD
PATTERN`, joined by `+` (and) and `||` (or).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from pydicom.datadict import tag_for_keyword

from pacsflow.deid.dictionary import VR_OF
from pacsflow.deid.header import Header

_CLAUSE: Final = re.compile(r"(contains|notcontains|equals|notequals|missing|present|empty)\s+(\w+)\s*(.*)")

Values = Mapping[str, str | None]
"""Keyword -> value as text; None where the instance has no such element."""


@dataclass(frozen=True)
class Clause:
    """One comparison of one attribute, case ignored."""

    verb: str
    keyword: str
    pattern: str

    def holds(self, values: Values) -> bool:
        """Whether it holds; a comparison with an absent attribute does not."""
        value = values[self.keyword]
        if self.verb in ("missing", "present"):
            return (value is None) == (self.verb == "missing")
        if value is None:
            return False
        if self.verb == "empty":
            return not value
        if self.verb.endswith("equals"):
            return (value.casefold() == self.pattern.casefold()) == (self.verb == "equals")
        return bool(re.search(self.pattern, value, re.IGNORECASE)) == (self.verb == "contains")


@dataclass
class Label:
    """A named kind of image: lines of (joined by or, clauses of which one must hold)."""

    name: str
    lines: list[tuple[bool, list[Clause]]] = field(default_factory=list)
    coordinates: bool = False

    def fits(self, values: Values) -> bool:
        """Whether the lines hold, from the first to the last."""
        result = True
        for either, clauses in self.lines:
            holds = any(clause.holds(values) for clause in clauses)
            result = (result or holds) if either else (result and holds)
        return result


def parse(text: str) -> Iterator[Label]:
    """The labels of the graylist in a file of deid's language."""
    inside, label = False, Label("")
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("%"):
            inside = line.split() == ["%filter", "graylist"]
        elif inside and line.startswith("LABEL"):
            yield label
            label = Label(line.removeprefix("LABEL").strip())
        elif inside and line:
            label.coordinates |= "coordinates" in line
            clauses = [Clause(*match.groups()) for match in map(_clause, line.split("||")) if match]
            if clauses:
                label.lines.append((line.startswith("||"), clauses))
    yield label


def _clause(part: str) -> re.Match[str] | None:
    return _CLAUSE.fullmatch(part.strip(" +"))


@cache
def _labels() -> tuple[tuple[Label, ...], dict[str, int]]:
    """The labels, and the tags of the keywords they compare."""
    text = files("deid").joinpath("data/deid.dicom").read_text("utf-8")
    labels = tuple(label for label in parse(text) if label.lines and label.coordinates)
    keywords = {clause.keyword for label in labels for _, clauses in label.lines for clause in clauses}
    return labels, {keyword: int(tag_for_keyword(keyword) or 0) for keyword in sorted(keywords)}


@lru_cache(4096)
def _fitting(raw: tuple[bytes | None, ...]) -> str:
    labels, tags = _labels()
    told = {keyword: _text(tags[keyword], value) for keyword, value in zip(tags, raw, strict=True)}
    return next((label.name for label in labels if label.fits(told)), "")


def _text(tag: int, value: bytes | None) -> str | None:
    if value is None:
        return None
    if VR_OF.get(tag) == "US":
        return str(int.from_bytes(value[:2], "little"))
    return value.decode("latin-1").strip(" \0")


def known(header: Header) -> str:
    """The first label that fits the instance; empty where none does. Worked out once per device, matrix and series."""
    here = header.level.elements
    return _fitting(tuple(header.raw(tag) if tag in here else None for tag in _labels()[1].values()))
