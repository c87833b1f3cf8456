"""Places in free text that speak of people, addresses, days and high ages, found by what stands around them.

In six languages: English, German, French, Italian, Spanish, Dutch. Each expression begins at a word and is bounded, so
that the time hangs on the length of the text and on nothing else.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final

GAP: Final = "\0"
"""What stands in the place of what was taken out."""
OLDEST: Final = 89
_MONTH: Final = 12
_DAY: Final = 31
_MOST: Final = 3
"""Words that a title takes with it."""

_MONTHS: Final = (
    "jan(?:uary|uar|vier|uari)?|j[aä]nner|gennaio|gen|enero|ene|feb(?:ruary|ruar|ruari)?|f[eé]v(?:rier)?|febbraio|febrero|"
    "mar(?:ch|s|zo)?|m[aä]rz|maart|mrt|apr(?:il|ile)?|avr(?:il)?|abril|abr|may|mai|maggio|mag|mayo|mei|"
    "june?|juni|juin|giugno|giu|junio|july?|juli|juil(?:let)?|luglio|lug|julio|aug(?:ust|ustus)?|ao[uû]t|agosto|ago|"
    "sept?(?:ember|embre|tember)?|settembre|sett|septiembre|oct(?:ober|obre)?|okt(?:ober)?|ottobre|ott|octubre|"
    "nov(?:ember|embre|iembre)?|dec(?:ember)?|dez(?:ember)?|d[eé]c(?:embre)?|dicembre|dic|diciembre"
)
_NTH: Final = r"(?:st|nd|rd|th|er|e|º|°|\.)?"
_DAYS: Final = re.compile(
    rf"(?<![^\W_])(?:\d{{1,4}}{_NTH}[\s./,'-]{{0,3}}(?:(?:of|de|del|di)\s)?(?:{_MONTHS})\.?(?![^\W\d_])[\s./,'-]{{0,3}}(?:(?:of|de|del)\s)?(?:\d{{1,4}}(?!\w))?"
    rf"|(?:{_MONTHS})\.?[\s./,'-]{{0,3}}\d{{1,4}}{_NTH}(?!\w)(?:[\s,./'-]{{1,3}}\d{{2,4}}(?!\w))?)",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(r"(?<![\d.])(\d{1,4})\s?([./-])\s?(\d{1,2})\s?\2\s?(\d{1,4})(?!\d)")
_DAY_MONTH: Final = re.compile(r"(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.(?!\d)")
_YEARS: Final = r"(?:years?|yrs?|y\s?/\s?o|yo|y|jahren?|j(?:ä|ae)hrige?[rn]?|j|ans|anni|a[nñ]os|jaar|jarige?)"
_AGES: Final = re.compile(
    rf"(?<![\w.])(\d{{2,3}})[\s-]?(?:{_YEARS}(?![^\W_])[\s-]?(?:old|alt|oud)?|old|alt|oud)(?![^\W_])", re.IGNORECASE
)
_AGED: Final = re.compile(
    r"(?<![^\W_])(?:aged?|alter|[âa]ge|et[àa]|edad|leeftijd)(?![^\W_])[\s:=.]{0,3}(?:of\s)?(\d{2,3})(?!\d)",
    re.IGNORECASE,
)
_ADDRESSES: Final = re.compile(
    r"(?<!\S)\S+@\S+|(?<![^\W_])(?:[a-z]{2,8}:/|www\.)\S+|\\\\\S+|(?<!\S)[a-z]:[\\/]\S+|(?<!\S)/\S+/\S*", re.IGNORECASE
)
_PHONES: Final = re.compile(r"(?<![\w.])(?:\+|00)?\d[\d ()/-]{5,24}\d(?![\w.])")
_HOUSE: Final = r"\d{1,4}\s?[a-z]?(?![^\W_])"
_STREETS: Final = (
    re.compile(
        rf"(?<![^\W_]){_HOUSE},?\s+(?:[^\W\d_]{{2,24}}\.?\s+){{1,3}}(?:street|st|road|rd|avenue|ave|lane|ln|drive|close|court|blvd|"
        r"boulevard|square|terrace|gardens|crescent|row)(?![^\W_])",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![^\W_])[^\W\d_]{{2,24}}(?:stra(?:ss|ß)e|str\.|gasse|weg|platz|allee|straat|laan|plein|gracht|kade)\s{{1,2}}{_HOUSE}",
        re.IGNORECASE,
    ),
    re.compile(
        r"(?<![^\W_])(?:rue|avenue|chemin|route|boulevard|ruelle|quai|viale|piazza|corso|calle|avenida|plaza|carrer|paseo|"
        rf"via(?=[^\n]{{3,40}}\d))\s+(?:[^\W\d_']{{1,24}}[\s',.-]+){{1,4}}(?:{_HOUSE})?",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![^\W_])(?:p\.?\s?o\.?\s?box|postfach|postbus|case postale|apartado)\s{1,2}\d{1,6}", re.IGNORECASE),
    re.compile(r"(?<![^\W_])[A-Z]{1,2}\d{1,2}[A-Z]?\s\d[A-Z]{2}(?![^\W_])"),
    re.compile(
        r"(?<![^\W_])(?:liv(?:es|ing)\s(?:at|in)|wohnhaft(?:\sin)?|wohnt\sin|habite|domicili[ée]e?|abita\s(?:in|a)|vive\sen|woont\s(?:in|te))"
        r"(?![^\W_])[^.;:\n]{0,80}",
        re.IGNORECASE,
    ),
)
_APART: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][ ._-]){4,40}[^\W\d_](?![^\W_])")
"""Five or more letters with gaps between them: a word that is spaced out."""
_REFERENCES: Final = re.compile(r"(?:&#?\w{1,8};){2,}|&#\w{1,8};")
"""Letters as XML and HTML write them."""
_GROUPED: Final = re.compile(r"(?<![\w.,])\d{1,3}(?:[.,'\u2019]\d{2,3}){1,4}(?![\w.,])")
"""Digits of a long number in groups, as 774'411."""
_LONG: Final = 6
_INITIALS: Final = re.compile(r"(?<![^\W_])(?:[A-Z]\.\s?){1,3}(?=[^\W\d_]{2})")
_TITLES: Final = re.compile(
    r"(?<![^\W_])(?:D[rR]s?|dr(?=\.)|Mrs?(?=[.\s])|M[RS](?=\.\s)|Ms|Miss|Mister|"
    r"(?i:prof|professor|herrn?|frau|monsieur|madame|mme|mlle|dott|dottore|dottoressa|signora?|se[nñ]ora?|mevr|mevrouw|meneer|"
    r"dhr|doctor|doktor|docteur|physician|radiologist|surgeon|nurse|technologist|mtra|referrer|operator|arzt|[aä]rztin|"
    r"oberarzt|chefarzt|hausarzt|m[ée]decin|medico|m[ée]dico|huisarts)|Hr(?=\.)|Fr(?=\.)|M(?=\.\s)|Sig(?=[.\s])|Sra?(?=\.)|Mw(?=\.))"
    r"(?![^\W_])"
)
_RELATIONS: Final = re.compile(
    r"(?<![^\W_])(?:(?:seen|reported|read|dictated|performed|referred|discussed|requested|ordered|signed|verified|reviewed|"
    r"approved|called|informed)\s(?:by|with|to)|(?:gesehen|befundet|[üu]berwiesen|besprochen|angefordert|visiert)\s(?:von|mit|durch)|"
    r"(?:vue?|examin[ée]e?|adress[ée]e?|demand[ée]e?|sign[ée]e?)\spar|(?:vist[oa]|richiest[oa]|refertat[oa]|inviat[oa])\sda|"
    r"(?:visto|solicitad[oa]|informad[oa]|remitid[oa])\spor|(?:gezien|aangevraagd|verwezen|beoordeeld)\sdoor|"
    r"wife|husband|spouse|mother|father|son|daughter|brother|sister|uncle|aunt|widow|partner|friend|named|called|"
    r"ehefrau|ehemann|mutter|vater|sohn|tochter|bruder|schwester|geb(?:oren|orene)?|"
    r"[ée]pouse|mari|m[èe]re|p[èe]re|fils|fille|fr[èe]re|s(?:oe|œ)ur|n[ée]e?|moglie|marito|madre|padre|figli[oa]|fratello|sorella|"
    r"espos[oa]|marido|hij[oa]|herman[oa]|echtgenote|echtgenoot|moeder|vader|zoon|dochter|broer|zus|naam|name|nom|nome|nombre)"
    r"(?![^\W_])[.:]?",
    re.IGNORECASE,
)
_PARTICLES: Final = r"(?:(?:von|van|de|del|della|der|den|di|da|du|la|le|el|al|bin|ibn|ten|ter|st|zu)\.?\s+){0,3}"
_NEXT: Final = re.compile(
    rf"[\s.,:&-]{{0,4}}(?:(?:und|and|et|med|o)\.?\s+)?{_PARTICLES}([^\W\d_]{{1,40}}(?:['\u2019][^\W\d_]{{1,40}})?)",
    re.IGNORECASE,
)

Known = Callable[[str], bool]


def without_people(text: str, known: Known, *, versions: bool = False) -> str:
    """The text with GAP in the place of what speaks of people; `known` says which words are anatomy or protocol.

    `versions`: three numbers are a day only with a year of four digits, as versions of software look alike.
    """
    text = _ADDRESSES.sub(GAP, text)
    for street in _STREETS:
        text = street.sub(GAP, text)
    text = _DAYS.sub(GAP, text)
    text = _NUMBERED.sub(partial(_unless_no_date, 4 if versions else 1), text)
    text = text if versions else _DAY_MONTH.sub(_unless_no_day, text)
    for apart in (_PHONES, _APART, _REFERENCES):
        text = apart.sub(GAP, text)
    text = text if versions else _GROUPED.sub(_unless_short, text)
    for ages in (_AGES, _AGED):
        text = ages.sub(lambda match: GAP if int(match[1]) > OLDEST else match[0], text)
    for before in (_TITLES, _RELATIONS):
        text = _eaten(text, before, known)
    return _INITIALS.sub(partial(_unless_known, known), text)


def _eaten(text: str, before: re.Pattern[str], known: Known) -> str:
    """Takes out titles and the words after them, up to the first that is anatomy or protocol."""
    parts, done = list[str](), 0
    for match in before.finditer(text):
        if match.start() < done:
            continue
        end = match.end()
        for _ in range(_MOST):
            follows = _NEXT.match(text, end)
            if follows is None or known(follows[1]):
                break
            end = follows.end()
        if end > match.end():
            parts += [text[done : match.start()], GAP]
            done = end
    return "".join(parts) + text[done:]


def _unless_known(known: Known, match: re.Match[str]) -> str:
    follows = _NEXT.match(match.string, match.end())
    return match[0] if follows and known(follows[1]) else GAP


def _unless_no_date(digits: int, match: re.Match[str]) -> str:
    """Three numbers are a day where one can be a month, another a day of it, and the third a year of so many digits."""
    if max(len(match[1]), len(match[4])) < digits:
        return match[0]
    first, middle, last = int(match[1]), int(match[3]), int(match[4])
    return GAP if _day_of(first, middle) or _day_of(middle, last) else match[0]


def _unless_no_day(match: re.Match[str]) -> str:
    return GAP if _day_of(int(match[1]), int(match[2])) else match[0]


def _unless_short(match: re.Match[str]) -> str:
    """A number is long with six digits, whatever stands between its groups; 0.75 and 1,25 are none."""
    return GAP if sum(letter.isdigit() for letter in match[0]) >= _LONG else match[0]


def _day_of(one: int, other: int) -> bool:
    """Whether two numbers can be day and month, in any order."""
    return 1 <= min(one, other) <= _MONTH and 1 <= max(one, other) <= _DAY
