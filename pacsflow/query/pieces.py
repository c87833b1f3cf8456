"""A question as several smaller ones: by dates, by times of a day, by modality, by the ends of the patient ids.

Where answers to the whole question are known, they tell where to divide it: each piece is to have fewer than the whole.
Series of a study are asked for modality by modality, then by their times.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pacsflow.query.dates import EARLIEST

if TYPE_CHECKING:
    from pydicom import Dataset

Keys = Mapping[str, str]


class Split(Protocol):
    """Divides a question; the answers so far show where."""

    def __call__(self, keys: Keys, seen: Iterable[Dataset] = (), /) -> Pieces | None: ...  # noqa: D102


MODALITIES = (
    *("CT", "MR", "CR", "DX", "MG", "US", "XA", "RF", "NM", "PT", "OT", "SC", "SR", "PR", "KO", "DOC", "SEG", "REG"),
    *("RTSTRUCT", "RTDOSE", "RTPLAN", "RTIMAGE", "RTRECORD", "ECG", "EPS", "HD", "IO", "PX", "ES", "XC", "GM", "SM"),
    *("OP", "OPT", "OPM", "OCT", "OPV", "OAM", "IVUS", "IVOCT", "BMD", "BI", "DG", "EEG", "EMG", "AU", "M3D", "PLAN"),
)
"""Defined terms of Modality that are met (PS3.3 C.7.3.1.1.1)."""
_DAY = 24 * 60 * 60
_SAME = 2
"""Seconds in which answers of one moment cannot be divided."""
_SEVERAL = 2
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST_END = 3
"""Letters by whose combinations patients are distinguished, at most."""


@dataclass(frozen=True)
class Pieces:
    """Questions that together ask for what one asked for. `blind`: what none of them sees, empty where all is seen."""

    questions: tuple[Keys, ...]
    blind: str = ""


def of_studies(keys: Keys, seen: Iterable[Dataset] = ()) -> Pieces | None:
    """A STUDY question in pieces: by StudyDate, StudyTime, ModalitiesInStudy, PatientID; None where none is smaller.

    By the first of dates and times that all of the answers `seen` have and in which they differ, if there is one.
    """
    answers = list(seen)
    days, times = values(answers, "StudyDate"), values(answers, "StudyTime")
    if len(set(days)) > 1 and "" not in days and (parts := _by_date(keys, days)):
        return parts
    if len(set(times)) > 1 and "" not in times and (parts := _by_time(keys, "StudyTime", of="study", seen=times)):
        return parts
    return (
        _by_date(keys, days)
        or _by_time(keys, "StudyTime", of="study", seen=times)
        or _by_modality(keys, "ModalitiesInStudy", MODALITIES)
        or _by_patient(keys, values(answers, "PatientID"))
    )


def of_series(modalities: Iterable[str]) -> Split:
    """How a SERIES question is cut into pieces: by the modalities of its study, else by all there are, then by time."""
    known = tuple(filter(None, modalities))

    def split(keys: Keys, seen: Iterable[Dataset] = ()) -> Pieces | None:
        times = values(list(seen), "SeriesTime")
        return _by_modality(keys, "Modality", known or MODALITIES, complete=bool(known)) or _by_time(
            keys, "SeriesTime", of="series", seen=times
        )

    return split


def values(answers: Iterable[Dataset], keyword: str) -> list[str]:
    """An attribute of each answer as text; empty where it has none."""
    return [str(answer.get(keyword) or "").strip() for answer in answers]


def _by_date(keys: Keys, seen: Iterable[str] = ()) -> Pieces | None:
    """Pieces of a range of dates. An open end stays open, so that nothing is too early or too late for them."""
    asked = keys.get("StudyDate", "").strip()
    if asked and "-" not in asked:
        return None
    begin, _, end = asked.partition("-")
    first = _day(begin) if begin else EARLIEST
    last = _day(end) if end else dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)
    if first >= last:
        return None
    known = sorted(day for day in map(_date, seen) if day and first <= day <= last)
    spans = [(b and f"{b:%Y%m%d}", e and f"{e:%Y%m%d}") for b, e in _days(first, last, known)]
    spans = [(begin, spans[0][1]), *spans[1:-1], (spans[-1][0], end)]
    questions = tuple({**keys, "StudyDate": _span(b or "", e or "")} for b, e in spans)
    return Pieces(questions, "" if asked else "a study without a date")


def _days(first: dt.date, last: dt.date, known: Sequence[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Spans that make up a longer one: two that divide the days `known`; before, on, and after it where it is one."""
    one = dt.timedelta(days=1)
    if known and known[0] == known[-1]:
        day = known[0]
        return [(b, e) for b, e in ((first, day - one), (day, day), (day + one, last)) if b <= e]
    middle = first + (last - first) // 2
    if known:
        middle = known[(len(known) - 1) // 2]
        middle = middle if middle < known[-1] else max(day for day in known if day < middle)
    return [(first, middle), (middle + one, last)]


def _by_time(keys: Keys, keyword: str, *, of: str, seen: Iterable[str] = ()) -> Pieces | None:
    """Pieces of a range of times. They share the second between them: a fraction of it is in one at least."""
    asked = keys.get(keyword, "").strip()
    if asked and "-" not in asked:
        return None
    begin, _, end = asked.partition("-")
    first = _seconds(begin, "000000") if begin else 0
    last = _seconds(end, "235959") if end else _DAY - 1
    known = sorted(each for each in map(_moment, seen) if each is not None and first <= each <= last)
    if last - first <= (_SAME if known and known[0] == known[-1] else 1):
        return None
    cuts = [_clock(each) for each in _moments(first, last, known)]
    spans = zip([begin, *cuts], [*cuts, end], strict=True)
    questions = tuple({**keys, keyword: f"{b}-{e}"} for b, e in spans)
    return Pieces(questions, "" if asked else f"a {of} without a time")


def _moments(first: int, last: int, known: Sequence[int]) -> list[int]:
    """Seconds at which a span is divided: between the moments `known`, around it where it is one."""
    if not known:
        return [(first + last) // 2]
    if known[0] == known[-1]:
        cuts = [known[0] - 1, known[0] + 1]
    else:
        low = known[(len(known) - 1) // 2]
        low = low if low < known[-1] else max(each for each in known if each < low)
        high = min(each for each in known if each > low)
        cuts = [(low + high) // 2] if high - low > 1 else [low, high]
    return [each for each in cuts if first < each < last] or [(first + last) // 2]


def _by_patient(keys: Keys, seen: Sequence[str]) -> Pieces | None:
    """By the last letters of the patient id, one more in each piece; it is asked by wildcards (PS3.4 C.2.2.2.4)."""
    if len(set(seen)) < _SEVERAL or "" in seen:
        return None
    asked = keys.get("PatientID", "").strip() or "*"
    end = asked.removeprefix("*")
    if not asked.startswith("*") or set(end) & set("*?") or len(end) >= _LONGEST_END:
        return None
    ends = [*(f"*{letter}{end}" for letter in _LETTERS), *([end] if end else [])]
    return Pieces(tuple({**keys, "PatientID": one} for one in ends), "an unusual patient id")


def _by_modality(keys: Keys, keyword: str, modalities: Iterable[str], *, complete: bool = False) -> Pieces | None:
    if keys.get(keyword, "").strip():
        return None
    return Pieces(tuple({**keys, keyword: one} for one in modalities), "" if complete else "an unusual modality")


def _span(begin: str, end: str) -> str:
    return begin if begin == end else f"{begin}-{end}"


def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 a date has no zone


def _date(text: str) -> dt.date | None:
    try:
        return _day(text.replace(".", ""))
    except ValueError:  # an answer's date that is not one
        return None


def _moment(text: str) -> int | None:
    try:
        return _seconds(text.replace(":", ""), "000000")
    except ValueError:  # an answer's time that is not one
        return None


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}"


def _seconds(text: str, rest: str) -> int:
    """Seconds since midnight of HH, HHMM or HHMMSS; what is missing is filled up from `rest`."""
    whole = text.partition(".")[0]
    whole += rest[len(whole) :]
    return int(whole[:2]) * 3600 + int(whole[2:4]) * 60 + int(whole[4:6])
