"""What a BIDS dataset says of its people: participants.tsv, and scans.tsv of each session.

Everything comes from the cleaned headers: sex and age where the profile kept them, times as it left them.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydicom import Dataset

from pacsflow.export.contract import SeriesFiles
from pacsflow.export.series import header_of

NOT_KNOWN = "n/a"
COLUMNS = ("participant_id", "sex", "age")
DESCRIBED = {
    "participant_id": {"Description": "Pseudonym, of letters and digits"},
    "sex": {"Description": "Sex as the image headers say", "Levels": {"F": "female", "M": "male", "O": "other"}},
    "age": {"Description": "Age at the first session; from 89 on: 89+", "Units": "year"},
}
_OLDEST = 89
_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = re.compile(r"\d+(\.\d+)?\+?")
_PER_YEAR = {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}
_TAGS: list[str] = ["PatientSex", "PatientAge"]


def person_of(series: Iterable[SeriesFiles]) -> dict[str, str]:
    """Sex and age in years of the patient of a study, where a header says them."""
    headers = [_header(one) for one in series]
    sexes = {str(header.get("PatientSex") or "") for header in headers} & {"F", "M", "O"}
    ages = [age for header in headers if (age := _age(str(header.get("PatientAge") or "")))]
    youngest = min(ages, key=_years, default=NOT_KNOWN)
    return {"sex": sexes.pop() if len(sexes) == 1 else NOT_KNOWN, "age": youngest}


def acquired(series: SeriesFiles) -> str:
    """When a series began, as BIDS writes it: YYYY-MM-DDThh:mm:ss; `n/a` without a date and a time."""
    return series.acquired.partition(".")[0] or NOT_KNOWN


def merged(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """What two sessions say of one participant, in whatever order they came: the lower age, an agreed sex."""
    known = [one["sex"] for one in (before, now) if one.get("sex", NOT_KNOWN) != NOT_KNOWN]
    ages = [one["age"] for one in (before, now) if _YEARS.fullmatch(one.get("age", NOT_KNOWN))]
    sex = known[0] if len(set(known)) == 1 else NOT_KNOWN
    return {"sex": sex, "age": min(ages, key=_years, default=NOT_KNOWN)}


def read_table(file: Path) -> list[dict[str, str]]:
    """The lines of a tsv file; none where it is not there."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, restkey="", restval=NOT_KNOWN, delimiter="\t"))


def table(columns: Sequence[str], lines: Iterable[Mapping[str, str]]) -> bytes:
    """A tsv file, sorted by its first column; `n/a` where a line says nothing."""
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, columns, NOT_KNOWN, delimiter="\t", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(sorted(lines, key=lambda line: line[columns[0]]))
    return sink.getvalue().encode()


def _header(series: SeriesFiles) -> Dataset:
    return header_of(series.dicom[0][1], _TAGS)


def _age(text: str) -> str:
    match = _AGE.fullmatch(text)
    if not match:
        return ""
    years = int(match[1]) / _PER_YEAR[match[2]]
    return f"{_OLDEST}+" if years >= _OLDEST else f"{years:.1f}".removesuffix(".0")


def _years(age: str) -> float:
    return float(age.removesuffix("+"))
