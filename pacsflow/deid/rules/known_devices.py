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

from pacsflow.attributes import tag_for_keyword
from pacsflow.deid.encoding.dictionary import VR_OF
from pacsflow.deid.encoding.header import Header

_CLAUSE: Final = re.compile(r"(contains|notcontains|equals|notequals|missing|present|empty)\s+(\w+)\s*(.*)")

Values = Mapping[str, str | None]
"""Keyword -> value as text; None where the instance has no such element."""


@dataclass(frozen=True)
class DeviceClause:
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
class DeviceLabel:
    """A named kind of image: lines of (joined by or, clauses of which one must hold)."""

    name: str
    lines: list[tuple[bool, list[DeviceClause]]] = field(default_factory=list)
    coordinates: list[str] = field(default_factory=list)

    def fits(self, values: Values) -> bool:
        """Whether the lines hold, from the first to the last."""
        result = True
        for either, clauses in self.lines:
            holds = any(clause.holds(values) for clause in clauses)
            result = (result or holds) if either else (result and holds)
        return result


def parse(text: str) -> Iterator[DeviceLabel]:
    """The labels of the graylist in a file of deid's language."""
    inside, label = False, DeviceLabel("")
    for raw in text.splitlines():
        line = raw.split("#")[0].strip()
        if line.startswith("%"):
            inside = line.split() == ["%filter", "graylist"]
        elif inside and line.startswith("LABEL"):
            yield label
            label = DeviceLabel(line.removeprefix("LABEL").strip())
        elif inside and line:
            if "coordinates" in line:
                label.coordinates.append(line)
            clauses = [DeviceClause(*match.groups()) for match in map(_clause, line.split("||")) if match]
            if clauses:
                label.lines.append((line.startswith("||"), clauses))
    yield label


def _clause(part: str) -> re.Match[str] | None:
    return _CLAUSE.fullmatch(part.strip(" +"))


@cache
def _labels() -> tuple[tuple[DeviceLabel, ...], dict[str, int]]:
    """The labels, and the tags of the keywords they compare."""
    text = files("deid").joinpath("data/deid.dicom").read_text("utf-8")
    labels = tuple(label for label in parse(text) if label.lines and label.coordinates)
    keywords = {clause.keyword for label in labels for _, clauses in label.lines for clause in clauses}
    return labels, {keyword: int(tag_for_keyword(keyword) or 0) for keyword in sorted(keywords)}


@lru_cache(4096)
def _fitting(raw: tuple[bytes, ...], here: tuple[bool, ...]) -> DeviceLabel | None:
    labels, tags = _labels()
    found = zip(tags, raw, here, strict=True)
    told = {keyword: _text(tags[keyword], value) if is_here else None for keyword, value, is_here in found}
    return next((label for label in labels if label.fits(told)), None)


def _text(tag: int, value: bytes) -> str:
    if VR_OF.get(tag) == "US":
        return str(int.from_bytes(value[:2], "little"))
    return value.decode("latin-1").strip(" \0")


def known(header: Header) -> str:
    """The first label that fits the instance; empty where none does. Worked out once per device, matrix and series."""
    label = _label(header)
    return label.name if label else ""


def coordinates(header: Header) -> tuple[str, ...]:
    """Where that device writes, as the label says it; empty where none fits."""
    label = _label(header)
    return tuple(label.coordinates) if label else ()


def _label(header: Header) -> DeviceLabel | None:
    tags = _tags()
    return _fitting(header.several(tags), tuple(map(header.level.elements.__contains__, tags)))


@cache
def _tags() -> tuple[int, ...]:
    return tuple(_labels()[1].values())
