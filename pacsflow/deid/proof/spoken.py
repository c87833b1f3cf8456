"""Decoded text of finished elements, searched for the patient in more spellings than bytes show.

Names that are broken at the end of a line, written together, with an initial, in full or half width; short names as a
whole; ids with other separators; days and times in words and in any order.
"""

import re
import unicodedata
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from pacsflow.deid.encoding.charsets import decoded, encodings
from pacsflow.deid.encoding.days import Day, day_of, days_in, readings
from pacsflow.deid.proof.search_terms import (
    KINDS,
    PLACEHOLDERS,
    SHORTEST_ID,
    SHORTEST_NAME,
    TITLES,
    Kind,
    folded,
    readable,
    vendor_or_placeholder,
)
from pacsflow.deid.vocabulary import VENDORS, vocabulary
from pacsflow.errors import RefusalError

_BROKEN: Final = re.compile(r"[-\u2010\u2011]\s*[\r\n]+\s*")
_LINES: Final = re.compile(r"[\r\n]+")
_SOFT: Final = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_BETWEEN: Final = re.compile(r"[\W_]+")
_ADDRESSED: Final = (
    *("mr", "mrs", "ms", "miss", "dr", "prof", "herr", "herrn", "frau", "hr", "fr", "mme", "mlle", "m", "monsieur"),
    *(
        "doctor",
        "doktor",
        "docteur",
        "dott",
        "dottore",
        "dottoressa",
        "professor",
        "professeur",
        "sir",
        "mister",
        "miss",
    ),
    *(
        "mevrouw",
        "meneer",
        "mw",
        "patientin",
        "paziente",
        "paciente",
        "patiente",
        "madame",
        "sig",
        "signor",
        "signora",
        "sr",
        "sra",
        "senor",
        "senora",
        "dhr",
        "mevr",
        "pat",
        "patient",
        "name",
    ),
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_TWO_LETTERS: Final = 2
_JOINED: Final = 6
_NUMERIC: Final = 7
_GROUPS: Final = re.compile(r"\d{1,4}(?: \d{1,4}){1,9}")
_LONG_RUN: Final = re.compile(r"[0-9]{5,}")
_DISTINCT: Final = 5
_GENERIC: Final = frozenset(
    """
    academic allgemeine anstalt associates azienda campus cancer cantonal cantonale cardiology center centers centre
    centro child children childrens chirurgie city clinic clinica clinical clinics clinique college community county
    department diagnostic diagnostics diagnostico district division europe faculty federal foundation fondation
    france fundacion general germany gesellschaft group health healthcare hopital hopitaux hospital hospitalier
    hospitals imagerie imaging infirmary institut institute instituto international istituto italia kantonsspital
    klinik kliniken klinikum krankenhaus laboratory london medical medicale medicine medico medicum medizin medizinische
    memorial national neurology north northern nuclear ospedale pediatric policlinico poliklinik practice praxis private
    public radiologia radiologie radiological radiology region regional research royal saint sanatorium school science
    sciences service services servizio sociedad society south southern spital state stiftung street suisse swiss
    switzerland system systems trust unite united universidad universita universitaire universitat universitatsklinikum
    universite universitair university universitatsspital universitaetsklinikum universitaetsspital veterans western
    women zentrum ziekenhuis
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""Words of names of institutions that tell none from the others."""
_INSTITUTION: Final = 0x00080080
_WRITTEN_TOGETHER: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")


TERMS_AT_MOST: Final = 10_000
"""Of one value: each is looked for in each text, and the words of one name are searched for in pairs, too."""
UID: Final = "uid"
_SPACED_UID: Final = re.compile(r"(?<!\S)[0-2](?: \d{1,40}){5,30}(?!\S)")
_DAY_AND_MONTH: Final = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.(?!\d)")
"""A day without its year, as in German."""
_CUT: Final = 6
"""Letters of the beginning of a name that tell it."""
_ALIKE: Final = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u043a\u043c\u043d\u0442\u0432\u03b1\u03b2\u03b5\u03b6\u03b7\u03b9\u03ba\u03bc\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7",
    "aeopcyxijsdkmhtbabezhikmnoptyx",
)
"""Letters of other scripts that look like Latin ones, small or capital."""
_PACKED: Final = re.compile(
    r"(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{4}){2,64}(?:[A-Za-z0-9+/]{2,3})?={0,2}(?![A-Za-z0-9+/=])"
)
_HEX: Final = re.compile(r"(?<![0-9A-Fa-f])(?:[0-9A-Fa-f]{2}){4,64}(?![0-9A-Fa-f])")
_HEX_NUMBER: Final = re.compile(r"(?<![0-9A-Za-z])0[xX]([0-9A-Fa-f]{4,14})(?![0-9A-Za-z])")
_PRINTED: Final = re.compile(rb"[ -~]{4,}")


class Term(NamedTuple):
    """What to search for in plain text, in which of its forms, and of what kind it is."""

    text: str
    form: str
    """number: no digit beside it; word: nothing but an initial beside it; whole: alone; value: it is all there is;
    joined: anywhere; grouped: its digits, with gaps between them; cut: its beginning; uid: a UID, however separated."""
    kind: Kind


@dataclass(frozen=True, eq=False)
class Terms:
    """All terms of an instance's patient, and the days that must not be told."""

    terms: tuple[Term, ...]
    days: frozenset[Day]
    charset: bytes

    def told_in(self, value: bytes) -> Iterator[Term]:
        """The terms that stand in an encoded value; a day, and each UID (whosever: `UID`), as terms of their own."""
        for text in _joined(readings_of(value, self.charset)):
            hay, tight = plain(text), _BETWEEN.sub("", _folded_width(_BROKEN.sub("", text)))
            yield from (term for term in self.terms if _stands(term, hay, tight))
            yield from (Term(found.replace(" ", "."), UID, "id") for found in _SPACED_UID.findall(hay))
            if self.days and self._tells_a_day(hay_of_days(text)):
                yield Term("", "whole", "birth date")

    def _tells_a_day(self, text: str) -> bool:
        if not self.days.isdisjoint(days_in(text)):
            return True
        told = {(int(month), int(day)) for day, month in _DAY_AND_MONTH.findall(text)}
        return bool(told) and any(day[1:] in told for day in self.days)


def _joined(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Texts, and again without the ends of their lines, which may stand within a name."""
    return texts + tuple(_LINES.sub("", text) for text in texts if "\n" in text or "\r" in text)


def hay_of_days(text: str) -> str:
    """Text in which days are looked for: no line breaks, no control characters."""
    return re.sub(r"[\s\0-\x1f]+", " ", _folded_width(text))


def plain(text: str) -> str:
    """Words in lower case with one space between them, and at both ends; what a line's end broke is put together."""
    return f" {_BETWEEN.sub(' ', _folded_width(_BROKEN.sub('', text))).strip()} "


def _folded_width(text: str) -> str:
    folded_text = _SOFT.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return folded_text if folded_text.isascii() else folded_text.translate(_ALIKE)


@lru_cache(4096)
def readings_of(value: bytes, charset: bytes) -> tuple[str, ...]:
    """The value decoded: as its character set says, as UTF-8, and without diacritics."""
    value = readable(value)[-1] if b"\0" in value else value
    if value.isascii() and b"\x1b" not in value:
        text = value.decode("ascii")
        return (text, *_unpacked(text))
    texts = {decoded(value, encodings(charset))}
    for encoding in ("utf-8", "latin-1"):
        try:
            texts.add(value.decode(encoding))
        except UnicodeError:
            continue
    return tuple(sorted(texts | {spelling for text in texts for spelling in folded(text)}))


def _unpacked(text: str) -> Iterator[str]:
    """What a text says in base64, in hexadecimal digits or in UTF-7."""
    if len(text) < _CUT:
        return
    yield from (str(int(number, 16)) for number in _HEX_NUMBER.findall(text))
    for match in _HEX.finditer(text):
        if _PRINTED.fullmatch(raw := bytes.fromhex(match[0])):
            yield raw.decode("ascii")
    for match in _PACKED.finditer(text):
        word = match[0].rstrip("=")
        raw = b64decode(word + "=" * (-len(word) % 4))
        if _PRINTED.fullmatch(raw):
            yield raw.decode("ascii")
    if "+" in text and "-" in text:
        with suppress(UnicodeError):
            yield text.encode("ascii").decode("utf-7")


def _stands(term: Term, hay: str, tight: str) -> bool:
    if term.form == "value":
        return hay.strip() == term.text
    if term.form == "whole":
        return f" {term.text} " in hay
    if term.form == "number":
        return term.text in hay and bool(re.search(rf"(?<!\d)0*{term.text}(?!\d)", hay))
    if term.form == "grouped":
        return any(re.sub(r"\D", "", run).lstrip("0") == term.text for run in _GROUPS.findall(hay))
    if term.form == "joined":
        return term.text in tight
    return _begun(term.text, hay) if term.form == "cut" else term.text in hay and _with_an_initial(term.text, hay)


def _begun(word: str, hay: str) -> bool:
    """Whether a name's beginning stands there, as in a code of some letters and a number."""
    if word[:_CUT] not in hay:
        return False
    runs = (run for run in _LETTERS.findall(hay) if len(run) >= _CUT and word.startswith(run))
    return any(run not in vocabulary() for run in runs)


def _with_an_initial(word: str, hay: str) -> bool:
    """Whether the word stands there alone, beside digits, or with one letter before or behind it, as `sbauer01`."""
    spare = 1 if len(word) > SHORTEST_NAME else 0
    runs = (run for run in _LETTERS.findall(hay) if word in run)
    return any(len(run) - len(word) <= spare and (run == word or run not in vocabulary()) for run in runs)


@lru_cache(1024)
def terms_of(values: tuple[tuple[int, bytes], ...], dates: frozenset[bytes], charset: bytes) -> Terms:
    """Terms of (tag, encoded value) pairs, and of the encoded dates. RefusalError where one has too many."""
    found: set[Term] = set()
    days = {day for value in dates if (day := day_of(value.decode("latin-1")))}
    for tag, value in values:
        for text in {text for part in readable(value) for text in _texts(part, charset)}:
            if KINDS[tag] == "birth date" and (day := day_of(text)):
                days.add(day)
            else:
                terms = set(islice(_terms(KINDS[tag], text), TERMS_AT_MOST + 1))
                if len(terms) > TERMS_AT_MOST:
                    raise RefusalError(f"too large: a name or id of more than {TERMS_AT_MOST} words to search for")
                found.update(terms, _distinctive(text) if tag == _INSTITUTION else ())
    return Terms(tuple(sorted(found)), frozenset(each for day in days for each in readings(day)), charset)


def _texts(value: bytes, charset: bytes) -> set[str]:
    texts = {decoded(value, encodings(charset))}
    if not value.isascii():
        with suppress(UnicodeError):
            texts.add(value.decode("utf-8"))
    return texts


def _terms(kind: Kind, text: str) -> Iterator[Term]:
    if kind == "name":
        yield from (term for person in text.split("\\") for group in person.split("=") for term in _names(group))
    elif kind == "place":
        for line in re.split(r"[\\\r\n]+", text):
            whole = plain(line).strip()
            if whole and not vendor_or_placeholder(line):
                yield Term(whole, "whole" if len(whole) >= SHORTEST_ID else "value", kind)
    else:
        yield from (term for each in text.split("\\") for term in _identifiers(each, kind))


def _distinctive(text: str) -> Iterator[Term]:
    """Words by which an institution is known alone, as that of its town."""
    if not vendor_or_placeholder(text):
        for word in plain(text).split():
            known = _GENERIC | PLACEHOLDERS | VENDORS | vocabulary()
            if len(word) >= _DISTINCT and word.isalpha() and known.isdisjoint({word, *folded(word)}):
                yield Term(word, "word", "place")


def _names(text: str) -> Iterator[Term]:
    words = [word for word in plain(text).split() if word not in PLACEHOLDERS]
    yield from (Term(word, "cut", "name") for word in words if len(word) > _CUT and word.isascii())
    telling = [word for word in words if word not in TITLES]
    for word in telling:
        if _written_together(word):
            yield Term(word, "joined" if len(word) > 1 else "whole", "name")
        elif len(word) >= SHORTEST_NAME:
            yield Term(word, "word", "name")
    if words and not telling:
        yield Term(" ".join(words), "whole", "name")
    short = [word for word in telling if len(word) < SHORTEST_NAME and not _written_together(word)]
    for word in short:
        yield Term(word, "value", "name")
        # Two single letters, as `m o` for O'Connor, stand in pixels and in random pseudonyms by chance.
        titles = (title for title in _ADDRESSED if len(title + word) > _TWO_LETTERS)
        yield from (Term(f"{title} {word}", "whole", "name") for title in titles)
    for first, second in _pairs(telling):
        by_chance = len(first + second) == _TWO_LETTERS < len(telling)
        if (first in short or second in short) and not by_chance:
            yield Term(f"{first} {second}", "whole", "name")
        if len(first + second) >= _JOINED or _written_together(first):
            yield Term(first + second, "joined", "name")


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    return ((first, second) for first in words for second in words if first != second or len(words) == 1)


def _written_together(word: str) -> bool:
    """Whether the word is in a script that leaves no gaps."""
    return not word.isascii() and unicodedata.name(word[0], "").startswith(_WRITTEN_TOGETHER)


def _identifiers(text: str, kind: Kind) -> Iterator[Term]:
    whole = plain(text).strip()
    tight = whole.replace(" ", "")
    if not whole or tight in PLACEHOLDERS or whole in PLACEHOLDERS:
        return
    for run in _LONG_RUN.findall(whole):
        yield Term(run, "number", kind)
        if len(run.lstrip("0")) >= _JOINED:
            yield Term(run.lstrip("0"), "grouped", kind)
    if len(tight) >= (SHORTEST_ID if tight.isdecimal() else SHORTEST_NAME):
        yield Term(whole, "whole", kind)
        yield Term(tight, "whole", kind)
        if len(tight) >= (_NUMERIC if tight.isdecimal() else _JOINED):
            yield Term(tight, "joined", kind)
    else:
        yield from (Term(form, "value", kind) for form in (whole, tight))
        yield from (
            Term(f"{word} {whole}", "whole", kind) for word in ("id", "pid", "pat", "patient", "mrn", "no", "nr")
        )
