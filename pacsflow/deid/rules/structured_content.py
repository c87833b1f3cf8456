"""SR content items (PS3.15 E.3.4, Table E.3.4-1): which may stay under Clean Structured Content."""

from collections.abc import Mapping, Sequence
from typing import Final

from pacsflow.deid.encoding.walk import SQ, Level, Walk
from pacsflow.deid.rules.actions import OLDEST

CONCEPT_NAME: Final = 0x0040A043
CODE_VALUE: Final = 0x00080100
SCHEME: Final = 0x00080102
MEASURED: Final = 0x0040A300
NUMERIC: Final = 0x0040A30A
EXACT: Final = frozenset({0x0040A161, 0x0040A162, 0x0040A163})
"""Floating Point Value, Rational Numerator and Denominator: the same number, more exactly."""
UNITS: Final = 0x004008EA
AGES: Final = frozenset(
    {("121033", "DCM"), ("397669002", "SCT"), ("424144002", "SCT"), ("445518008", "SCT"), ("30525-0", "LN")}
)
"""Subject Age, and what other vocabularies call an age."""
_IN_A_YEAR: Final = {"a": 1.0, "mo": 12.0, "wk": 52.18, "d": 365.25, "h": 8766.0}


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


def is_age(walk: Walk, item: Level, depth: int) -> bool:
    """Whether a content item tells an age, by the code of its concept name."""
    if item.elements.get(CONCEPT_NAME, (0,))[0] != SQ:
        return False
    names = walk.items_of(item, CONCEPT_NAME, depth)[:1]
    return any((_text(walk, name, CODE_VALUE), _text(walk, name, SCHEME)) in AGES for name in names)


def capped(walk: Walk, measured: Level, depth: int) -> bytes | None:
    """Numeric Value of an age that is over 89 years, cut to 90 in its own unit; nothing where it is not a number.

    None where it may stay.
    """
    units = walk.items_of(measured, UNITS, depth)[:1] if measured.elements.get(UNITS, (0,))[0] == SQ else []
    a_year = next((_IN_A_YEAR.get(_text(walk, unit, CODE_VALUE), 1.0) for unit in units), 1.0)
    try:
        years = float(_text(walk, measured, NUMERIC)) / a_year
    except ValueError:
        return b""
    return None if years < OLDEST else f"{OLDEST * a_year:g}".encode()


def _text(walk: Walk, level: Level, tag: int) -> str:
    span = level.elements.get(tag)
    return bytes(walk.buffer[span[2] : span[3]]).decode("latin-1").strip(" \0") if span else ""
