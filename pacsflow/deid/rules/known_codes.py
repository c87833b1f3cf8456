"""Codes, coding schemes and meanings (PS3.3 8.1, PS3.16): which say nothing of anybody."""

import re
from functools import cache
from typing import Final

from pacsflow.attributes import concepts
from pacsflow.deid.rules.free_text import Scrubber

_ANYBODY: Final = Scrubber()
_CODE: Final = re.compile(
    r"[A-Z]{1,3}-?[0-9A-F]{4,6}|[A-Za-z]{0,4}[-_.]?\d[\d.-]{0,8}|RID\d{1,6}|C\d{3,7}|\d{1,5}-\d|[a-z]{2}(?:-[A-Z]{2})?"
)
_SNOMED: Final = re.compile(r"\d{6,18}")
_VERHOEFF_D: Final = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
        *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
    )
)
_VERHOEFF_P: Final = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        *(
            "0123456789",
            "1576283094",
            "5803796142",
            "8916043527",
            "9453126870",
            "4286573901",
            "2793806415",
            "7046913258",
        ),
    )
)


@cache
def meanings() -> frozenset[bytes]:
    """Meanings of several words that PS3.16 has; those of one word are looked at as any word is."""
    found = (meaning for scheme in concepts().values() for codes in scheme.values() for meaning, _ in codes.values())
    return frozenset(meaning.encode() for meaning in found if " " in meaning and meaning.isascii())


@cache
def _codes() -> frozenset[str]:
    return frozenset(code for scheme in concepts().values() for codes in scheme.values() for code in codes)


@cache
def _schemes() -> frozenset[str]:
    known = ("DCM", "SCT", "SRT", "SNM3", "UCUM", "LN", "FMA", "RADLEX", "NCIt", "UMLS", "ICD10", "ICDO3", "I9C", "I10")
    return frozenset((*concepts(), *known, "MSH", "BARI", "ACR", "ISO639_1", "ISO3166_1", "RFC3066", "RFC5646"))


def is_code(value: str) -> bool:
    """Whether it is a registered code, a SNOMED CT number that checks, a short numbered code, or known words."""
    if value in _codes() or _CODE.fullmatch(value):
        return True
    if _SNOMED.fullmatch(value):
        return _checked(value)
    return _ANYBODY.text(value, devices=True) == value


def _checked(digits: str) -> bool:
    """The check of SNOMED CT identifiers (Verhoeff)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _VERHOEFF_D[check][_VERHOEFF_P[place % 8][int(digit)]]
    return check == 0


def is_scheme(value: str) -> bool:
    """Whether it is a coding scheme that is registered, or 99 and a known name (PS3.16 8.2)."""
    name = value.removeprefix("99")
    return value in _schemes() or (bool(name) and _ANYBODY.text(name, devices=True) == name)
