"""What the standard's own codes mean (PS3.16), and what an item keeps of which no text, code or id may stay."""

from functools import cache
from typing import Final

from pacsflow.attributes import concepts
from pacsflow.deid.encoding.values import DUMMY
from pacsflow.deid.encoding.walk import NAME, Buffer, Level
from pacsflow.deid.rules.actions import Answer

CODE_VALUE: Final = 0x00080100
SCHEME: Final = 0x00080102
VERSION: Final = 0x00080103
MEANING: Final = 0x00080104
_TRIPLE: Final = frozenset({CODE_VALUE, SCHEME})
CODE: Final = frozenset({CODE_VALUE, SCHEME, VERSION, MEANING})
"""What an item is made of that says a code and nothing else."""
_TERMS: Final[dict[int, frozenset[str]]] = {
    0x0040A010: frozenset(  # RelationshipType
        (
            "CONTAINS",
            "HAS OBS CONTEXT",
            "HAS ACQ CONTEXT",
            "HAS CONCEPT MOD",
            "HAS PROPERTIES",
            "INFERRED FROM",
            "SELECTED FROM",
        )
    ),
    0x0040A040: frozenset(  # ValueType
        (
            "TEXT",
            "NUM",
            "CODE",
            "DATETIME",
            "DATE",
            "TIME",
            "UIDREF",
            "PNAME",
            "COMPOSITE",
            "IMAGE",
            "WAVEFORM",
            "SCOORD",
            "SCOORD3D",
            "TCOORD",
            "CONTAINER",
            "TABLE",
        )
    ),
    0x0040A050: frozenset(("SEPARATE", "CONTINUOUS")),  # ContinuityOfContent
    0x00700005: frozenset(("PIXEL", "DISPLAY", "MATRIX")),  # GraphicAnnotationUnits
    0x00700023: frozenset(("POINT", "POLYLINE", "INTERPOLATED", "CIRCLE", "ELLIPSE", "MULTIPOINT", "POLYGON")),
}
"""Enumerated values that tell how an item is built: relationship, value type, continuity, graphics' units and type."""


@cache
def _meanings() -> dict[tuple[str, str], str]:
    return {
        (code, scheme): meaning
        for scheme, codes in concepts().items()
        for entries in codes.values()
        for code, (meaning, _) in entries.items()
    }


def standard_meaning(buffer: Buffer, level: Level) -> str:
    """Code Meaning that PS3.16 gives the code of an item; empty where the code is nobody's but the sender's."""
    if not level.elements.keys() >= _TRIPLE:
        return ""
    code, scheme = (text_of(buffer, level, tag) for tag in (CODE_VALUE, SCHEME))
    return _meanings().get((code, scheme), "")


def text_of(buffer: Buffer, level: Level, tag: int) -> str:
    """The value as ASCII, without padding; empty where it is absent."""
    span = level.elements.get(tag)
    return bytes(buffer[span[2] : span[3]]).decode("latin-1").strip(" \0") if span else ""


def dummy(buffer: Buffer, level: Level, tag: int, meaning: str) -> Answer:
    """What stands for an element of text in an item of action D: nothing of the original's (PS3.15 E.1.1).

    A code of the standard stays, with `meaning`, the standard's own; so do the terms that tell how an item is built.
    """
    vr = NAME[level.elements[tag][0]]
    if meaning and tag in _TRIPLE:
        return text_of(buffer, level, tag).encode("ascii")
    if meaning and tag in (VERSION, MEANING):
        return meaning.encode("ascii", "replace") if tag == MEANING else b""
    if text_of(buffer, level, tag) in _TERMS.get(tag, ()):
        return text_of(buffer, level, tag).encode("ascii")
    return DUMMY[vr]
