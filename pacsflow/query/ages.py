"""Ages as people write them -> DICOM's (PS3.5 6.2, VR AS)."""

import re

from pacsflow.query.fault import FaultError

_AGE = re.compile(r"([0-9]{1,3})(?:[.,]0+)?[ -]*([^\W\d_]*)\.?")
_WORDS = {
    "Y": "y yr yrs year years j jr jahr jahre jahren a an ans anno anni a\u00f1os a\u00f1o ano anos",
    "M": "m mo mon mt mts month months monat monate monaten mois mese mesi mes meses",
    "W": "w wk wks wo week weeks woche wochen semaine semaines settimana settimane",
    "D": "d t day days tag tage tagen jour jours giorno giorni dia dias",
}
_UNITS = {"": "Y", **{word: unit for unit, words in _WORDS.items() for word in words.split()}}


def read_age(text: str) -> str:
    """nnnY, nnnM, nnnW or nnnD; years where no unit is said. Raises FaultError."""
    found = _AGE.fullmatch(text.casefold())
    if not found or found[2] not in _UNITS:
        raise FaultError("is not an age", "write 065Y, 006M, 002W or 010D; PACS know no range or wildcard of ages")
    return f"{int(found[1]):03d}{_UNITS[found[2]]}"
