"""Text in its character sets (PS3.5 6.1, PS3.3 C.12.1.1.2)."""

import warnings
from functools import lru_cache
from threading import Lock

_lock = Lock()


_ALONE = {
    "": "iso8859",
    "ISO_IR 6": "iso8859",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 144": "iso_ir_144",
    "ISO_IR 192": "UTF8",
    "GB18030": "GB18030",
    "GBK": "GBK",
}
"""Terms that stand alone, as they mostly do: Python's names for them, without loading pydicom."""
_DELIMITERS = set(b"\r\n\t\f\\^=")


@lru_cache(256)
def encodings(value: bytes) -> list[str]:
    """Python's names for a Specific Character Set (PS3.3 C.12.1.1.2); unknown terms are read as Latin-1."""
    terms = [term.strip() for term in value.decode("latin-1").strip(" \0").split("\\")]
    if len(terms) == 1 and terms[0] in _ALONE:
        return [_ALONE[terms[0]]]
    from pydicom import charset

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
    from pydicom import charset

    with _lock, warnings.catch_warnings():  # pydicom warns of escapes it does not know; filters belong to the process
        warnings.simplefilter("ignore")
        try:
            return charset.decode_bytes(value, charsets, _DELIMITERS)
        except (UnicodeError, LookupError):
            return value.decode("latin-1")
