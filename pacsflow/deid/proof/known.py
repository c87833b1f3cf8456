"""What a project knows of its patients, made ready to be searched for in many files."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pacsflow.deid.encoding.days import day_of, readings
from pacsflow.deid.proof.search_terms import KINDS, Needle, needles
from pacsflow.deid.proof.spoken import Terms, plain, terms_of
from pacsflow.deid.vocabulary import WELL_KNOWN, vocabulary

BIRTH_DATE: Final = 0x00100030
_UTF8: Final = b"ISO_IR 192"
_FEW: Final = 64


@dataclass(frozen=True)
class Facts:
    """Of one project: identifying values by tag, original UIDs, pseudonyms with the birth date behind them or ''."""

    values: frozenset[tuple[int, str]] = field(repr=False)
    uids: frozenset[str] = field(repr=False)
    pseudonyms: Mapping[str, str] = field(repr=False)


class Known:
    """The facts as needles. `ordinary` counts name words that are DICOM's own words too, which are not searched."""

    def __init__(self, facts: Facts) -> None:
        self.pseudonyms, self.uids = facts.pseudonyms, facts.uids - WELL_KNOWN
        self.ours = frozenset(pseudonym.lower() for pseudonym in facts.pseudonyms)
        found = _needles((tag, text) for tag, text in facts.values if tag in KINDS and tag != BIRTH_DATE)
        common = {n for n in found if n.kind == "name" and n.word.lower() in vocabulary()}
        self.ordinary = len({n.word.lower() for n in common})
        self.words = len({n.word.lower() for n in found}) - self.ordinary
        told = terms_of(
            tuple(sorted(each for each in _encoded(facts.values) if each[0] != BIRTH_DATE)), frozenset(), _UTF8
        ).terms
        self._terms = tuple(each for each in told if each.kind != "name" or each.text not in vocabulary())
        self._births = {
            pseudonym: readings(day) for pseudonym, birth in facts.pseudonyms.items() if (day := day_of(birth))
        }
        self._by_length: dict[int, dict[bytes, Needle]] = {}
        for needle in found:
            if needle not in common:
                self._by_length.setdefault(len(needle.text), {})[needle.text] = needle

    def found_in(self, hay: bytes) -> Iterator[Needle]:
        """The needles that stand in lower-case bytes, in a time that hangs on the bytes and not on the patients."""
        for length, wanted in self._by_length.items():
            if len(wanted) < _FEW:
                yield from (needle for text, needle in wanted.items() if text in hay)
            else:
                windows = {hay[start : start + length] for start in range(len(hay) - length + 1)}
                yield from (wanted[text] for text in windows & wanted.keys())

    def terms(self, text: str, pseudonym: str, charset: bytes) -> Terms:
        """What decoded text may tell: terms that stand in it, and birth dates.

        `pseudonym`: whose file it is. Without one, of those who stand in the text, and of everybody where the project
        has few patients: of many, each day is somebody's birthday.
        """
        hay = plain(text)
        tight = hay.replace(" ", "")
        stand = tuple(each for each in self._terms if each.text in hay or each.text in tight)
        whose = {pseudonym} if pseudonym else {each for each in self._births if each.casefold() in text.casefold()}
        if not pseudonym and len(self._births) <= _FEW:
            whose = set(self._births)
        days = frozenset(day for each in whose for day in self._births.get(each, ()))
        return Terms(stand, days, charset)

    def births(self, pseudonym: str) -> tuple[Needle, ...]:
        """The birth date behind a pseudonym, in the spellings people use."""
        return _needles([(BIRTH_DATE, self.pseudonyms.get(pseudonym, ""))])


def _needles(values: Iterable[tuple[int, str]]) -> tuple[Needle, ...]:
    return needles(tuple(sorted(_encoded(values))), _UTF8)


def _encoded(values: Iterable[tuple[int, str]]) -> Iterator[tuple[int, bytes]]:
    return ((tag, text.encode()) for tag, text in values if text and tag in KINDS)
