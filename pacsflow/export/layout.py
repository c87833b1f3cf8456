"""The layout template: where below a folder a series goes."""

from collections.abc import Mapping, Sequence

from pacsflow.export.contract import SeriesFiles
from pacsflow.export.names import alphanumeric, component, plain, short_digest


def folder_of(layout: str, series: SeriesFiles, *, patient: str, rows: Sequence[str]) -> tuple[str, ...]:
    """The folder of a series, part by part, every part a safe name. `patient` is its name as `alphanumeric` made it."""
    rendered = layout.format(**_values(series, patient, rows))
    return tuple(component(part) for part in rendered.split("/"))


def _values(series: SeriesFiles, patient: str, rows: Sequence[str]) -> Mapping[str, str | int]:
    date, time = alphanumeric(series.study_date), alphanumeric(series.study_time.partition(".")[0])
    return {
        "patient": patient,
        "session": series.session or short_digest(series.study_uid, 8),
        "study_date": date or "nodate",
        "study_time": time or "notime",
        "modality": plain(series.modality) or "OT",
        "series_number": series.series_number,
        "series_description": plain(series.series_description) or "No_series_description",
        "study": plain(series.study_uid),
        "series": plain(series.series_uid),
        "row": "+".join(map(plain, rows)) or "norow",
    }
