"""The patient's own values in every spelling they may be left in: what verification searches for."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from pacsflow.deid.encoding.charsets import decoded, encodings
from pacsflow.deid.encoding.days import day_of
from pacsflow.deid.vocabulary import VENDORS

Kind = Literal["name", "id", "place", "birth date"]

KINDS: Final[dict[int, Kind]] = {
    0x00100010: "name",  # Patient's Name
    0x00101001: "name",  # Other Patient Names
    0x00101005: "name",  # Patient's Birth Name
    0x00101060: "name",  # Patient's Mother's Birth Name
    0x00102297: "name",  # Responsible Person
    0x00080090: "name",  # Referring Physician's Name
    0x00081048: "name",  # Physician(s) of Record
    0x00081050: "name",  # Performing Physician's Name
    0x00081060: "name",  # Name of Physician(s) Reading Study
    0x00081070: "name",  # Operators' Name
    0x00321032: "name",  # Requesting Physician
    0x00400006: "name",  # Scheduled Performing Physician's Name
    0x00402008: "name",  # Order Entered By
    0x0040A123: "name",  # Person Name
    0x00100020: "id",  # Patient ID
    0x00101000: "id",  # Other Patient IDs
    0x00080050: "id",  # Accession Number
    0x00101090: "id",  # Medical Record Locator
    0x00380010: "id",  # Admission ID
    0x00401001: "id",  # Requested Procedure ID
    0x00402016: "id",  # Placer Order Number
    0x00402017: "id",  # Filler Order Number
    0x00102154: "id",  # Patient's Telephone Numbers
    0x00101040: "place",  # Patient's Address
    0x00080080: "place",  # Institution Name
    0x00080081: "place",  # Institution Address
    0x00100033: "id",  # Patient's Birth Date in Alternative Calendar
    0x00100034: "id",  # Patient's Death Date in Alternative Calendar
    0x00100030: "birth date",  # Patient's Birth Date
}
"""Attributes whose original values must not be found anywhere in the result."""

SHORTEST_NAME: Final = 3
SHORTEST_ID: Final = 4
SHORTEST_NUMBER: Final = 5
SHORTEST_PLACE: Final = 6
TITLES: Final = frozenset(
    (
        "dr",
        "prof",
        "med",
        "phd",
        "mrs",
        "miss",
        "mister",
        "sir",
        "the",
        "von",
        "van",
        "der",
        "den",
        "del",
        "and",
        "jun",
        "sen",
    )
)
_WORDS: Final = re.compile(r"(?<!\w)[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?!\w)")
_ESCAPE: Final = re.compile(rb"\x1b[ -/]+[0-~]")
_CONTROL: Final = re.compile(rb"[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]+")
"""Control bytes that no text holds (PS3.5 6.1.3); ESC begins another character set."""
_SPLIT: Final = re.compile(r"[\\^=\s,;/()]+")


PLACEHOLDERS: Final = frozenset(
    """
    anon anonym anonymised anonymized anonymous anonymization deid deidentified de-identified hidden masked n/a na nil
    none null patient phantom pseudonymized pseudonymised redacted removed subject test unknown unnamed volunteer
    withheld xxx xxxx xxxxx xxxxxx
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""What others wrote in place of an identifier; it stands in many elements and tells nothing."""


class Needle(NamedTuple):
    """Bytes to search for, in lower case where they are ASCII, and what they are part of."""

    text: bytes
    kind: Kind
    word: str


@lru_cache(1024)
def needles(values: tuple[tuple[int, bytes], ...], charset: bytes) -> tuple[Needle, ...]:
    """Needles of (tag, encoded value) pairs in a Specific Character Set, without doubles, longest first."""
    found = {needle for tag, value in values for needle in _needles(KINDS[tag], value, charset)}
    return tuple(sorted(found, key=lambda needle: (-len(needle.text), needle)))


def _needles(kind: Kind, value: bytes, charset: bytes) -> Iterator[Needle]:
    for part in readable(value):
        yield from _of_part(kind, part, charset)


def readable(value: bytes) -> list[bytes]:
    """What of a value can be text: its parts between control bytes, and last all of them together.

    Old equipment pads with NUL, and what stands behind it is read by some; UTF-16 has a NUL beside every letter.
    """
    value = value.strip(b" \0")
    if not _CONTROL.search(value):
        return [value]
    return [part for each in _CONTROL.split(value) if (part := each.strip())] + [_CONTROL.sub(b"", value)]


def searchable(value: bytes, charset: bytes) -> bool:
    """Whether a value holds letters or digits to search for, or says nothing: empty, or marks alone."""
    if not value.strip(b" \0\t\r\n\f"):
        return True
    text = decoded(readable(value)[-1], encodings(charset)).strip()
    marks = text.isascii() and not _CONTROL.search(value.strip(b" \0"))
    return marks or any(letter.isalnum() for letter in text)


def _of_part(kind: Kind, value: bytes, charset: bytes) -> Iterator[Needle]:
    text = decoded(value, encodings(charset)).strip()
    texts = {text}
    if not value.isascii():
        with suppress(UnicodeError):
            texts.add(value.decode("utf-8"))
    for word in {word for each in texts for word in spellings(kind, each)}:
        for raw in _encoded(word) | _as_here(word, charset):
            yield Needle(raw.lower(), kind, word)
    if not value.isascii() or b"\x1b" in value:
        raws = (part.strip() for part in re.split(rb"[\\^= ]", value))
        yield from (Needle(raw.lower(), kind, "") for raw in raws if len(raw) >= SHORTEST_ID and not raw.isascii())


def spellings(kind: Kind, text: str) -> Iterable[str]:
    """The forms in which a value may be told, as far as they are long enough to be told from chance."""
    return {"name": names, "id": identifiers, "place": places, "birth date": birth_dates}[kind](text)


def names(text: str) -> Iterable[str]:
    """Every word of a person's name (PS3.5 6.2.1) that is long enough to be told from chance."""
    words = {word.strip("._-'") for word in _SPLIT.split(text)} | set(_WORDS.findall(text))
    return (word for word in words if _long_enough(word) and word.casefold() not in TITLES | PLACEHOLDERS)


def _long_enough(word: str) -> bool:
    return len(word) >= (SHORTEST_NAME if word.isascii() else 2)


def identifiers(text: str) -> Iterable[str]:
    """Identifiers as written, and without separators or leading zeros."""
    for value in text.split("\\"):
        plain = re.sub(r"[^\w]+", "", value)
        for form in {value.strip(), plain, plain.lstrip("0")}:
            if form.casefold() not in PLACEHOLDERS and len(form) >= (
                SHORTEST_NUMBER if form.isdigit() else SHORTEST_ID
            ):
                yield form


_COMPANY: Final = frozenset(
    ("ag", "co", "corp", "corporation", "company", "gmbh", "inc", "kg", "llc", "ltd", "nv", "sa")
)


def places(text: str) -> Iterable[str]:
    """Institutions and addresses as written."""
    return (line.strip() for line in re.split(r"[\\\r\n]+", text) if _place(line.strip()))


def _place(line: str) -> bool:
    return len(line) >= SHORTEST_PLACE and not vendor_or_placeholder(line)


def vendor_or_placeholder(line: str) -> bool:
    """Whether all words are those of makers' names or placeholders."""
    words = re.findall(r"\w+", line.casefold())
    return all(word in PLACEHOLDERS | VENDORS | _COMPANY for word in words)


def birth_dates(text: str) -> Iterable[str]:
    """A date in the spellings people use."""
    day = day_of(text)
    if day is None:
        return identifiers(text)
    forms = ("%Y%m%d", "%Y-%m-%d", "%Y.%m.%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%m/%d/%Y", "%d%m%Y")
    return {day.strftime(form) for form in forms}


def _encoded(word: str) -> set[bytes]:
    """The word in UTF-8, Latin-1, UTF-16, and without diacritics."""
    forms = {word.lower().encode("utf-8", "replace"), word.lower().encode("utf-16-le"), word.encode("utf-8", "replace")}
    if not word.isascii():
        forms |= {plain.encode() for plain in folded(word) if len(plain) >= SHORTEST_ID}
        forms |= {form.encode("latin-1") for form in (word, word.lower(), word.upper()) if _latin(form)}
        forms.add(word.upper().encode("utf-8", "replace"))
    return forms


def _as_here(word: str, charset: bytes) -> set[bytes]:
    """The word as the instance's own character sets write it, in any case, without escape sequences (PS3.5 6.1.2.5)."""
    if word.isascii():
        return set()
    found: set[bytes] = set()
    for form in {word, word.lower(), word.upper()}:
        for encoding in encodings(charset):
            with suppress(UnicodeError, LookupError):
                found.update(_ESCAPE.split(form.encode(encoding)))
    return {raw for raw in found if len(raw) >= SHORTEST_ID}


def _latin(word: str) -> bool:
    return all(ord(letter) < 256 for letter in word)  # noqa: PLR2004


def folded(word: str) -> set[str]:
    """ASCII spellings of a Latin word: Müller -> muller, mueller."""
    german = word.lower().translate({0xE4: "ae", 0xF6: "oe", 0xFC: "ue", 0xDF: "ss", 0xF8: "oe", 0xE5: "aa"})
    spellings = (unicodedata.normalize("NFKD", form) for form in (word.lower(), german))
    return {plain for form in spellings if (plain := form.encode("ascii", "ignore").decode())}
