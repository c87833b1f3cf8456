"""What hospitals' tables have beside their rows: total lines, and headings in the language of the house."""

import re

from pacsflow.query.columns import known_keyword
from pacsflow.query.raw import RawRow

_TOTAL_WORDS = (
    "summe summen total totals gesamt insgesamt anzahl sum sums count mittelwert durchschnitt average mean median "
    "somme totale totali moyenne nombre media numero grand gesamtsumme zwischensumme subtotal n \u03c3 \u2211"
)
_TOTALS = frozenset(_TOTAL_WORDS.split())
_FIRST_WORDS = re.compile(r"[^\W\d_]+|[\u03a3\u03c3\u2211]")
_REST = re.compile(
    r"(patient(en|s|innen|i)?|rows?|zeilen?|f\u00e4lle|cases|studien|studies|examens?|esami|total|sum|count)?"
    r"\s*[:=]?\s*\(?[0-9.,' ]*\)?"
)
"""What may stand behind the word: what was counted, and the number."""
_MEANT = {
    "PatientID": (
        "patientennummer patientnr patnr pid patientenid patientenidentifikation pat patid patientnumber "
        "hospitalnumber unitnumber ipp numeropatient idpatient idpaziente numeropaziente mrnumber"
    ),
    "AccessionNumber": (
        "fallnummer auftragsnummer anforderungsnummer untersuchungsnummer accessionnr accnr acc accno accessionno "
        "auftragsnr untersuchungsnr numeroaccession ordernumber requestnumber examnumber"
    ),
    "PatientName": "name patientenname patient nom nomdupatient nome nomepaziente nachname surname lastname",
    "PatientBirthDate": (
        "geburtsdatum gebdatum gebdat geb gebdatumpatient birthdate dateofbirth dob birthday datedenaissance "
        "naissance datadinascita geburtstag"
    ),
    "PatientSex": "geschlecht sex gender sexe sesso",
    "PatientAge": "alter age alterjahre ageyears alteri eta",
    "StudyDate": (
        "untersuchungsdatum datumuntersuchung datum untersuchung examdate examinationdate scandate dateexamen "
        "datedelexamen dataesame aufnahmedatum datumderuntersuchung studiendatum"
    ),
    "StudyTime": "uhrzeit zeit heure ora untersuchungszeit",
    "Modality": "modalitat modalitaet modalite modalita",
    "StudyDescription": "untersuchungsart beschreibung examen examination procedure prozedur",
    "StudyInstanceUID": "studyinstanceuid studienuid suid",
    "InstitutionName": "klinik spital krankenhaus hospital hopital ospedale",
}
_KEYWORDS = {word: keyword for keyword, words in _MEANT.items() for word in words.split()}
_UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss", "é": "e", "è": "e", "à": "a", "ô": "o"})


def total_word(row: RawRow, headings: frozenset[str]) -> str:
    """The heading of the cell that says this is a line of totals; '' where none does.

    Such a word stands in the first filled cell of the line, or under one of `headings` (identifiers and the row's id).
    """
    filled = [name for name, cell in row.cells.items() if cell.text.strip()]
    looked_at = [*filled[:1], *(name for name in filled[1:] if name in headings)]
    return next((name for name in looked_at if _is_total(row.cells[name].text)), "")


def _is_total(text: str) -> bool:
    """`Summe`, `Total:`, `Total (13)`, `Anzahl Patienten`, `n = 13`: not a longer text, not a name or code."""
    bare = text.strip().casefold()
    found = _FIRST_WORDS.match(bare)
    if not found or found[0] not in _TOTALS:
        return False
    rest = bare[found.end() :].strip()
    if found[0] == "n":
        return bool(re.fullmatch(r"\s*[=:].*", rest))
    return bool(_REST.fullmatch(rest))


def meant_by(heading: str) -> str:
    """The keyword that a heading in a usual language probably means; '' where nobody knows."""
    bare = "".join(letter for letter in heading.casefold().translate(_UMLAUTS) if letter.isalnum())
    return _KEYWORDS.get(bare, "") or known_keyword(heading)
