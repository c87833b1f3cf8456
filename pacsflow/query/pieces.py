"""A question as several smaller ones: halves of the dates, then of the times of a day, then modality by modality.

Series of a study are asked for modality by modality, then by halves of their times.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pacsflow.query.dates import EARLIEST

Keys = Mapping[str, str]
Split = Callable[[Keys], "Pieces | None"]

MODALITIES = (
    *("CT", "MR", "CR", "DX", "MG", "US", "XA", "RF", "NM", "PT", "OT", "SC", "SR", "PR", "KO", "DOC", "SEG", "REG"),
    *("RTSTRUCT", "RTDOSE", "RTPLAN", "RTIMAGE", "RTRECORD", "ECG", "EPS", "HD", "IO", "PX", "ES", "XC", "GM", "SM"),
    *("OP", "OPT", "OPM", "OCT", "OPV", "OAM", "IVUS", "IVOCT", "BMD", "BI", "DG", "EEG", "EMG", "AU", "M3D", "PLAN"),
)
"""Defined terms of Modality that are met (PS3.3 C.7.3.1.1.1)."""
_DAY = 24 * 60 * 60


@dataclass(frozen=True)
class Pieces:
    """Questions that together ask for what one asked for. `blind`: what none of them sees, empty where all is seen."""

    questions: tuple[Keys, ...]
    blind: str = ""


def of_studies(keys: Keys) -> Pieces | None:
    """A STUDY question in pieces: by StudyDate, StudyTime, ModalitiesInStudy; None where it cannot be smaller."""
    return (
        _by_date(keys) or _by_time(keys, "StudyTime", of="study") or _by_modality(keys, "ModalitiesInStudy", MODALITIES)
    )


def of_series(modalities: Iterable[str]) -> Split:
    """How a SERIES question is cut into pieces: by the modalities of its study, else by all there are, then by time."""
    known = tuple(filter(None, modalities))
    return lambda keys: (
        _by_modality(keys, "Modality", known or MODALITIES, complete=bool(known))
        or _by_time(keys, "SeriesTime", of="series")
    )


def _by_date(keys: Keys) -> Pieces | None:
    """Halves of a range of dates. An open end stays open, so that nothing is too early or too late for them."""
    asked = keys.get("StudyDate", "").strip()
    if asked and "-" not in asked:
        return None
    begin, _, end = asked.partition("-")
    first = _day(begin) if begin else EARLIEST
    last = _day(end) if end else dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    if first >= last:
        return None
    middle = first + (last - first) // 2
    halves = (_span(begin, f"{middle:%Y%m%d}"), _span(f"{middle + dt.timedelta(1):%Y%m%d}", end))
    return Pieces(tuple({**keys, "StudyDate": half} for half in halves), "" if asked else "a study without a date")


def _by_time(keys: Keys, keyword: str, *, of: str) -> Pieces | None:
    """Halves of a range of times. They share the second in the middle: a fraction of it is in one at least."""
    asked = keys.get(keyword, "").strip()
    if asked and "-" not in asked:
        return None
    begin, _, end = asked.partition("-")
    first = _seconds(begin, "000000") if begin else 0
    last = _seconds(end, "235959") if end else _DAY - 1
    if last - first <= 1:
        return None
    middle = _clock((first + last) // 2)
    halves = (f"{begin}-{middle}", f"{middle}-{end}")
    return Pieces(tuple({**keys, keyword: half} for half in halves), "" if asked else f"a {of} without a time")


def _by_modality(keys: Keys, keyword: str, modalities: Iterable[str], *, complete: bool = False) -> Pieces | None:
    if keys.get(keyword, "").strip():
        return None
    return Pieces(tuple({**keys, keyword: one} for one in modalities), "" if complete else "an unusual modality")


def _span(begin: str, end: str) -> str:
    return begin if begin == end else f"{begin}-{end}"


def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 a date has no zone


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


def _seconds(text: str, rest: str) -> int:
    """Seconds since midnight of HH, HHMM or HHMMSS; what is not said is filled up from `rest`."""
    whole = text.partition(".")[0]
    whole += rest[len(whole) :]
    return int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6])
