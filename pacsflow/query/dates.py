"""Dates and times as people write them -> DICOM's (PS3.5 6.2: DA, TM) and ranges (PS3.4 C.2.2.2.5)."""

import datetime as dt
import re
from collections.abc import Callable, Sequence

from pacsflow.query.fault import FaultError

WINDOWS_EPOCH = dt.date(1899, 12, 30)
NO_DATE = "is not a date"
EARLIEST = dt.date(1900, 1, 1)
EARLIEST_BIRTH = dt.date(1850, 1, 1)
SPREADSHEET_DAY = re.compile(r"^[1-9][0-9]{4}(\.0+)?$")
_MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")
_BESIDE = re.compile(r"^(.*[0-9])[ T]([0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?[AaPp][Mm])?)$")
_ZONE = re.compile(r"[0-9]:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:?[0-9]{2})$")
_TIME = re.compile(r"^([01][0-9]|2[0-3])(:?[0-5][0-9](:?[0-5][0-9](\.[0-9]{1,6})?)?)?$")


def read_dates(text: str, formats: Sequence[str] = (), *, birth: bool = False) -> str:
    """YYYYMMDD, or a range YYYYMMDD-YYYYMMDD that may be open at one end. Raises FaultError."""

    def one(part: str) -> dt.date | None:
        return _date(part, formats)

    day = one(text)
    if day is not None:
        _check_day(day, birth=birth, last=True)
        return f"{day:%Y%m%d}"
    begin, end = _split(text, one)
    for each in (begin, end):
        if each is not None:
            _check_day(each, birth=birth, last=each is begin)
    if begin and end and begin > end:
        raise FaultError("a range that ends before it begins", "write the earlier date first")
    return "-".join(f"{each:%Y%m%d}" if each else "" for each in (begin, end))


def read_times(text: str) -> str:
    """HHMMSS.FFFFFF, as precise as written, or a range of them. Raises FaultError."""
    parts = [part.strip() for part in text.split("-")]
    if len(parts) > 2 or not any(parts) or any(part and not _TIME.match(part) for part in parts):  # noqa: PLR2004 two ends
        raise FaultError("is not a time", "write HHMMSS, HH:MM or a range HHMM-HHMM")
    return "-".join(part.replace(":", "") for part in parts)


def without_time(text: str) -> tuple[str, bool]:
    """A date without the time of day that stands beside it, and whether that was another than midnight.

    Raises FaultError for a moment in a time zone: which day it was in the hospital is not known.
    """
    if _ZONE.search(text):
        raise FaultError("is a moment in a time zone, its day hangs on the zone", "write the hospital's own day")
    if found := _BESIDE.match(_MIDNIGHT.sub("", text)):
        return found[1], True
    return text, False


def widened(value: str, days: int) -> str:
    """A DICOM date or date range with `days` more at each end."""
    begin, _, end = value.partition("-") if "-" in value else (value, "", value)
    return f"{moved(begin, -days)}-{moved(end, days)}"


def from_spreadsheet(serial: str, epoch: dt.date) -> str:
    """The date behind a spreadsheet's day number, as YYYYMMDD; `epoch` is its day 0."""
    return f"{epoch + dt.timedelta(days=int(float(serial))):%Y%m%d}"


def _date(text: str, formats: Sequence[str]) -> dt.date | None:
    text = _MIDNIGHT.sub("", text.strip())
    if re.fullmatch(r"[0-9]{8}", text):
        return _parsed(text, "%Y%m%d")
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return _parsed(text, "%Y-%m-%d")
    return next((day for form in formats if (day := _parsed(text, form))), None)


def _parsed(text: str, form: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text, form).date()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return None


def _split(text: str, one: Callable[[str], dt.date | None]) -> tuple[dt.date | None, dt.date | None]:
    for dash in (found.start() for found in re.finditer("-", text)):
        left, right = text[:dash].strip(), text[dash + 1 :].strip()
        begin, end = one(left), one(right)
        if (begin or not left) and (end or not right) and (begin or end):
            return begin, end
    raise FaultError(
        NO_DATE, "write YYYYMMDD, YYYY-MM-DD or a range 20150101-20151231; else say `date_formats`, as %d.%m.%Y"
    )


def _check_day(day: dt.date, *, birth: bool, last: bool) -> None:
    if day < (EARLIEST_BIRTH if birth else EARLIEST):
        raise FaultError("is too long ago", "fix the year")
    if last and day > dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1):
        raise FaultError("lies in the future", "fix the year")


def moved(day: str, days: int) -> str:
    """A day (YYYYMMDD, '' for an open end) so many days later; before, where `days` is below zero."""
    if not day:
        return ""
    try:
        moved = dt.datetime.strptime(day, "%Y%m%d").date() + dt.timedelta(days)  # noqa: DTZ007 a date has no zone
    except OverflowError:  # 99991231 is some systems' word for an open end
        moved = dt.date.max if days > 0 else dt.date.min
    return moved.isoformat().replace("-", "")
