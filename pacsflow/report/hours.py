"""What was asked of the nodes by the hour, as a chart and a table of the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from pacsflow.ledger.traffic import HourOfTraffic, Slowed
from pacsflow.report.records import RunSummary
from pacsflow.wording import counted

HOURS_SHOWN = 48
"""Columns of the chart, and lines of the table: the last ones."""
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class HourColumn:
    """An hour of the chart: shares of the largest number, images upwards and queries downwards."""

    begin: datetime
    images: int
    queries: int
    up: float
    down: float
    named: bool


@dataclass(frozen=True)
class Traffic:
    """The section: `left` counts the lines that are not shown; `several`: more than one node was asked."""

    columns: Sequence[HourColumn]
    lines: Sequence[HourOfTraffic]
    left: int
    several: bool
    slowed: str


def traffic(run: RunSummary) -> Traffic:
    """What the page shows of a project's traffic."""
    lines = [replace(hour, begin=_in(hour.begin, run.ended.tzinfo)) for hour in run.hours]
    shown = lines[-HOURS_SHOWN:]
    nodes = {line.node for line in lines}
    return Traffic(_columns(lines), shown, len(lines) - len(shown), len(nodes) > 1, slowed(run.slowdowns))


def slowed(slowdowns: Sequence[Slowed]) -> str:
    """`slowed down 3 times: an association was rejected (2), the node stayed silent (1)`; empty for never."""
    if not slowdowns:
        return ""
    whys = Counter(one.why for one in slowdowns)
    times = "once" if len(slowdowns) == 1 else f"{counted(len(slowdowns), 'time')}"
    return f"slowed down {times}: {', '.join(f'{why} ({number})' for why, number in whys.most_common())}"


def _in(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.astimezone(zone) if zone else moment


def _columns(lines: Sequence[HourOfTraffic]) -> list[HourColumn]:
    """One column for each hour up to the last one, also for those in which nothing was asked."""
    if not lines:
        return []
    known = {
        begin: (sum(one.images for one in group), sum(one.queries for one in group))
        for begin, many in groupby(lines, key=lambda line: line.begin)
        for group in [list(many)]
    }
    last = lines[-1].begin
    count = min(HOURS_SHOWN, 1 + int((last - lines[0].begin) / _HOUR))
    hours = [last - n * _HOUR for n in reversed(range(count))]
    images, queries = (max(1, *(known.get(hour, (0, 0))[n] for hour in hours)) for n in (0, 1))
    step = max(1, -(-count // 12))
    return [
        HourColumn(hour, up, down, up / images, down / queries, n % step == 0)
        for n, hour in enumerate(hours)
        for up, down in [known.get(hour, (0, 0))]
    ]
