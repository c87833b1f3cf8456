"""When two spellings of a Patient ID are one, and when what stands there is no Patient ID at all."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_BLANKS: Final = re.compile(r"[\s\0]+")
_PIECES: Final = re.compile(r"[^\W\d_]+|\d+")
_ALIKE: Final = 4
"""Times that one letter stands in what is no Patient ID, as `ZZZZ`; of `X`, once."""
_LONG: Final = 6
"""Digits that are all the same, or that only count, in what is no Patient ID: shorter ones number patients."""
_NINES: Final = 3
_COUNTED: Final = "1234567890"
_WORDS: Final = frozenset(
    """
    unknown unk unkn unidentified unnamed undefined unspecified unassigned
    anonymous anonymized anonymised anonymize anonymise anonym anon anonymisiert anonymisierte anonyme
    anonymise anonimo anonima anonimizado anonimizzato anoniem geanonimiseerd deidentified deid
    pseudonymized pseudonymised removed redacted withheld hidden masked deleted empty default temp tmp tbd tba dummy
    noid nopid noname nopatid nopatientid no none null nil nan na nd nn not available applicable known given set missing
    blank test testpatient testpat testing demo example sample phantom
    patient patientid patid pid id identifier subject name mrn
    unbekannt unbekannte unbekannter keine keiner ohne leer fehlt
    inconnu inconnue aucun aucune sans essai
    desconocido desconocida ninguno sin prueba
    sconosciuto sconosciuta ignoto nessuno senza prova
    onbekend geen zonder proef leeg
    x
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""Words that are written where no Patient ID is known, in six languages. Put together they say nothing more."""
_TELLING: Final = _WORDS - {"x", "no", "not", "set", "given", "name", "id"}


@lru_cache(4096)
def comparable(text: str) -> str:
    """The same for spellings of one id or issuer: without blanks, case, width of letters, and leading zeros."""
    plain = _BLANKS.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return plain.lstrip("0") or plain[:1]


@lru_cache(4096)
def placeholder(patient_id: str) -> bool:
    """Whether this is what people and devices write where no Patient ID is known: it is of nobody, or of many.

    Nothing, punctuation alone, words as UNKNOWN, ANONYMOUS or NO ID, zeros, nines, one sign repeated, 123456.
    """
    text = unicodedata.normalize("NFKC", _BLANKS.sub(" ", patient_id)).casefold().strip()
    pieces = _PIECES.findall(text.replace("_", " "))
    words = [piece for piece in pieces if not piece.isdigit()]
    if not pieces or "".join(pieces) in {"na", "nn", "nd", "noid"}:
        return True
    if not all(map(_says_nothing, pieces)):
        return False
    return not words or any(word in _TELLING or _repeated(word) for word in words) or len(words) > 1


def _says_nothing(piece: str) -> bool:
    if not piece.isdigit():
        return piece in _WORDS or _repeated(piece)
    alike = len(set(piece)) == 1
    return (
        set(piece) == {"0"}
        or (set(piece) == {"9"} and len(piece) >= _NINES)
        or (len(piece) >= _LONG and (alike or _COUNTED.startswith(piece)))
    )


def _repeated(word: str) -> bool:
    return set(word) == {"x"} or (len(set(word)) == 1 and len(word) >= _ALIKE)
