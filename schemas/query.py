"""query.yaml: which studies are wanted."""

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas._base import Model

Guard = Literal["hold", "warn", "accept"]


class Table(Model):
    """A table of query rows."""

    file: str = Field(
        description="csv, tsv, xlsx, json or parquet; relative to the project folder; may lie outside",
        examples=["cohort.xlsx"],
    )
    sheet: str | None = Field(None, description="Sheet of the workbook; left out: the first that is not hidden")
    heading_row: int | None = Field(
        None,
        ge=1,
        description="1-based line of the headings, where title lines stand above them; left out: the first line, "
        "or the only one with headings that are known",
        examples=[3],
    )
    encoding: str | None = Field(
        None,
        description="Encoding of a csv or tsv; left out: UTF-8 or UTF-16, else cp1252, with a warning",
        examples=["cp1251", "shift_jis"],
    )
    columns: dict[str, str] = Field(
        default={},
        description="Column heading -> DICOM keyword, beyond the synonyms known by default; `ignore` leaves one out",
        examples=[{"MRN": "PatientID", "Date of study": "StudyDate", "Remarks": "ignore"}],
    )
    id_column: str | None = Field(
        None, description="Column with the row's id; left out: Query, ID or Index, else the row's number"
    )
    zero_pad: dict[str, int] = Field(
        default={}, description="DICOM keyword -> number of digits to pad to", examples=[{"PatientID": 7}]
    )
    date_formats: list[str] = Field(
        default=[],
        description="strptime formats of dates, tried after YYYYMMDD and YYYY-MM-DD",
        examples=[["%d.%m.%Y"]],
    )
    contains: list[str] = Field(
        default=[],
        description="DICOM keywords whose values are sought anywhere in the text: each is asked as `*value*`",
        examples=[["StudyDescription", "SeriesDescription"]],
    )
    look_around_days: dict[str, int] = Field(
        default={},
        description="DICOM keyword of a date -> days before and after",
        examples=[{"StudyDate": 1}],
    )


class DaysAround(Model):
    """Days around the row's IndexDate."""

    StudyDate: tuple[int, int] = Field(
        description="First and last day, counted from IndexDate; below zero: before it", examples=[[-90, 30]]
    )

    @model_validator(mode="after")
    def _in_order(self) -> "DaysAround":
        if self.StudyDate[0] > self.StudyDate[1]:
            raise ValueError("the first day is later than the last: write the earlier one first, as [-90, 30]")
        return self


class StudyChoice(Model):
    """Which of a row's studies are taken, by their dates; left out: all."""

    nearest: DaysAround | None = Field(
        None,
        description="The one study nearest to the row's IndexDate, within these days; two as near hold the row",
        examples=[{"StudyDate": [-90, 30]}],
    )
    priors: int | None = Field(
        None, ge=1, description="So many studies before the nearest one; without `nearest`: before IndexDate"
    )
    first: int | None = Field(None, ge=1, description="So many of the row's earliest studies")
    last: int | None = Field(None, ge=1, description="So many of the row's latest studies")

    @model_validator(mode="after")
    def _together(self) -> "StudyChoice":
        if (self.nearest or self.priors) and (self.first or self.last):
            raise ValueError("takes `nearest` and `priors`, or `first` and `last`: take one of them out")
        if not (self.nearest or self.priors or self.first or self.last):
            raise ValueError("chooses nothing: write nearest, priors, first or last")
        return self

    @property
    def by_index(self) -> bool:
        """Whether rows need an IndexDate."""
        return bool(self.nearest or self.priors)


class SeriesRules(Model):
    """Which series of a found study are wanted."""

    include: list[dict[str, Any]] = Field(
        default=[],
        description="A series is wanted when one of these fits (none given: all). DICOM keyword -> value, "
        "list of values, wildcard `*lung*` or `/regular expression/i`; also images_below, images_above",
    )
    exclude: list[dict[str, Any]] = Field(default=[], description="A series is not wanted when one of these fits")


class Guards(Model):
    """What to do about doubtful answers: hold the row for a person, warn, or accept."""

    several_studies_per_accession: Guard = Field("hold", description="One accession number, several studies")
    several_patients_per_row: Guard = Field("hold", description="One row, several patient ids")
    birth_date_mismatch: Guard = Field("hold", description="Birth dates of row and answer, or of two answers, differ")
    fewer_series_than_counted: Guard = Field("hold", description="A node lists fewer series than it counts in a study")
    fewer_images_than_counted: Guard = Field(
        "hold",
        description="A node counts more images in a series than it lists and sends; hold: the study stays incomplete "
        "and is asked for again later",
    )
    patient_differs_in_images: Literal["hold", "accept"] = Field(
        "hold",
        description="Images of a study carry another patient id than the node answers for it, as after a merge of "
        "patients; hold: they are refused, and not asked for again until `pacsflow settle PROJECT --same-patient "
        "STUDY`; accept: they are of the patient that the node answers",
    )
    cut_answers: Guard = Field("hold", description="Answers that may have been cut, also when asked for in pieces")
    no_identifier: Literal["refuse"] = Field(
        "refuse", description="A row with neither an identifier nor a date never reaches the PACS"
    )


class Query(Model):
    """query.yaml."""

    level: Literal["patient", "study", "series"] = Field("study", description="What a row wants")
    rows: list[dict[str, Any]] = Field(
        default=[],
        description="Rows: `id` and DICOM keywords with values",
        examples=[[{"id": "A-001", "PatientID": "0045322", "StudyDate": "2015-05-12"}]],
    )
    table: Table | None = Field(None, description="A table of rows, instead of or beside `rows`")
    studies: StudyChoice | None = Field(None, description="Which of a row's studies are wanted, by their dates")
    series: SeriesRules = Field(default_factory=SeriesRules, description="Which series are wanted")
    references: Literal["ignore", "fetch"] = Field(
        "ignore",
        description="What an object about others that a row wants refers to (SR, KO, PR, SEG, REG, RTSTRUCT, RTPLAN, "
        "RTDOSE, parametric map and their like): fetch brings those series too, of any study of the patient, and what "
        "these refer to, and says how many are missing",
    )
    guards: Guards = Field(default_factory=Guards, description="What holds a row")
    exclusions: str | None = Field(
        None,
        description="Table (csv, tsv, xlsx, txt, json, parquet) of Patient IDs that are never asked for, as of people "
        "who withdrew their consent; relative to the project folder; may lie outside",
        examples=["../withdrawn.txt"],
    )
    match_case: dict[str, bool] = Field(
        default={},
        description="DICOM keyword -> whether large and small letters differ when answers are compared with a row; "
        "left out: they do in identifiers, and do not in descriptions, codes and names",
        examples=[{"SeriesDescription": True, "PatientID": False}],
    )
