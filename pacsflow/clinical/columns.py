"""What each column of a clinical table is, and so what is done with it. Nothing is guessed in silence."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.clinical.days import looks_like_dates
from pacsflow.clinical.grid import Grid, Value, text_of
from pacsflow.clinical.harmless import fault_of, numbers_only
from pacsflow.clinical.headings import Meaning, clinical, meaning
from pacsflow.deid.proof.search_terms import KINDS
from pacsflow.errors import Problem

Treatment = Literal["pseudonym", "issuer", "date", "birth date", "age", "uid", "remove", "ask", "keep"]
"""What is done with a column. `ask`: it is left out until somebody says what it is."""

PATIENT: Final = frozenset({"PatientID"})
SAID: Final = "as you said"
BIRTH: Final = frozenset({"PatientBirthDate"})
_DATE_VRS: Final = frozenset({"DA", "DT"})
_MEASURED: Final = frozenset({"IS", "DS", "US", "SS", "UL", "SL", "FD", "FL", "CS", "TM"})
_IN_HEADING: Final = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}")
HEADING: Final = "by its heading"


@dataclass(frozen=True)
class ColumnChoices:
    """What the user says of columns, by heading. `patient`, `issuer` are '' where nothing was said."""

    patient: str = ""
    issuer: str = ""
    dates: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()

    def said(self) -> Iterator[tuple[str, Treatment]]:
        """Each heading that is spoken of, with what is to be done."""
        named: tuple[tuple[Treatment, Iterable[str]], ...] = (
            ("pseudonym", filter(None, [self.patient])),
            ("issuer", filter(None, [self.issuer])),
            ("date", self.dates),
            ("remove", self.drop),
            ("keep", self.keep),
        )
        yield from ((heading, treatment) for treatment, headings in named for heading in headings)


@dataclass(frozen=True)
class ClinicalColumn:
    """A column, what is done with it, and how that is known.

    `searched`: its values name a patient, and must stand nowhere else. `remarks`: it is kept because the user says so,
    and no date in its texts stays.
    """

    heading: str
    treatment: Treatment
    why: str
    searched: bool = False
    remarks: bool = False


@dataclass
class Classified:
    """The columns in order, and what is not clear of them."""

    columns: list[ClinicalColumn] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def classify(grid: Grid, wishes: ColumnChoices, keyword_of: Callable[[str], str]) -> Classified:
    """What is done with each column. `keyword_of`: heading -> the DICOM keyword that it is known to mean, or ''."""
    found = Classified()
    said: dict[str, Treatment] = {}
    for heading, treatment in wishes.said():
        if heading not in grid.headings:
            found.problems.append(Problem(grid.file, 1, heading, "the table has no such column", "fix the option"))
        elif heading in said:
            found.problems.append(Problem(grid.file, 1, heading, "two options speak of it", "keep one of them"))
        said[heading] = treatment
    known = {heading: _by_name(grid, heading, keyword_of(heading)) for heading in grid.headings}
    owners = _owners(grid, [said.get(each) or known[each].treatment for each in grid.headings])
    for heading in grid.headings:
        found.columns.append(_column(grid, known[heading], said.get(heading), owners))
    if wishes.patient or wishes.issuer:
        found.columns = [_other(column, said) for column in found.columns]
    found.problems += _unclear(grid, found.columns)
    return found


def _owners(grid: Grid, treatments: Sequence[Treatment]) -> Sequence[Value]:
    """The patient of each row, as far as that is clear; else each row is taken as a patient's own."""
    places = [place for place, treatment in enumerate(treatments) if treatment == "pseudonym"]
    return [row[places[0]] for row in grid.rows] if len(places) == 1 else list(range(len(grid.rows)))


def _column(grid: Grid, known: ClinicalColumn, said: Treatment | None, owners: Sequence[Value]) -> ClinicalColumn:
    heading, values = known.heading, grid.column(known.heading)
    if said == "keep":
        fault = fault_of(values, owners, clinical=True)
        return ClinicalColumn(heading, "keep", f"{SAID}; it {fault}" if fault else SAID, remarks=bool(fault))
    if said:
        birth = said == "date" and meaning(heading) == "birth"
        return ClinicalColumn(heading, "birth date" if birth else said, SAID)
    if known.treatment != "keep" or looks_like_dates(values):
        return known
    fault = fault_of(values, owners, clinical=bool(known.why))
    return ClinicalColumn(heading, "ask", fault) if fault else ClinicalColumn(heading, "keep", "harmless values")


_BY_MEANING: Final[Mapping[str, Treatment]] = {"patient": "pseudonym", "issuer": "issuer", "age": "age"}


def _by_name(grid: Grid, heading: str, keyword: str) -> ClinicalColumn:
    """What the heading says; to be kept where it says nothing of a person, `why` saying whether it is clinical."""
    means, values = meaning(heading), grid.column(heading)
    if means in _BY_MEANING:
        return ClinicalColumn(heading, _BY_MEANING[means], HEADING)
    if means == "birth" and (looks_like_dates(values) or not clinical(heading)):
        dates = looks_like_dates(values) or keyword in BIRTH or not any(map(text_of, values))
        return ClinicalColumn(heading, "birth date" if dates else "remove", HEADING)
    if means == "identity" or (means == "name" and not numbers_only(values)):
        return ClinicalColumn(heading, "remove", HEADING, searched=True)
    return _by_dictionary(heading, keyword) or _of_others(heading, means)


def _of_others(heading: str, means: Meaning) -> ClinicalColumn:
    if means in ("person", "number") and not clinical(heading):
        return ClinicalColumn(heading, "remove", f"{HEADING}: it may tell about a person; --keep keeps it")
    return ClinicalColumn(heading, "keep", "clinical" if means in ("clinical", "birth") else "")


def _by_dictionary(heading: str, keyword: str) -> ClinicalColumn | None:
    """What PS3.6 says of the attribute that a heading is known to mean."""
    if treatment := _by_keyword(keyword):
        return ClinicalColumn(heading, treatment, HEADING, searched=treatment == "remove")
    tag = tag_for_keyword(keyword) if keyword else None
    measured = tag is not None and vr_of_tag(tag) in _MEASURED
    return ClinicalColumn(heading, "keep", "clinical") if measured else None


def _by_keyword(keyword: str) -> Treatment | None:
    """What PS3.6 says of an attribute; None where it tells nobody who the patient is."""
    tag = tag_for_keyword(keyword) if keyword else None
    if tag is None:
        return None
    vr = vr_of_tag(tag)
    if keyword in PATIENT | BIRTH:
        return "pseudonym" if keyword in PATIENT else "birth date"
    by_vr: dict[str, Treatment] = {"UI": "uid", "PN": "remove", "AS": "age", **dict.fromkeys(_DATE_VRS, "date")}
    return by_vr.get(vr, "remove" if tag in KINDS else None)


def _other(column: ClinicalColumn, said: Mapping[str, Treatment]) -> ClinicalColumn:
    """A second column of patient ids, where the user named the first: it goes."""
    chosen = column.treatment in ("pseudonym", "issuer") and column.treatment in said.values()
    return ClinicalColumn(column.heading, "remove", column.why) if chosen and column.heading not in said else column


def _unclear(grid: Grid, columns: list[ClinicalColumn]) -> Iterator[Problem]:
    for treatment, what, option in (
        ("pseudonym", "patient ids", "--patient-column"),
        ("issuer", "", "--issuer-column"),
    ):
        named = [column.heading for column in columns if column.treatment == treatment]
        if len(named) > 1:
            fix = f"write {option} HEADING; the others go"
            yield Problem(grid.file, 1, ", ".join(named), "which one is meant?", fix)
        elif not named and what:
            # The first line may be a patient's: its cells are not repeated.
            yield Problem(grid.file, 1, "", f"no column is known to hold {what}", f"write {option} HEADING")
    for column in columns:
        if column.treatment not in ("remove", "ask", "issuer") and _IN_HEADING.search(column.heading):
            yield Problem(grid.file, 1, "", "a heading holds a date", "rename the column, or write --drop")
        if (
            column.treatment == "keep"
            and not column.why.startswith(SAID)
            and looks_like_dates(grid.column(column.heading))
        ):
            fix = "write --date-columns or --drop, with this heading"
            yield Problem(grid.file, 1, column.heading, "looks like dates", fix)
