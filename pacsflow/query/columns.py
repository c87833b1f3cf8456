"""Column headings -> DICOM keywords."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pacsflow.attributes import KEYWORDS, tag_for_keyword, vr_of_tag
from pacsflow.errors import Problem
from pacsflow.projects.validation import nearest
from pacsflow.query.row import INDEX_DATE

IGNORE = "ignore"
QUERY_LEVEL = "QueryRetrieveLevel"
ID_HEADINGS = ("Query Number", "QueryNumber", "Query ID", "QueryID", "Query", "Index", "ID")
SYNONYMS = {
    "PatientID": ("MRN",),
    "StudyDate": ("Date", "Study Date", "Date of Study"),
    "StudyTime": ("Time", "Study Time", "Time of Study"),
    "StudyDescription": ("Study Description", "Description"),
    "SeriesDescription": ("Series Description",),
    "Modality": ("Mod",),
    "SeriesNumber": ("Series Number",),
    "StudyInstanceUID": ("StudyUID", "Study UID"),
    "SeriesInstanceUID": ("SeriesUID", "Series UID"),
    "AccessionNumber": ("Accession", "Accession Number"),
}
"""Headings that Medical-Imaging-Downloader understands; also in lower, UPPER and Title case, as all in `USUAL`."""
USUAL = frozenset(
    [
        *SYNONYMS,
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "ProtocolName",
        "ImageType",
        "AcquisitionDate",
        "DeviceSerialNumber",
        "SequenceName",
        "ModalitiesInStudy",
        "StudyID",
        "InstitutionName",
    ]
)
"""The columns of most queries, offered where a heading is nearly one of them."""
_NO_KEY_VR = frozenset({"SQ", "OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_CONTROL = frozenset({QUERY_LEVEL, "SpecificCharacterSet", "RetrieveAETitle"})


@dataclass(frozen=True)
class Columns:
    """What each heading of a table means: keyword, the row's id, its level, an extra column, or nothing."""

    keywords: Mapping[str, str]
    row_id: str | None = None
    level: str | None = None
    extra: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class HeadingRules:
    """What the project says of columns: own names, the id column, extra columns, where it says so."""

    file: str
    line: int = 1
    named: Mapping[str, str] = field(default_factory=dict)
    id_column: str | None = None
    extra: frozenset[str] = frozenset()


@lru_cache(maxsize=1024)
def vr_of(keyword: str) -> str:
    """Value representation of a keyword of the dictionary (PS3.6); of several, the first. IndexDate is a date."""
    return "DA" if keyword == INDEX_DATE else vr_of_tag(KEYWORDS[keyword])[:2]


def keyword_fault(keyword: str) -> tuple[str, str] | None:
    """Why `keyword` cannot be asked for, and what to write; None where it can (PS3.4 C.2.2.2)."""
    if keyword == INDEX_DATE:
        return None
    tag = tag_for_keyword(keyword)
    if tag is None or _VARIANTS.get(keyword, keyword) != keyword:
        near = nearest_column(keyword)
        return "is not a keyword to ask by", f"write `{near}`" if near else "see PS3.6 for the keywords"
    if keyword in _CONTROL or tag < 0x00080000 or tag >> 16 == 0x7FE0 or vr_of(keyword) in _NO_KEY_VR:  # noqa: PLR2004 groups of PS3.6
        return "cannot be asked for", "take the column out"
    return None


def understand(headings: Sequence[str], wishes: HeadingRules) -> Columns:
    """The meaning of a table's headings; those without one become problems."""
    row_id, spare, problems = _row_id(headings, wishes)
    meanings = {heading: wishes.named.get(heading) or known_keyword(heading) for heading in headings}
    if not any(meaning or is_row_id(heading) or heading in wishes.extra for heading, meaning in meanings.items()):
        return Columns({}, row_id, problems=(_no_headings(headings, wishes),))
    problems += _absent(headings, wishes)
    keywords: dict[str, str] = {}
    level = QUERY_LEVEL if meanings.get(QUERY_LEVEL) == QUERY_LEVEL else None
    for heading, keyword in meanings.items():
        if heading in {row_id, level, *spare} or heading in wishes.extra or keyword == IGNORE:
            continue
        fault = _fault(heading, keyword, keywords) if keyword else _unknown(heading, has_id=bool(row_id))
        if fault is None:
            keywords[heading] = keyword
        else:
            problems.append(Problem(wishes.file, wishes.line, heading, *fault))
    return Columns(keywords, row_id, level, wishes.extra & set(headings), tuple(problems))


def _no_headings(headings: Sequence[str], wishes: HeadingRules) -> Problem:
    """Nothing is known: the line may be a patient's, so its cells are not repeated, only named by their place."""
    near = [(place, nearest_column(heading)) for place, heading in enumerate(headings, 1)]
    offers = [f"column {place} may be meant for `{keyword}`" for place, keyword in near if keyword]
    fix = "; ".join(["write headings, as PatientID, StudyDate", *offers])
    return Problem(wishes.file, wishes.line, "", "the first line holds no heading that is known", fix)


def _fault(heading: str, keyword: str, keywords: Mapping[str, str]) -> tuple[str, str] | None:
    for other, meaning in keywords.items():
        if meaning == keyword:
            return f"means {keyword}, as `{other}` does", f"write `{heading}: {IGNORE}` under `columns`, or rename one"
    fault = keyword_fault(keyword)
    return (f"{keyword} {fault[0]}", fault[1]) if fault else None


def _unknown(heading: str, *, has_id: bool) -> tuple[str, str]:
    if heading == "new_ids":  # PACSMAN's own pseudonyms
        fix = "say `patient: {source: column, column: new_ids}` in deid.yaml, or `new_ids: ignore` under `columns`"
        return "names pseudonyms that deid.yaml does not use", fix
    near = nearest_column(heading)
    advice = f"write `{near}`, or " if near else ""
    fix = f"{advice}say under `columns` what it means, as `{heading}: PatientID`, or `{heading}: {IGNORE}`"
    return "unknown column", fix if has_id else f"{fix}; where it names the rows: `id_column: {heading}`"


def _absent(headings: Sequence[str], wishes: HeadingRules) -> list[Problem]:
    """A problem for each column that the project names and the table lacks."""
    named = (*wishes.named, *filter(None, [wishes.id_column]), *wishes.extra)
    return [
        Problem(wishes.file, wishes.line, name, "the table has no such column", _offer(name, headings))
        for name in named
        if name not in headings
    ]


def known_keyword(heading: str) -> str:
    """The keyword a heading stands for by itself; empty where it stands for none."""
    if heading in _VARIANTS:  # Date and Time are keywords too, but never meant here
        return _VARIANTS[heading]
    return heading if heading == INDEX_DATE or tag_for_keyword(heading) is not None else ""


def is_row_id(heading: str) -> bool:
    """Whether a heading by itself means the row's id."""
    return heading in _ID_VARIANTS


def _row_id(headings: Sequence[str], wishes: HeadingRules) -> tuple[str | None, list[str], list[Problem]]:
    """The column of the row's id, others that could be it, and what is wrong with that."""
    if wishes.id_column is not None:
        return wishes.id_column if wishes.id_column in headings else None, [], []
    fitting = [heading for heading in headings if heading in _ID_VARIANTS and heading not in wishes.named]
    if len(fitting) < 2:  # noqa: PLR2004 one is clear
        return (fitting[0] if fitting else None), [], []
    names = ", ".join(f"`{name}`" for name in fitting)
    fix = "write `id_column: …` under `table`, and `ignore` the others under `columns`"
    problem = Problem(wishes.file, wishes.line, "", f"{names}: which one is the row's id?", fix)
    return fitting[0], fitting[1:], [problem]


def _offer(name: str, headings: Sequence[str]) -> str:
    near = nearest(name, list(headings))
    return f"write `{near}`" if near else f"its columns are {', '.join(headings)}"


def nearest_column(heading: str) -> str:
    """The usual keyword most like a heading, or like one of its synonyms; empty where none is near."""
    return _VARIANTS.get(heading) or nearest(heading, USUAL) or _VARIANTS.get(nearest(heading, list(_VARIANTS)), "")


def _cases(names: Iterable[str]) -> set[str]:
    return {form for name in names for form in (name, name.lower(), name.upper(), name.title())}


def _spaced(keyword: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", keyword)


_VARIANTS = {
    variant: keyword for keyword in USUAL for variant in _cases((keyword, _spaced(keyword), *SYNONYMS.get(keyword, ())))
}
_ID_VARIANTS = _cases(ID_HEADINGS)
