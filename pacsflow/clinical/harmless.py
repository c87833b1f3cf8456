"""Whether the values of a column are of a kind that tells nobody who somebody is; else what they look like."""

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from pacsflow.clinical.grid import Value, text_of
from pacsflow.clinical.headings import folded
from pacsflow.clinical.personal import holds_date, looks_like

SMALL: Final = 1000
"""Whole numbers of any column are below; larger ones may be postcodes, years, or numbers of people."""
LARGEST: Final = 10_000_000
_OLD: Final = 90
_OLDEST: Final = 120
_FEW: Final = 30
_CATEGORY: Final = 60
_NUMBERING: Final = 5
_LONG: Final = frozenset(range(7, 19))
"""Digits of numbers that may be people's, where all have as many and no two patients share one."""
_PLACES: Final = 4
_DIGITS: Final = 3
_UNIT: Final = (
    r"(?:%|‰|[mµunkcdpf]?(?:g|l|mol|m|s|Gy|Sv|Bq|Hz|V|A|T|U|IE|IU|eq|osm|sec)|[MG](?:Bq|Hz)|kg|mmHg|cmH2O|kPa|bpm|mcg|"
    r"min|h|hrs?|HU|SUV|kVp?|mAs?|mIU|kcal|ppm|°\s?[CF]?|[mck]?m[23²³]|x?10\^?\d+|pts?|points?|G|T|d|F|Fr|days?|months?|"
    r"weeks?|tage?|monate?|wochen?|jours?|mois|giorni|mesi|dias|meses|dagen|maanden)"
)
_NUMBER: Final = re.compile(
    rf"[<>≤≥~±=]{{0,2}}\s*(?P<sign>[-+]?)(?P<whole>\d+)(?:[.,](?P<part>\d+))?(?:[eE][-+]?\d+)?"
    rf"\s*(?P<unit>{_UNIT}(?:\s?[/*·]\s?(?:\d[.\d]*\s?)?{_UNIT})*)?",
)
_PAIR: Final = re.compile(r"[6-9]\d/[3-9]\d|[12]\d\d/\d{2,3}|1:\d{1,5}")
_TIME: Final = re.compile(r"[0-2]?\d:[0-5]\d(?::[0-5]\d)?")
_SHORT: Final = re.compile(
    r"[A-Z]|[+-]{1,4}|\(?[+-]\)?|[IVX]{1,4}[A-Ca-c]?\d?|[0-9][a-d]|"
    r"[ycpra]{0,2}T(?:[0-4][a-d]?|is|[xX])(?:\s?[ycp]?N[0-3xX][a-c]?)?(?:\s?[ycp]?M[01xX][a-c]?)?|[ycp]?N[0-3xX][a-c]?|[ycp]?M[01xX][a-c]?|"
    r"G[1-4X]|R[0-2X]|L[0-5]|S[1-5]|HER2|EGFR|KRAS"
)
_CODE: Final = re.compile(
    r"[A-Z]\d[\dA-Z](?:\.?[\dA-Z*+!-]{1,4})?|\d-\d{3}(?:\.[\da-z]{1,3})?|\d{1,5}-\d|[A-Z]\d{2}[A-Z]{2}\d{2}"
)
_BLANK: Final = frozenset({"", "na", "n a", "nan", "null", "none", "unknown", "unbekannt", "inconnu", "sconosciuto",
                           "desconocido", "onbekend", "missing", "k a", "nd", "n d"})  # fmt: skip
_WORDS: Final = frozenset(
    """
    yes no y n ja nein oui non si true false wahr falsch vrai faux vero falso verdadero waar onwaar nee
    pos neg positive negative positiv negativ positif negatif positivo negativo positief negatief
    m f w d male female other man woman mannlich weiblich divers homme femme masculin feminin uomo donna maschio femmina
    maschile femminile hombre mujer masculino femenino vrouw mannelijk vrouwelijk
    left right both bilateral unilateral midline none l r links rechts beidseits beide gauche droite bilaterale sinistra
    destra sinistro destro izquierda derecha izquierdo derecho beiderseits tweezijdig
    low medium high mild moderate severe minimal absent present normal abnormal pathological niedrig mittel hoch leicht
    massig schwer mittelgradig leichtgradig hochgradig pathologisch unauffallig auffallig vorhanden keine kein faible
    moyen eleve leger modere grave basso medio alto lieve moderato assente presente bajo leve moderado laag hoog
    licht matig ernstig afwezig aanwezig normale anormal
    ok good fair poor better worse same stable stabil improved progressive complete partial response disease
    cr pr sd pd responder nonresponder remission relapse gut schlecht besser
    never former current smoker ever nie ehemals aktuell raucher nichtraucher jamais ancien actuel ex nunca actual nooit
    grade grad stage stadium type typ class klasse grado stadio stade estadio tipo graad score level
    group arm control case placebo treatment treated untreated baseline followup pre post visit verum kontrolle
    before after vor nach avant apres prima dopo antes despues voor na alive dead lebend verstorben vivant decede
    first second third one two three i ii iii iv v a b c ab o rh
    ct mr mri pet us xr cr dx spect mg nm ecg eeg mrt
    """.split()  # noqa: SIM905 - a list of words reads as one
)


def fault_of(values: Sequence[Value], patients: Sequence[Value], *, clinical: bool) -> str:
    """Why the values of a column may tell who somebody is; '' where they are of a harmless kind.

    Harmless: booleans, times of day, numbers in a small range, numbers with units, known codes and categories. Below a
    heading that is `clinical` also larger numbers, codes of diseases, and categories that several patients share.
    """
    cells = [(text_of(value), value) for value in values]
    texts = [text for text, value in cells if folded(text) not in _BLANK and not isinstance(value, bool | dt.time)]
    if not texts:
        return ""
    if whole := _whole_numbers(texts):
        return _of_numbers(whole, unique=_unique(values, patients), clinical=clinical)
    strange = [text for text in texts if not _plain(text, clinical=clinical)]
    if not strange:
        return _of_places(texts, clinical=clinical)
    if clinical and _shared(values, patients, set(strange)) and not any(map(looks_like, strange)):
        return ""
    return _of_texts(strange, unique=_unique(values, patients))


def _of_texts(texts: Sequence[str], *, unique: bool) -> str:
    if found := Counter(filter(None, map(looks_like, texts))):
        return f"looks like {found.most_common(1)[0][0]}"
    if any(map(holds_date, texts)):
        return "holds dates"
    return "text that is another one for each patient" if unique else "text that no person has looked at"


def numbers_only(values: Sequence[Value]) -> bool:
    """Whether all that a column holds is numbers, and it holds some: names are none."""
    texts = [text for value in values if folded(text := text_of(value)) not in _BLANK]
    return bool(texts) and all(_NUMBER.fullmatch(text) for text in texts)


def _whole_numbers(texts: Sequence[str]) -> list[int]:
    """The values, where all are whole numbers as a person would write them."""
    return [int(text) for text in texts] if all(re.fullmatch(r"[-+]?(0|[1-9]\d{0,17})", each) for each in texts) else []


def _of_numbers(numbers: Sequence[int], *, unique: bool, clinical: bool) -> str:
    highest = max(map(abs, numbers))
    if clinical:
        lengths = {len(str(abs(number))) for number in numbers}
        alike = unique and len(numbers) >= _NUMBERING and len(lengths) == 1 and lengths <= _LONG
        return "" if highest < LARGEST and not alike else "holds large numbers, another one for each patient"
    if highest >= SMALL:
        what = looks_like(str(highest))
        return f"looks like {what}" if what else "holds large numbers"
    if _OLD <= highest <= _OLDEST and min(numbers) >= 0:
        return "may hold ages over 89"
    steps = sorted(numbers)
    if unique and len(steps) >= _NUMBERING and steps[-1] - steps[0] == len(steps) - 1:
        return "numbers the patients"
    return ""


def _plain(text: str, *, clinical: bool) -> bool:
    """Whether a value is a measurement, a time of day, a code, or words of the list."""
    number = _NUMBER.fullmatch(text)
    if number:
        whole, measured = number["whole"], bool(number["part"] or number["unit"])
        odd = len(whole) > 1 and whole[0] == "0"
        return not odd and int(whole) < (LARGEST if clinical else SMALL * (100 if measured else 1))
    if _PAIR.fullmatch(text) or _TIME.fullmatch(text) or _SHORT.fullmatch(text) or (clinical and _CODE.fullmatch(text)):
        return True
    words = folded(text).split()
    return (
        bool(words)
        and all(word in _WORDS or (word.isdigit() and len(word) < _DIGITS) for word in words)
        and (len(words) <= _NUMBERING)
    )


def _of_places(texts: Sequence[str], *, clinical: bool) -> str:
    """Why numbers with a fraction may tell who somebody is."""
    found = [number for text in texts if (number := _NUMBER.fullmatch(text)) and not number["unit"]]
    if clinical or not found:
        return ""
    if len(found) == len(texts) and all(len(number["part"] or "") >= _PLACES for number in found):
        return "may hold places on a map"
    highest = max(float(f"{number['whole']}.{number['part'] or 0}") for number in found)
    negative = any(number["sign"] == "-" for number in found)
    return "may hold ages over 89" if _OLD <= highest <= _OLDEST and not negative else ""


def _patients_of(values: Sequence[Value], patients: Sequence[Value]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for value, patient in zip(values, patients, strict=True):
        if text := text_of(value):
            found[text].add(text_of(patient))
    return found


def _unique(values: Sequence[Value], patients: Sequence[Value]) -> bool:
    """Whether no two patients have the same value."""
    return all(len(having) == 1 for having in _patients_of(values, patients).values())


def _shared(values: Sequence[Value], patients: Sequence[Value], strange: set[str]) -> bool:
    """Whether the values are few, short, and each is of several patients."""
    having = _patients_of(values, patients)
    return len(having) <= _FEW and all(
        len(having[text]) > 1
        and len(text) <= _CATEGORY
        and not re.search(r"\d{4}|[,;@\n]", text)
        and not holds_date(text)
        for text in strange
    )
