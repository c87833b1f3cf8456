"""Clean Descriptors (PS3.15 E.3.5): the patient's own identifiers go, then every word that no list allows."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.header import decoded
from pacsflow.deid.vocabulary import vocabulary

_DATES: Final = re.compile(r"\d{1,4}\s*[./-]\s*\d{1,2}\s*[./-]\s*\d{0,4}|\d{1,2}\.\d{1,2}\.")
_PHONES: Final = re.compile(r"\+?\d[\d ()/-]{6,}")
_ADDRESSES: Final = re.compile(r"\S+@\S+|\w+://\S+|\S*[\\/]\S*[\\/]\S*")
_TOKEN: Final = re.compile(r"\d+[.,]\d+|[^\W_]+", re.UNICODE)
_NUMBER: Final = re.compile(r"\d{1,3}(?:[.,]\d{1,2})?(?:mm|cm|ms|s|min|hz|khz|mhz|kv|kvp|ma|mas|t|ml|mg|deg|fps|x)?")
_SHORT: Final = re.compile(r"(?:[ctls]|th)\d{1,2}|[rlx]")
_BETWEEN: Final = re.compile(r"[\s_\-./+*,;:()]*")


def plain(word: str) -> str:
    """The word in lower case, without diacritics."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@dataclass(frozen=True)
class Scrubber:
    """Cleans the free text of one patient's instances; `own` are plain words of the patient's own identifiers."""

    own: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Iterable[str]) -> "Scrubber":
        """A scrubber of these identifying values: names, ids, accession number, institution, physicians."""
        return cls(frozenset(plain(token) for value in values for token in _TOKEN.findall(value)))

    def clean(self, value: bytes, charsets: list[str]) -> bytes:
        """What is left of the text, in ASCII; separators stay between words that stay side by side."""
        text = decoded(value.strip(b" \0"), charsets)
        for pattern in (_ADDRESSES, _DATES, _PHONES):
            text = pattern.sub(" ", text)
        kept, end = "", -1
        for match in _TOKEN.finditer(text):
            word = plain(match[0])
            if not self._allowed(word):
                continue
            between = text[end : match.start()] if end >= 0 else ""
            kept += between if _BETWEEN.fullmatch(between) else " "
            kept += match[0] if match[0].isascii() else word
            end = match.end()
        return kept.strip().encode("ascii", "ignore")

    def _allowed(self, word: str) -> bool:
        if word in self.own or not word.isascii():
            return False
        return word in vocabulary() or bool(_NUMBER.fullmatch(word) or _SHORT.fullmatch(word))
