"""When a node may be asked: windows of the week in its own time zone, holidays as Sundays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo

from schemas.pacs import DAYS, Hours, Window

SUNDAY = 6
HORIZON = 60
"""Days after which an opening is no longer looked for."""
_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]
"""Begin and end, in UTC."""


class Calendar(Protocol):
    """Public holidays."""

    def __contains__(self, key: object, /) -> bool:
        """Whether a date is one."""


class OpenHours:
    """The hours of a node. Moments are aware datetimes; those given are in the node's own time zone.

    A window belongs to the day it begins on, and may end on the next. Where clocks are turned, a time that
    comes twice is its first, one that never comes is as much later as the clocks are turned.
    """

    def __init__(self, hours: Hours) -> None:
        self.zone = ZoneInfo(hours.timezone)
        self.finish = timedelta(minutes=hours.finish_minutes)
        self._windows = [(days_of(window.days), window) for window in hours.allow]
        self._dates = {date.fromisoformat(text) for text in hours.holidays}
        self._calendar: Calendar = calendar(hours.holiday_calendar) if hours.holiday_calendar else frozenset[date]()

    def is_open(self, now: datetime) -> bool:
        """Whether the node may be asked."""
        return any(begin <= now < end for begin, end in self._spans(now, days=1))

    def closes(self, now: datetime) -> datetime | None:
        """End of the hours that `now` lies in; None where they are shut, or do not end within a week."""
        end = next((end for begin, end in self._spans(now, days=8) if begin <= now < end), None)
        return end.astimezone(self.zone) if end and end - now < 7 * _DAY else None

    def opens(self, now: datetime) -> datetime | None:
        """Begin of the next hours after `now`; None where there are none within HORIZON days."""
        begin = next((begin for begin, _ in self._spans(now, days=HORIZON) if begin > now), None)
        return begin.astimezone(self.zone) if begin else None

    def overdue(self, now: datetime) -> bool:
        """Whether `finish_minutes` after the end of the hours are over."""
        return not self.is_open(now) and not self.is_open(now - self.finish)

    def _spans(self, now: datetime, *, days: int) -> Iterator[Span]:
        """Open spans from the day before `now`, so many days on; in order, those that touch made one."""
        today = now.astimezone(self.zone).date()
        whole: list[Span] = []
        for begin, end in sorted(span for n in range(-1, days + 1) for span in self._of(today + n * _DAY)):
            if whole and begin <= whole[-1][1]:
                whole[-1] = (whole[-1][0], max(whole[-1][1], end))
            elif begin < end:  # else the clocks are turned past all of it
                whole.append((begin, end))
        return iter(whole)

    def _of(self, day: date) -> Iterator[Span]:
        weekday = SUNDAY if day in self._dates or day in self._calendar else day.weekday()
        for days, window in self._windows:
            if weekday in days:
                over = window.end <= window.begin
                yield self._moment(day, window.begin), self._moment(day + _DAY if over else day, window.end)

    def _moment(self, day: date, text: str) -> datetime:
        if text == "24:00":
            day, text = day + _DAY, "00:00"
        return datetime.combine(day, time.fromisoformat(text), self.zone).astimezone(UTC)


def days_of(text: str) -> frozenset[int]:
    """Weekdays (Monday is 0) that `mon-fri,sun` names; `fri-mon` goes over the weekend."""
    found: set[int] = set()
    for part in text.lower().replace(" ", "").split(","):
        first, _, last = part.partition("-")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return frozenset(found)


@cache
def calendar(name: str) -> Calendar:
    """Public holidays of a country (`CH`) or one of its subdivisions (`CH-ZH`), in any year.

    Raises LookupError for one that is not known.
    """
    import holidays

    country, _, subdivision = name.partition("-")
    try:
        found: Calendar = holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise LookupError(name) from None
    return found


def told(hours: Hours) -> str:
    """The windows, for a person: `mon-fri 19:00-07:00, sat,sun 00:00-24:00 (Europe/Zurich)`."""
    windows = "; ".join(map(_window, hours.allow))
    return f"{windows} ({hours.timezone}{', holidays as Sundays' if hours.holidays or hours.holiday_calendar else ''})"


def _window(window: Window) -> str:
    return f"{window.days} {window.begin}-{window.end}"


def spoken(moment: datetime) -> str:
    """A moment for a person, in its own time zone: `Mon 23 Nov 2026 19:00 CET`."""
    return f"{moment:%a %d %b %Y %H:%M %Z}"
