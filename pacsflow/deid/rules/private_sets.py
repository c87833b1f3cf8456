"""Private elements known to be safe, or needed and cleaned, by creator (PS3.15 Table E.3.10-1 and named sets)."""

import json
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from pacsflow.deid.encoding.dictionary import PrivateTag, TagError, parse_private


@cache
def _sets() -> dict[str, Any]:
    text = files("pacsflow.deid").joinpath("tables/private_sets.json").read_text("utf-8")
    return dict(json.loads(text)["sets"])


def names() -> list[str]:
    """The shipped sets."""
    return sorted(_sets())


def private_tags(name: str) -> frozenset[PrivateTag]:
    """Elements of a shipped set, or the one element `(gggg,"CREATOR",ee)` names. Raises TagError."""
    if single := parse_private(name):
        return frozenset({single})
    if name not in _sets():
        near = get_close_matches(name, names(), n=1)
        raise TagError(
            f"no such set of private elements: {name}",
            f"write {near[0]}" if near else f'write one of {", ".join(names())} or (gggg,"CREATOR",ee)',
        )
    return frozenset(_expanded(_sets()[name]))


def _expanded(entry: dict[str, dict[str, str]]) -> Iterable[PrivateTag]:
    """Creator -> group -> element bytes `0c 0d 10-14`, in hexadecimal."""
    for creator, groups in entry.items():
        for group, elements in groups.items():
            for part in elements.split():
                first, _, last = part.partition("-")
                for number in range(int(first, 16), int(last or first, 16) + 1):
                    yield int(group, 16), creator, number
