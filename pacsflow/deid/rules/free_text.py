"""Clean Descriptors (PS3.15 E.3.5): the patient's own identifiers go, then every word that no list allows."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pacsflow.deid.encoding.charsets import decoded
from pacsflow.deid.rules.people_in_text import GAP, without_people
from pacsflow.deid.vocabulary import PROTOCOL_WORDS, device_words, imaging_words, kept_words

_TOKEN: Final = re.compile(r"\d+[.,]\d+|[^\W_]+", re.UNICODE)
_RUN: Final = re.compile(r"[a-z]+|\d+(?:[.,]\d+)?")
_HUMP: Final = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z]+|[A-Z]|\d+")
_STRANGE: Final = re.compile(r"[^\t\n\f\r -~\w\u00b0\u00b2\u00b3\u00b7\u00d7\u2013\u2014]|[\0\x1b]")
"""Signs that are neither letters, digits nor common separators."""
_SEPARATORS: Final = " \t\n\f\r!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00b0\u00b2\u00b3\u00b7\u00d7\u2013\u2014"
_UNITS: Final = frozenset("mm cm ms s sec min hz khz mhz kv kvp ma mas t ml mg deg fps x gy cgy hu mgy um".split())  # noqa: SIM905
_WEIGHTS: Final = frozenset(("b", "bval", "te", "tr", "ti", "tm", "fov", "delta", "bvalue", "vps", "bw"))
"""What four digits may follow: b-values, times, fields of view."""
_BEFORE_NUMBER: Final = re.compile(r"(?<![^\W_])(?:b|bval|te|tr|ti|fov)[ _]?[=:]?[ _]?$", re.IGNORECASE)
_PAIRS: Final = {
    "white": {"matter", "blood"},
    "gray": {"matter"},
    "grey": {"matter", "scale"},
    "black": {"blood"},
    "bright": {"blood"},
    "golden": {"angle"},
    "long": {"axis", "bone", "bones", "leg", "legs"},
    "eddy": {"current", "currents"},
    "smart": {"prep", "brain"},
    "cortes": {"axiales", "coronales", "finos", "gruesos", "sagitales"},
    "dunne": {"coupes", "plakken"},
}
"""Words that are names by themselves, and what makes them words of imaging when it follows."""
_ACCENTED: Final = frozenset(("cr\u00e2ne", "c\u00f4t\u00e9"))
"""Words that are names without their accents."""
_ALSO_NAMES: Final = frozenset(
    (
        *(
            "beam",
            "block",
            "bone",
            "bravo",
            "child",
            "colon",
            "core",
            "dixon",
            "early",
            "field",
            "fine",
            "hand",
            "head",
        ),
        *(
            "high",
            "kiefer",
            "main",
            "marconi",
            "parkinson",
            "post",
            "quick",
            "real",
            "rocca",
            "rocher",
            "sharp",
            "short",
        ),
        *("small", "stem", "vessels"),
    )
)
"""Words of anatomy and protocols that are names not of few: behind a title, and not in capitals, they are that."""
_LONGEST: Final = 48
_PLAIN_NUMBER: Final = 3
_LONG_NUMBER: Final = 4
_SHORT_CODE: Final = 3
"""Digits of numbers; letters of codes as `VB13`."""
_CODE_LETTERS: Final = 5
"""Letters of no known word in a code, of all its parts together: more of them may be a name with digits in it."""
_CODE_PARTS: Final = 4
_MOST_RUNS: Final = 9
_REMEMBERED: Final = 4096


@lru_cache(16384)
def plain(word: str) -> str:
    """The word in lower case, without diacritics."""
    return _without_marks(word.casefold())


def _without_marks(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@dataclass(frozen=True)
class ProjectWords:
    """What a project's `vocabulary` keeps: plain words, and one expression of all its patterns, if any."""

    words: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, words: Iterable[str], patterns: Iterable[str]) -> "ProjectWords":
        """Of the words and patterns as written. Raises re.error for a pattern that is none."""
        tokens = frozenset(plain(token) for word in words for token in _TOKEN.findall(word))
        joined = "|".join(f"(?:{pattern})" for pattern in patterns)
        bounded = re.compile(rf"(?<![^\W_])(?:{joined})(?![^\W_])") if joined else None
        return cls(tokens, bounded)

    def found_in(self, text: str) -> list[str]:
        """The words and the parts that fit a pattern, as they stand in a text."""
        fitting = [match[0] for match in self.pattern.finditer(text)] if self.pattern else []
        return fitting + [token for token in _TOKEN.findall(text) if plain(token) in self.words]


def _sets() -> tuple[set[bytes], ...]:
    return (set(), set(), set(), set())


@dataclass(frozen=True)
class Scrubber:
    """Cleans the free text of one patient's instances; `own` are plain words of the patient's own identifiers."""

    own: frozenset[str] = frozenset()
    project: ProjectWords = ProjectWords()
    same: tuple[set[bytes], ...] = field(default_factory=_sets, compare=False, repr=False)
    """Values that stay as they are, for each way of looking at text (`unlisted`)."""
    items: dict[Any, dict[int, bytes | int]] = field(default_factory=dict, compare=False, repr=False)
    """Changes of small items that were met, by their bytes (`splice`)."""
    _cleaned: dict[tuple[bytes, str, bool], bytes] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, values: Iterable[str], project: ProjectWords = ProjectWords()) -> "Scrubber":
        """A scrubber of these identifying values: names, ids, accession number, institution, physicians."""
        return cls(frozenset(plain(token) for value in values for token in _TOKEN.findall(value)), project)

    def clean(self, value: bytes, charsets: list[str], *, devices: bool = False) -> bytes:
        """What is left of the text, in its character set; separators stay between words that stay side by side.

        `devices`: names of makers, models and software stay too, and short codes of letters and digits.
        """
        key = (value, charsets[0] if len(charsets) == 1 else "", devices)
        found = self._cleaned.get(key)
        if found is None:
            text = self.text(decoded(value.strip(b" \0"), charsets), devices=devices)
            found = _encoded(text, charsets)
            if len(self._cleaned) >= _REMEMBERED:
                self._cleaned.clear()
            self._cleaned[key] = found
        return found

    def text(self, text: str, *, devices: bool = False) -> str:
        """What is left of a text; what was taken out leaves one space."""
        pattern = self.project.pattern
        if pattern is None:
            return _joined(self._words(text, devices=devices))
        parts, done = list[str](), 0
        for match in pattern.finditer(text):
            parts.append(self._words(text[done : match.start()], devices=devices))
            parts.append(match[0] if self.own.isdisjoint(map(plain, _TOKEN.findall(match[0]))) else GAP)
            done = match.end()
        return _joined("".join(parts) + self._words(text[done:], devices=devices))

    def _words(self, text: str, *, devices: bool) -> str:
        """The text with GAP in the place of what may not stay."""
        text = without_people(_STRANGE.sub(GAP, text), _anchored, versions=devices)
        parts, done = list[str](), 0
        for match in _TOKEN.finditer(text):
            if not self._stays(match, devices=devices):
                parts += [text[done : match.start()], GAP]
                done = match.end()
        return "".join(parts) + text[done:]

    def _stays(self, match: re.Match[str], *, devices: bool) -> bool:
        token, word = match[0], plain(match[0])
        if word in self.own or len(word) > _LONGEST or not word.isascii():
            return False
        if self._listed(word, devices=devices) or token.casefold() in _ACCENTED or _weighted(match):
            return True
        if word in _PAIRS:
            follows = _TOKEN.search(match.string, match.end(), match.end() + _LONGEST)
            return follows is not None and plain(follows[0]) in _PAIRS[word]
        bare = _without_marks(token)
        humps = _HUMP.findall(bare)
        return self._all_known(_RUN.findall(word), devices=devices) or (
            "".join(humps) == bare and self._all_known([plain(hump) for hump in humps], devices=devices)
        )

    def _listed(self, word: str, *, devices: bool) -> bool:
        return word in self.project.words or word in kept_words() or (devices and word in device_words())

    def _all_known(self, runs: list[str], *, devices: bool) -> bool:
        """Whether a word put together of words and numbers, as `ep2d` or `HeadNeck`, says nothing of anybody."""
        if len(runs) > _MOST_RUNS or (len(runs) == 1 and len(runs[0]) > 1 and runs[0].isalpha()):
            return False
        before, unknown = "", 0
        for run in runs:
            if run in self.own or not self._run_known(run, before, devices=devices):
                return False
            unknown += len(run) if run.isalpha() and not self._named(run) else 0
            before = run
        return bool(runs) and unknown <= _CODE_LETTERS and not (unknown and len(runs) > _CODE_PARTS)

    def _named(self, run: str) -> bool:
        """Whether letters are a word that is known, not only short enough for a code."""
        return len(run) == 1 or run in _UNITS or self._listed(run, devices=True)

    def _run_known(self, run: str, before: str, *, devices: bool) -> bool:
        if run[0].isdigit():
            most = _LONG_NUMBER if devices or before in _WEIGHTS else _PLAIN_NUMBER
            return len(run.partition(".")[0].partition(",")[0]) <= most
        if len(run) == 1 or run in _UNITS or run in self.project.words or run in kept_words():
            return True
        return devices and (len(run) <= _SHORT_CODE or run in device_words())


def _weighted(match: re.Match[str]) -> bool:
    """Whether a number of four digits is a b-value or a time, as in `b=1000`."""
    if not match[0].isdecimal() or len(match[0]) > _LONG_NUMBER:
        return False
    return bool(_BEFORE_NUMBER.search(match.string[max(0, match.start() - _LONGEST) : match.start()]))


def _anchored(word: str) -> bool:
    """Whether a word is anatomy or protocol beyond doubt, so that no title takes it for a name."""
    found = plain(word)
    if word.istitle() and found in _ALSO_NAMES:
        return False
    return len(found) > 1 and (found in imaging_words() or found in PROTOCOL_WORDS) and found not in _PAIRS


def _joined(text: str) -> str:
    """Without gaps, and without the separators that stood around them."""
    pieces = text.split(GAP)
    first, last = 0, len(pieces) - 1
    stripped = (
        (piece if number == first else piece.lstrip(_SEPARATORS))
        if number == last
        else (piece.rstrip(_SEPARATORS) if number == first else piece.strip(_SEPARATORS))
        for number, piece in enumerate(pieces)
    )
    return " ".join(piece for piece in stripped if piece).strip()


def _encoded(text: str, charsets: list[str]) -> bytes:
    """In the character set of the dataset; in ASCII where it has several (ISO 2022), or none that fits."""
    if not text.isascii() and len(charsets) == 1:
        try:
            return text.encode(charsets[0])
        except (UnicodeError, LookupError):
            pass
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if letter.isascii()).encode("ascii")
