"""SR content items (PS3.15 E.3.4, Table E.3.4-1): which may stay under Clean Structured Content."""

from collections.abc import Mapping, Sequence
from typing import Final

from pacsflow.deid.walk import SQ, Level, Walk

CONCEPT_NAME: Final = 0x0040A043
CODE_VALUE: Final = 0x00080100
SCHEME: Final = 0x00080102


def content_rules(table: Mapping[str, str], columns: Sequence[str], options: Sequence[str]) -> dict[str, str]:
    """`code|scheme` -> one letter: X the item goes, D its texts become dummies, K or C it is cleaned like the rest."""
    rules: dict[str, str] = {}
    for concept, coded in table.items():
        basic, letters = coded.split(" ")
        chosen = {letter for letter, option in zip(letters, columns, strict=True) if option in options} - {"."}
        rules[concept] = "K" if "K" in chosen else "C" if "C" in chosen else basic[0]
    return rules


def letter(walk: Walk, item: Level, depth: int, rules: Mapping[str, str]) -> str:
    """The rule for a content item, by the code of its concept name; empty where there is none."""
    if item.elements.get(CONCEPT_NAME, (0,))[0] != SQ:
        return ""
    for name in walk.items_of(item, CONCEPT_NAME, depth)[:1]:
        code, scheme = (_text(walk, name, tag) for tag in (CODE_VALUE, SCHEME))
        return rules.get(f"{code}|{scheme}", "")
    return ""


def _text(walk: Walk, level: Level, tag: int) -> str:
    span = level.elements.get(tag)
    return bytes(walk.buffer[span[2] : span[3]]).decode("latin-1").strip(" \0") if span else ""
