"""The layout template: where below a folder a series goes."""

import string
from collections.abc import Iterator, Mapping, Sequence

from pacsflow.export.contract import SeriesFiles
from pacsflow.export.names import LONGEST, alphanumeric, component, plain, short_digest

FIELDS = (
    "patient",
    "session",
    "study_date",
    "study_time",
    "modality",
    "series_number",
    "series_description",
    "study",
    "series",
    "row",
)
_SAMPLE: dict[str, str | int] = dict.fromkeys(FIELDS, "x") | {"series_number": 1}
_UNWANTED = '\\:*?"<>|'


def check_layout(layout: str) -> str | None:
    """What is wrong with a layout, None where nothing is. Needs no files."""
    return next(_problems(layout), None)


def _problems(layout: str) -> Iterator[str]:
    try:
        fields = [parts[1:] for parts in string.Formatter().parse(layout) if parts[1] is not None]
    except ValueError as error:
        yield f"not a template: {error}"
        return
    for name, spec, conversion in fields:
        if name not in FIELDS:
            yield f"unknown field {{{name}}}; known are {', '.join(FIELDS)}"
        if conversion or "{" in (spec or ""):
            yield f"{{{name}}} may have a width, as in {{series_number:05d}}, nothing more"
    try:
        yield from _problems_of_path(layout.format(**_SAMPLE))
    except ValueError as error:
        yield f"a format does not fit its field: {error}"
    if not any(name in ("series", "series_number", "series_description") for name, _, _ in fields):
        yield "puts all series of a study into one folder: add {series_number}, {series_description} or {series}"


def _problems_of_path(path: str) -> Iterator[str]:
    if any(part.strip() in ("", ".", "..") for part in path.split("/")) or any(c in path for c in _UNWANTED):
        yield f"must be a relative path without empty parts, `..`, and any of {' '.join(_UNWANTED)}"
    if not path.isprintable():
        yield "must not hold control characters"
    if any(len(part) > LONGEST for part in path.split("/")):
        yield f"makes names of more than {LONGEST} characters"


def folder_of(layout: str, series: SeriesFiles, *, patient: str, rows: Sequence[str]) -> tuple[str, ...]:
    """The folder of a series, part by part, every part a safe name. `patient` is its name as `alphanumeric` made it."""
    rendered = layout.format(**_values(series, patient, rows))
    return tuple(component(part) for part in rendered.split("/"))


def _values(series: SeriesFiles, patient: str, rows: Sequence[str]) -> Mapping[str, str | int]:
    date, time = alphanumeric(series.study_date), alphanumeric(series.study_time.partition(".")[0])
    return {
        "patient": patient,
        "session": date + time or short_digest(series.study_uid, 8),
        "study_date": date or "nodate",
        "study_time": time or "notime",
        "modality": plain(series.modality) or "OT",
        "series_number": series.series_number,
        "series_description": plain(series.series_description) or "No_series_description",
        "study": plain(series.study_uid),
        "series": plain(series.series_uid),
        "row": "+".join(map(plain, rows)) or "norow",
    }
