"""What of the words that were read in a picture is personal: the patient's own, or what looks like it."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from pacsflow.deid.vocabulary import kept_words

_SHORTEST: Final = 3
_FUZZY: Final = 4
"""Letters from which on a word may differ by one."""
_PLAIN_WORD: Final = 4
"""Letters of a word that nobody knows, from which on it may be a name."""
SURE: Final = 0.7
"""How sure the reader must be of a word before it is held for a name because nobody knows it."""
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
_MONTH: Final = r"(?:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*"
_LOOKS: Final = re.compile(
    r"\d{1,4}\s?[-./:]\s?\d{1,2}\s?[-./:]\s?\d{1,4}"  # dates and times
    rf"|\d{{1,2}}[-. ]*{_MONTH}[-., ]*\d{{2,4}}|{_MONTH}[-. ]*\d{{1,2}}[-., ]+\d{{2,4}}"
    r"|\d{1,2}:\d{2}"
    r"|(?:\d[ -]?){6,}|\d{5,}"  # numbers of patients, studies, telephones
    r"|[a-z]{1,4}[-: ]?\d{4,}"
    r"|[^\W\d_]{2,}\s*[\^,]\s*[^\W\d_]{2,}"  # Name^Given, Name, Given
    r"|\b(?:name|patient|dob|born|birth|mrn|pid|accession|acc|dr|prof|physician|operator|hospital|klinik|clinic"
    r"|universit\w*|institut\w*|med(?:ical)? cent\w*|street|str|stra(?:ss|ß)e|tel|phone|m(?:rs?|iss)|geb)\b[.:]?"
    r"|\b\d{2,3}\s?y(?:rs?|ears?)?\b",
    re.IGNORECASE,
)
_CONFUSED: Final = str.maketrans("015|i8", "olsllb")
_FOREIGN: Final = re.compile(r"[^\W\d_\u0000-\u024f\u0370-\u03ff\u1e00-\u1eff]")
"""A letter that is neither Latin nor Greek, which stands in units and angles."""
_OTHER_SCRIPT: Final = re.compile(f"{_FOREIGN.pattern}{{2,}}")
_BLANKS: Final = re.compile(r"\s{2}")
_NUMERAL: Final = 6
"""Digits of one word, points and strokes between them not counted, from which on it is no measurement."""
_RINGS: Final = frozenset("0ocdge8369①②③④⑤⑥⑦⑧⑨⑩φ@©®日目の口ロ回曰田白〇")
"""What sections of vertebrae, skulls, vessels and cells are read as."""


def search_words(values: Iterable[str]) -> frozenset[str]:
    """The words by which values of a header are found again: names, numbers, places."""
    found = {word for value in values for word in _WORDS.findall(plainly(value))}
    joined = {joint for value in values if len(joint := "".join(_WORDS.findall(plainly(value)))) <= 64}  # noqa: PLR2004
    kept = kept_words()
    return frozenset(
        word
        for word in found | joined
        if (len(word) >= (_SHORTEST if word.isalpha() else _FUZZY) and word not in kept) or _short_of_script(word)
    )


def _short_of_script(word: str) -> bool:
    """Names in Chinese letters are short."""
    return bool(word) and ord(word[0]) >= 0x2E80  # noqa: PLR2004


def plainly(text: str) -> str:
    """Small letters without marks."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(each for each in apart if not unicodedata.combining(each)))


def own(text: str, words: frozenset[str]) -> bool:
    """Whether what was read holds one of the patient's words, or one that differs by a letter."""
    return _holds_word(plainly(text), words) or _holds_word(_alike(plainly(text)), frozenset(map(_alike, words)))


def _alike(text: str) -> str:
    """Letters and digits that readers take for each other as one."""
    return text.replace("rn", "m").translate(_CONFUSED)


def _holds_word(said: str, words: frozenset[str]) -> bool:
    read = _WORDS.findall(said)
    joined = "".join(read)
    if any(word in joined for word in words if len(word) > _FUZZY or _short_of_script(word)):
        return True
    return any(_near(one, word) for one in (*read, joined) for word in words)


def looks_personal(text: str, score: float) -> bool:
    """Whether it looks like a date, a number, a label, an address, or a word that nobody knows."""
    if _LOOKS.search(text) or (score >= SURE and _OTHER_SCRIPT.search(text)):
        return True
    return score >= SURE and any(_unknown(word) for word in re.findall(r"[^\W\d_]+", plainly(text)))


def text_like(text: str) -> bool:
    """Whether it is more than the rings and bars that a reader sees in bodies: 0000, OOO, 888."""
    signs = {each for each in plainly(text) if each.isalnum()}
    return sum(map(str.isalnum, text)) > 2 and (len(signs - _RINGS) > 1 or len(signs) > 3)  # noqa: PLR2004


def unknown_letters(text: str) -> bool:
    """Whether the reader saw letters that it does not know: it gives blanks for them (Cyrillic, Arabic, Thai, …)."""
    return bool(text) and not text.strip()


def harmless(text: str, score: float) -> bool:
    """Whether it was read well, and each word is one of imaging: what may stay beside what is personal."""
    if score < SURE or text != text.strip() or _BLANKS.search(text) or _FOREIGN.search(text) or _LOOKS.search(text):
        return False
    said = plainly(text)
    if any(sum(map(str.isdigit, each)) >= _NUMERAL for each in said.split()):
        return False
    words = _WORDS.findall(said)
    return bool(words) and not any(len(word) > 1 and not word.isdigit() and not _known(word) for word in words)


@lru_cache(4096)
def _known(word: str) -> bool:
    known = kept_words()
    return word in known or any(
        word.endswith(end) and word.removesuffix(end) in known for end in ("s", "es", "ed", "ing")
    )


def _unknown(word: str) -> bool:
    return len(word) >= _PLAIN_WORD and not _known(word)


@lru_cache(16384)
def _near(one: str, other: str) -> bool:
    """Whether two words are the same but for one letter; short ones are the same."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _FUZZY or len(long) - len(short) > 1:
        return False
    at = next((place for place, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short))
    return short[at:] == long[at + 1 :] or short[at + 1 :] == long[at + 1 :]
