"""Reads single values out of a walked dataset, for the guards and for telling whose it is."""

import warnings
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from pydicom import charset

from pacsflow.deid.walk import Level

_lock = Lock()
_DELIMITERS = set(b"\r\n\t\f\\^=")


@lru_cache(256)
def encodings(value: bytes) -> list[str]:
    """Python's names for a Specific Character Set (PS3.3 C.12.1.1.2); unknown terms are read as Latin-1."""
    terms = [term.strip() for term in value.decode("latin-1").strip(" \0").split("\\")]
    known = [term if term in charset.python_encoding else "ISO_IR 100" for term in terms]
    if len(known) > 1 and known[0] in ("", "ISO_IR 100"):
        known[0] = "ISO 2022 IR 6" if not terms[0] else "ISO 2022 IR 100"
    return list(charset.convert_encodings(known))


def decoded(value: bytes, charsets: list[str]) -> str:
    """Text as read in its character sets; bytes that have no meaning in them are read as Latin-1, never an error."""
    if b"\x1b" not in value:
        try:
            return value.decode(charsets[0])
        except (UnicodeError, LookupError):
            return value.decode("latin-1")
    with _lock, warnings.catch_warnings():  # pydicom warns of escapes it does not know; filters belong to the process
        warnings.simplefilter("ignore")
        try:
            return charset.decode_bytes(value, charsets, _DELIMITERS)
        except (UnicodeError, LookupError):
            return value.decode("latin-1")


@dataclass(slots=True, frozen=True)
class Header:
    """A dataset's top level, read on demand."""

    level: Level
    view: memoryview

    def raw(self, tag: int) -> bytes:
        """The value as encoded; empty where the element is absent."""
        span = self.level.elements.get(tag)
        return bytes(self.view[span[2] : span[3]]) if span else b""

    def text(self, tag: int) -> str:
        """The value as text, without padding."""
        value = self.raw(tag)
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii").strip(" \0")
        return decoded(value, self.charsets()).strip(" \0")

    def charsets(self) -> list[str]:
        """How this dataset's text is encoded."""
        return encodings(self.raw(0x00080005))
