"""One action of a compound code, by the attribute's type in the instance's IOD (PS3.15 E.1.1, PS3.3 A)."""

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pacsflow.deid.encoding.dictionary import VR_OF

FITTING: Final = {"1": "DZX", "2": "ZDX", "3": "XZD"}
"""Type -> actions that keep the instance valid, the one that leaves least first."""


@cache
def _table() -> dict[str, Any]:
    return dict(json.loads(files("pacsflow.deid").joinpath("tables/iod_types.json").read_text("utf-8")))


@cache
def classes() -> frozenset[str]:
    """UIDs of the SOP classes that PS3.3 has an IOD for, those newer than pydicom's list too."""
    return frozenset(_table()["classes"])


def resolver(sop_class: str) -> Callable[[int, str], str]:
    """What picks one letter of a compound code for instances of a SOP class.

    A SOP class that PS3.3 does not name is treated as if it needed every attribute.
    """
    digits = _table()["classes"].get(sop_class)
    if digits is None:
        return conservative
    types = {int(tag, 16): digit for tag, digit in zip(_table()["tags"], digits, strict=True)}

    def resolved(tag: int, letters: str) -> str:
        if "/" not in letters or "U" in letters:
            return conservative(tag, letters)
        return next(letter for letter in FITTING[types[tag]] if letter in letters)

    return resolved


def conservative(tag: int, letters: str) -> str:
    """One letter of a code where the attribute's type is not known: what keeps the instance valid.

    D satisfies every type, Z types 2 and 3; a sequence of references stays, its UIDs replaced.
    """
    if "U" in letters:
        return "U"
    return "Z" if VR_OF[tag] == "SQ" and "Z" in letters else letters[-1]
