"""What single values look like: numbers of people, telephones, addresses, dates that stand in text."""

import re
from typing import Final

_MONTHS: Final = (
    "januar|jänner|january|janvier|gennaio|enero|januari|februar|february|février|fevrier|febbraio|febrero|februari|"
    "märz|maerz|march|mars|marzo|maart|april|avril|aprile|abril|mai|may|maggio|mayo|mei|juni|june|juin|giugno|junio|"
    "juli|july|juillet|luglio|julio|august|août|aout|agosto|augustus|september|septembre|settembre|septiembre|"
    "oktober|october|octobre|ottobre|octubre|november|novembre|noviembre|dezember|december|décembre|decembre|"
    "dicembre|diciembre"
)
_SHORT: Final = (
    "jan|janv|gen|ene|feb|févr|fevr|febr|mär|mrz|mar|mrt|apr|avr|abr|mag|jun|giu|jul|juil|lug|aug|ago|sep|sept|set|okt|"
    "oct|ott|nov|dez|dec|déc|dic"
)
_PLAIN: Final = "|".join(each for each in _MONTHS.split("|") if each not in {"may", "march", "mars", "mai", "mei"})
_BETWEEN: Final = r"(?:\s*(?:st|nd|rd|th|ten|er|de|of|di|del|d['\u2019]|º|ª|°|\.|,|-|/))*\s*"
_YEAR: Final = r"(?:19|20)\d\d"
_DATES: Final = re.compile(
    "|".join(
        (
            r"(?<!\d)\d{4}\s?[-/.]\s?\d{1,2}(?:\s?[-/.]\s?\d{1,2})?(?!\d)",
            r"(?<!\d)\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?(?:\d{4}|\d{2})(?!\d)",
            r"(?<![\d.])(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?!\d)",
            rf"(?<!\d)(?:0?[1-9]|1[0-2])\s?[./-]\s?{_YEAR}(?!\d)",
            rf"(?<!\d){_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{{4}}(?:\d\d)?)?(?!\d)",
            rf"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2]){_YEAR}(?!\d)",
            rf"(?<!\d)\d{{1,2}}{_BETWEEN}(?:{_MONTHS}|{_SHORT})\b(?:{_BETWEEN}['\u2019]?\d{{2,4}}(?!\d))?",
            rf"\b(?:{_MONTHS}|{_SHORT})\b{_BETWEEN}['\u2019]?\d{{1,4}}(?!\d)(?:{_BETWEEN}\d{{2,4}}(?!\d))?",
            rf"\b(?:{_PLAIN})\b",
            r"\b(?:am|vom|seit|on|since|from|until|bis|le|du|il|dal|el|desde|op|sinds)\s+\d{1,2}/\d{1,2}(?!\d)",
            rf"\b(?:kw|week|semaine)\s?\d{{1,2}}(?:[/ ]{_YEAR})?|\b{_YEAR}-?W\d\d",
        )
    ),
    re.IGNORECASE,
)
_WRITTEN: Final = re.compile(r"(?<=\s)(?:(?:of|im|en|in|de|di)\s+)(?:May|March|Mars|Mai|mai|mars)\b")
MASK: Final = "[date]"

_LOOKS: Final = (
    ("e-mail addresses", re.compile(r"[^\s@]+@[^\s@]+\.\w+")),
    ("IBANs", re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?\b")),
    ("numbers of people (AHV)", re.compile(r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b")),
    ("numbers of people (codice fiscale)", re.compile(r"(?i:\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b)")),
    (
        "numbers of people (NIR)",
        re.compile(r"\b[1278]\s?\d{2}\s?\d{2}\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}(?:\s?\d{2})?\b"),
    ),
    ("numbers of people (DNI)", re.compile(r"\b(?:\d{8}|[XYZ]\d{7})[ -]?[A-Z]\b", re.IGNORECASE)),
    ("numbers of people (SSN)", re.compile(r"\b\d{3}-\d{2}-\d{4}\b")),
    ("numbers of people (Sozialversicherung)", re.compile(r"\b(?:\d{8}[A-Z]\d{3}|[A-Z]\d{9}|\d{4}\s\d{6})\b")),
    ("numbers of people (NHS)", re.compile(r"\b\d{3}[ -]\d{3}[ -]\d{4}\b|^\d{10}$")),
    ("numbers of people (BSN)", re.compile(r"^\d{9}$|\b\d{3}\.\d{3}\.\d{3}\b|\b\d{4}\.\d{2}\.\d{3}\b")),
    (
        "telephone numbers",
        re.compile(r"(?:\+|\b00)\d[\d ()./-]{6,}\d|\b0\d(?:[ ()./-]*\d){6,12}\b|\(\d{3}\) ?\d{3}-\d{4}"),
    ),
    (
        "addresses",
        re.compile(
            r"(?:str(?:asse|aße|\.)|weg|gasse|platz|allee|straat|laan|plein)\s*\d+|"
            r"\b(?:rue|avenue|chemin|via|viale|piazza|corso|calle|avenida|plaza|c/)\s.*\d|"
            r"\d+\w?,?\s+(?:\w+\s+){1,3}(?:street|st|road|rd|avenue|ave|lane|ln|drive|hill|close|court|square)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "postcodes",
        re.compile(r"^(?:[A-Z]{1,3}-)?\d{4,5}$|^\d{4}\s?[A-Z]{2}$|^[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}$|^\d{5}-\d{4}$"),
    ),
    (
        "names with titles",
        re.compile(r"\b(?:dr|prof|herr|frau|mr|mrs|ms|mme|mlle|sig|sra|dhr|mevr|dott|pd)\b\.?\s+\w", re.IGNORECASE),
    ),
)


def looks_like(text: str) -> str:
    """What of a person a value looks like, in the plural; '' where like nothing that is known."""
    return next((what for what, pattern in _LOOKS if pattern.search(text)), "")


def holds_date(text: str) -> bool:
    """Whether a date, or a part of one that is more than its year, stands somewhere in a text."""
    return bool(_DATES.search(text) or _WRITTEN.search(text))


def without_dates(text: str) -> str:
    """The text with a mark in the place of each date."""
    return _WRITTEN.sub(MASK, _DATES.sub(MASK, text))
