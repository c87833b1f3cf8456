"""query.yaml: which studies are wanted."""

from typing import Any, Literal

from pydantic import Field

from schemas._base import Model

Guard = Literal["hold", "warn", "accept"]


class Table(Model):
    """A table of query rows."""

    file: str = Field(
        description="csv, tsv, xlsx, json or parquet; relative to the project folder; may lie outside",
        examples=["cohort.xlsx"],
    )
    sheet: str | None = Field(None, description="Sheet of the workbook; left out: the first that is not hidden")
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
    series: SeriesRules = Field(default_factory=SeriesRules, description="Which series are wanted")
    guards: Guards = Field(default_factory=Guards, description="What holds a row")
