"""Field expressions: which attributes a line of a recipe means."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Final

from pacsflow.attributes import DICOM, KEYWORDS, REPEATERS, entry_of
from pacsflow.deid.encoding.dictionary import AMBIGUOUS, PRIVATE, VR_OF, PrivateTag, WordingError, parse_private
from pacsflow.deid.recipe.parse import RecipeLine

EXPANDERS: Final = ("startswith", "endswith", "contains", "except", "select")
_EXPANDER = re.compile(r'([^:"]*):(.*)')
_TAG = re.compile(r"\(?([0-9a-f]{4}),?([0-9a-f]{4})\)?", re.IGNORECASE)
_BARE_PRIVATE = re.compile(r'[0-9a-f]{4},"[^"]*",[0-9a-f]{2}', re.IGNORECASE)
PATH: Final = "__"
"""Between the names of nested sequences."""


class FieldError(WordingError):
    """An expression that cannot be read."""


@dataclass(frozen=True)
class Attribute:
    """What the dictionary knows of a tag."""

    tag: int
    keyword: str
    name: str
    vr: str


@dataclass(frozen=True)
class Field:
    """The attributes an expression means. `exact`: one by its name or tag, not a class of them.

    `decidable`: the dictionary alone tells; else it takes the instance's values or places.
    """

    matches: Callable[[Attribute], bool]
    exact: bool = False
    private: PrivateTag | None = None
    decidable: bool = True


def attribute(tag: int) -> Attribute | None:
    """A tag of PS3.6, also of a repeating group (PS3.5 7.6); None for others."""
    try:
        vr, _, name, _, keyword = entry_of(tag)
        vr = VR_OF.get(tag) or vr
        return Attribute(tag, keyword, name, AMBIGUOUS.get(vr, vr))
    except KeyError:
        return None


@cache
def attributes() -> tuple[Attribute, ...]:
    """All attributes that may stand in a dataset, but those of repeating groups."""
    return tuple(Attribute(tag, DICOM[tag][4], DICOM[tag][2], vr) for tag, vr in VR_OF.items())


@cache
def repeating() -> tuple[Attribute, ...]:
    """The attributes of curves and overlays, in the first group of each (PS3.5 7.6)."""
    masks = (mask for mask in REPEATERS if mask[:4].lower() in ("50xx", "60xx"))
    found = (attribute(int(mask.lower().replace("x", "0"), 16)) for mask in masks)
    return tuple(each for each in found if each is not None)


@cache
def _tags_by_word() -> Mapping[str, frozenset[int]]:
    words: dict[str, set[int]] = {}
    for each in attributes():
        for word in (each.keyword.lower(), each.name.lower()):
            words.setdefault(word, set()).add(each.tag)
    return {word: frozenset(tags) for word, tags in words.items()}


def parse_field(text: str, lists: Mapping[str, list[RecipeLine]], values: Mapping[str, list[RecipeLine]]) -> Field:
    """What `text` means; `lists` and `values` are the recipe's named lists. Raises FieldError."""
    if private := parse_private(f"({text})" if _BARE_PRIVATE.fullmatch(text) else text):
        return Field(lambda _: False, exact=True, private=private)
    if text.lower() == "all":
        return Field(lambda _: True)
    if match := _EXPANDER.fullmatch(text):
        kind, expression = match[1].lower(), match[2]
        if kind in ("values", "fields"):
            return _named(kind, expression, lists, values)
        return Field(_expander(kind, expression))
    if PATH in text:
        return Field(lambda _: False, decidable=False)
    tags = _exact(text.strip("\"'"))
    return Field(lambda each: each.tag in tags, exact=True)


def _named(
    kind: str, name: str, lists: Mapping[str, list[RecipeLine]], values: Mapping[str, list[RecipeLine]]
) -> Field:
    known = lists if kind == "fields" else values
    if name not in known:
        raise FieldError(f"no list {kind}:{name}", f"write %{kind} {name} and its FIELD lines")
    if kind == "values":
        return Field(lambda _: False, decidable=False)
    parts = [parse_field(line.field, {}, {}) for line in known[name]]
    if any(part.private for part in parts) or not all(part.decidable for part in parts):
        raise FieldError(f"fields:{name} holds private elements or paths", "write a line of its own for each")
    return Field(lambda each: any(part.matches(each) for part in parts))


def _expander(kind: str, expression: str) -> Callable[[Attribute], bool]:
    if kind == "select":
        return _select(expression)
    if kind not in EXPANDERS:
        near = get_close_matches(kind, EXPANDERS, n=1)
        raise FieldError(f"no expander {kind}:", f"write {near[0] if near else 'one of ' + ', '.join(EXPANDERS)}:")
    shape = {"startswith": f"^({expression})", "endswith": f"({expression})$"}.get(kind, expression)
    try:
        pattern = re.compile(shape, re.IGNORECASE)
    except re.error:
        raise FieldError("no regular expression", "put a backslash before ( ) [ ] * + ?") from None
    if kind == "except":
        return lambda each: not _named_so(pattern, each)
    return lambda each: _named_so(pattern, each)


def _named_so(pattern: re.Pattern[str], each: Attribute) -> bool:
    """As `deid` searches: keyword, name, and the tag with and without brackets."""
    group, number = each.tag >> 16, each.tag & 0xFFFF
    words = (each.keyword, each.name, f"({group:04X},{number:04X})", f"{each.tag:08X}")
    return any(pattern.search(word) for word in words)


def _select(expression: str) -> Callable[[Attribute], bool]:
    kind, _, value = expression.partition(":")
    if kind.lower() == "vr" and value:
        return lambda each: each.vr == value[:2].upper()
    try:
        group = int(value, 16) if kind.lower() == "group" else -1
    except ValueError:
        group = -1
    if group < 0:
        raise FieldError("no selection", "write select:VR:DA or select:GROUP:0010")
    return lambda each: each.tag >> 16 == group


@lru_cache(1024)
def _exact(text: str) -> frozenset[int]:
    """The tags of a keyword, a name or a number. Raises FieldError."""
    if match := _TAG.fullmatch(text.replace(" ", "")):
        tag = int(match[1] + match[2], 16)
        if tag & PRIVATE:
            raise FieldError("a private tag without its creator", 'write (gggg,"CREATOR",ee)')
        return frozenset({tag})
    if tags := _tags_by_word().get(text.lower()):
        return tags
    near = get_close_matches(text, KEYWORDS, n=1, cutoff=0.7)
    raise UnknownError(
        f"no such attribute: {text}", f"write {near[0]}" if near else "write a keyword of PS3.6 or a tag"
    )


class UnknownError(FieldError):
    """A word that names no attribute."""
