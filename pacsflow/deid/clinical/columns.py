"""What each column of a clinical table is, and so what is done with it. Nothing is guessed in silence."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pydicom.datadict import dictionary_VR, tag_for_keyword

from pacsflow.deid.clinical.days import looks_like_dates
from pacsflow.deid.clinical.grid import Grid
from pacsflow.deid.needles import KINDS
from pacsflow.errors import Problem

Treatment = Literal["pseudonym", "issuer", "date", "birth date", "age", "uid", "remove", "keep"]

PATIENT: Final = frozenset({"PatientID"})
SAID: Final = "as you said"
BIRTH: Final = frozenset({"PatientBirthDate"})
_DATE_VRS: Final = frozenset({"DA", "DT"})
_SYNONYMS: Final[Mapping[Treatment, frozenset[str]]] = {
    "pseudonym": frozenset({"patientid", "mrn", "patientnumber", "patientno", "pid"}),
    "issuer": frozenset({"issuer", "issuerofpatientid"}),
    "birth date": frozenset({"dob", "dateofbirth", "birthdate", "birthday", "patientdob", "birth"}),
    "age": frozenset({"patientage", "ageyears", "ageatscan", "ageatstudy", "ageatdiagnosis", "ageatbaseline"}),
    "remove": frozenset(
        """
        name patientname fullname firstname givenname forename middlename lastname familyname surname maidenname
        address street postcode postalcode zip zipcode phone telephone phonenumber mobile fax email emailaddress mail
        ssn socialsecuritynumber ahv nationalid passport insurancenumber casenumber visitnumber accession
        accessionnumber referringphysician physician
        """.split()  # noqa: SIM905 - a list of words reads as one
    ),
}
"""Headings as people write them, without case, blanks and punctuation."""


@dataclass(frozen=True)
class Wishes:
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
class Column:
    """A column, what is done with it, and how that is known."""

    heading: str
    treatment: Treatment
    why: str


@dataclass
class Classified:
    """The columns in order, and what is not clear of them."""

    columns: list[Column] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def classify(grid: Grid, wishes: Wishes, keyword_of: Callable[[str], str]) -> Classified:
    """What is done with each column. `keyword_of`: heading -> the DICOM keyword that it is known to mean, or ''."""
    found = Classified()
    said: dict[str, Treatment] = {}
    for heading, treatment in wishes.said():
        if heading not in grid.headings:
            found.problems.append(Problem(grid.file, 1, heading, "the table has no such column", "mend the option"))
        elif heading in said:
            found.problems.append(Problem(grid.file, 1, heading, "two options speak of it", "keep one of them"))
        said[heading] = treatment
    for heading in grid.headings:
        found.columns.append(_column(heading, said.get(heading), keyword_of(heading)))
    if wishes.patient or wishes.issuer:
        found.columns = [_other(column, said) for column in found.columns]
    found.problems += _unclear(grid, found.columns)
    return found


def _column(heading: str, said: Treatment | None, keyword: str) -> Column:
    if said:
        birth = said == "date" and _by_name(heading, keyword) == "birth date"
        return Column(heading, "birth date" if birth else said, SAID)
    known = _by_name(heading, keyword)
    return Column(heading, known or "keep", "by its heading" if known else "")


def _by_name(heading: str, keyword: str) -> Treatment | None:
    name = re.sub(r"[\W_]+", "", heading).casefold()
    for treatment, names in _SYNONYMS.items():
        if name in names:
            return treatment
    if "age" in re.findall(r"[^\W\d_]+", heading.casefold()):
        return "age"
    return _by_keyword(keyword)


def _by_keyword(keyword: str) -> Treatment | None:
    """What PS3.6 says of an attribute; None where it tells nobody who the patient is."""
    tag = tag_for_keyword(keyword) if keyword else None
    if tag is None:
        return None
    vr = dictionary_VR(tag)
    if keyword in PATIENT | BIRTH:
        return "pseudonym" if keyword in PATIENT else "birth date"
    by_vr: dict[str, Treatment] = {"UI": "uid", "PN": "remove", "AS": "age", **dict.fromkeys(_DATE_VRS, "date")}
    return by_vr.get(vr, "remove" if tag in KINDS else None)


def _other(column: Column, said: Mapping[str, Treatment]) -> Column:
    """A second column of patient ids, where the user named the first: it goes."""
    chosen = column.treatment in ("pseudonym", "issuer") and column.treatment in said.values()
    return Column(column.heading, "remove", column.why) if chosen and column.heading not in said else column


def _unclear(grid: Grid, columns: list[Column]) -> Iterator[Problem]:
    for treatment, what, option in (
        ("pseudonym", "patient ids", "--patient-column"),
        ("issuer", "", "--issuer-column"),
    ):
        named = [column.heading for column in columns if column.treatment == treatment]
        if len(named) > 1:
            remedy = f"write {option} HEADING; the others go"
            yield Problem(grid.file, 1, ", ".join(named), "which one is meant?", remedy)
        elif not named and what:
            # The first line may be a patient's: its cells are not repeated.
            yield Problem(grid.file, 1, "", f"no column is known to hold {what}", f"write {option} HEADING")
    for column in columns:
        if column.treatment == "keep" and not column.why and looks_like_dates(grid.column(column.heading)):
            remedy = "write --date-columns, --drop or --keep, with this heading"
            yield Problem(grid.file, 1, column.heading, "looks like dates", remedy)
