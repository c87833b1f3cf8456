"""Windows of the week, over midnight, over holidays, over turned clocks."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pacsflow.hours import OpenHours, days_of, spoken, told
from schemas.pacs import Hours
from yaml_folder import FILES, problems_of, write_files

NIGHTS = [{"days": "mon-fri", "from": "19:00", "to": "07:00"}, {"days": "sat,sun"}]


def hours(*allow, zone="Europe/Zurich", **more):
    return OpenHours(Hours.model_validate({"timezone": zone, "allow": list(allow or NIGHTS), **more}))


def at(text, zone="Europe/Zurich", fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


# 2026-11-20 is a Friday
@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-20T18:59:59", False),
        ("2026-11-20T19:00", True),
        ("2026-11-20T06:59:59", True),
        ("2026-11-20T07:00", False),
        ("2026-11-21T12:00", True),
        ("2026-11-22T23:59:59", True),
        ("2026-11-23T00:00", False),
        ("2026-11-23T06:00", False),
        ("2026-11-24T06:00", True),
    ],
)
def test_a_window_belongs_to_the_day_it_begins_on(moment, expected):
    assert hours().is_open(at(moment)) is expected


def test_windows_that_touch_are_one():
    assert hours().closes(at("2026-11-20T20:00")) == at("2026-11-23T00:00")
    assert hours().opens(at("2026-11-23T00:00")) == at("2026-11-23T19:00")
    assert spoken(hours().opens(at("2026-11-23T00:00"))) == "Mon 23 Nov 2026 19:00 CET"


def test_hours_that_never_end_have_no_end():
    always = hours({"days": "mon-sun"})
    assert always.is_open(at("2026-11-20T03:00"))
    assert always.closes(at("2026-11-20T03:00")) is None


def test_holidays_count_as_sundays():
    own = hours(holidays=["2026-11-18"])
    assert own.is_open(at("2026-11-18T12:00"))
    assert not own.is_open(at("2026-11-19T06:00")), "a Sunday's window ends at midnight"
    assert hours(holiday_calendar="CH-ZH").is_open(at("2026-05-01T12:00")), "Labour Day, a holiday in Zurich"
    assert not hours(holiday_calendar="CH-GE").is_open(at("2026-05-01T12:00")), "and none in Geneva"
    assert hours(holiday_calendar="CH").is_open(at("2029-05-10T12:00")), "Ascension Day of another year"


def test_where_all_is_holiday_nothing_opens():
    fifty = [f"2026-{month:02}-{day:02}" for month in (11, 12) for day in range(1, 31)] + [
        f"2027-01-{day:02}" for day in range(1, 32)
    ]
    assert hours({"days": "mon"}, holidays=fifty).opens(at("2026-11-20T12:00")) is None


def test_another_time_zone_is_asked_in_its_own_time():
    utc = at("2026-11-20T18:30", zone="UTC")
    assert hours().is_open(utc)
    assert not hours(zone="Europe/London").is_open(utc)


def test_clocks_that_are_turned():
    night = hours({"days": "mon-sun", "from": "01:00", "to": "05:00"})
    for day, length in (("2026-03-29", 3), ("2026-10-25", 5)):
        begin = night.opens(at(f"{day}T00:00"))
        assert (night.closes(begin).timestamp() - begin.timestamp()) / 3600 == length
    never = hours({"days": "sun", "from": "02:30", "to": "04:00"})
    assert never.opens(at("2026-03-29T00:00")) == at("2026-03-29T03:30"), "02:30 never comes"
    passed_over = hours({"days": "sun", "from": "02:15", "to": "02:45"}, {"days": "mon"})
    assert passed_over.opens(at("2026-03-29T00:00")) == at("2026-03-29T03:15")
    inside = hours({"days": "sun", "from": "02:30", "to": "03:00"}, {"days": "mon"})
    assert inside.opens(at("2026-03-29T00:00")) == at("2026-03-30T00:00"), "03:00 comes before 02:30 could"
    twice = hours({"days": "sun", "from": "02:30", "to": "04:00"})
    assert twice.opens(at("2026-10-25T00:00")) == at("2026-10-25T02:30", fold=0)


def test_what_is_under_way_has_its_time():
    own = hours(finish_minutes=20)
    assert not own.overdue(at("2026-11-20T06:59"))
    assert not own.overdue(at("2026-11-20T07:19"))
    assert own.overdue(at("2026-11-20T07:21"))
    assert own.overdue(at("2026-11-20T12:00"))


def test_days_are_read_in_all_their_forms():
    assert days_of("mon-fri") == {0, 1, 2, 3, 4}
    assert days_of("fri-mon") == {4, 5, 6, 0}
    assert days_of("sat, sun") == {5, 6}
    assert days_of("mon-sun") == set(range(7))


def test_hours_are_shown():
    read = Hours.model_validate({"timezone": "Europe/Zurich", "allow": NIGHTS, "holiday_calendar": "CH-ZH"})
    assert told(read) == "mon-fri 19:00-07:00; sat,sun 00:00-24:00 (Europe/Zurich, holidays as Sundays)"


@pytest.mark.parametrize(
    ("text", "field", "fix"),
    [
        ("timezone: Europe/Zürich, allow: [{days: mon}]", "hours.timezone", "write `Europe/Zurich`"),
        ("timezone: Nowhere, allow: [{days: mon}]", "hours.timezone", "as Europe/Zurich"),
        ("timezone: UTC, allow: [{days: monday}]", "hours.allow[0].days", "mon-fri"),
        ("timezone: UTC, allow: [{days: mon, from: '19:00', to: '19:00'}]", "hours.allow[0]", "leave"),
        ("timezone: UTC, allow: [{days: mon, from: '25:00'}]", "hours.allow[0].from", ""),
        ("timezone: UTC, allow: [{days: mon}], holidays: [2026-02-30]", "hours.holidays[0]", "YYYY-MM-DD"),
        ("timezone: UTC, allow: [{days: mon}], holiday_calendar: CH-QQ", "hours.holiday_calendar", "CH-ZH"),
    ],
)
def test_mistakes_are_reported_with_their_line(tmp_path, text, field, fix):
    (problem,) = problems_of(write_files(tmp_path / "a", pacs=FILES["pacs"] + f"hours:\n  {{{text}}}\n"))
    assert (problem.file, problem.line, problem.field) == ("pacs.yaml", 6, field)
    assert fix in problem.fix
