"""What stands on the pages, in English, German and French: one table, a part of it per page."""

from functools import cache
from pkgutil import iter_modules, resolve_name
from typing import Final

from pacsflow.wording import Count

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "fr": "Français"}
Words = dict[str, tuple[str, str]]
"""English -> German, French. `{name}` stands for a fact, `{name:row|rows}` for a number of them."""


def said(language: str, english: str, **facts: object) -> str:
    """A text in a language; in English where there is no translation of it."""
    text = english
    if language != "en" and (found := table().get(english)):
        text = found[list(LANGUAGES).index(language) - 1]
    told = {name: Count(fact) if isinstance(fact, int) else fact for name, fact in facts.items()}
    return text.format(**told) if told else text


def preferred(header: str) -> str:
    """The first language of an Accept-Language header (RFC 9110 12.5.4) that there is; else English."""
    for each in header.split(","):
        if (name := each.split(";")[0].strip().lower()[:2]) in LANGUAGES:
            return name
    return "en"


@cache
def table() -> Words:
    """All words: `WORDS` of each module of this folder."""
    found: Words = {}
    for each in iter_modules(__path__):
        found |= resolve_name(f"{__name__}.{each.name}:WORDS")
    return found
