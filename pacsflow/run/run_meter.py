"""How fast a project's runs are and what is left of them, by looks at the ledger that all who watch share."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from pacsflow.ledger import Ledger
from pacsflow.ledger import tables as t
from pacsflow.run.reporting.plan import plan_file
from pacsflow.run.run_watch import Watched, watched

WINDOW: Final = 120.0
"""Seconds over which rates are the mean."""
FRESH: Final = 0.8
"""Seconds for which one look is given to all who ask."""
_SHORTEST: Final = 2.0
"""Seconds that must lie between two looks before a rate is told."""
_MEGA: Final = 1e6
_SELDOM: Final = 20


@dataclass(frozen=True)
class Pace:
    """Rates, and what is left. Rates are 0 and `seconds` is None where too little is known yet.

    `rows`: per minute; `images`, `megabytes`: per second; `rows_left`: not asked yet; `images_left`: of the studies
    that are planned and not complete; `gigabytes_left`: estimated as the plan does; `seconds`: that it may still take.
    """

    rows: float = 0.0
    images: float = 0.0
    megabytes: float = 0.0
    rows_left: int = 0
    images_left: int = 0
    gigabytes_left: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True)
class RunLook:
    """A project as it is this second. `plan`: the totals of the last plan (`studies`, `gigabytes`, `hours`, …)."""

    now: Watched
    pace: Pace
    plan: Mapping[str, float] = field(default_factory=dict)


class RunMeter:
    """Looks at a project's ledger. Thread-safe: who asks soon after another is given the same look.

    `clock`: seconds, of the rates.
    """

    def __init__(self, ledger: Ledger, workdir: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger, self._plan, self._clock = ledger, plan_file(workdir), clock
        self._lock = threading.Lock()
        self._looks: deque[tuple[float, int, int, int]] = deque()
        self._last: tuple[float, RunLook] | None = None
        self._left, self._left_until = 0, 0.0

    def look(self) -> RunLook:
        """The project now, or as it was a moment ago."""
        with self._lock:
            at = self._clock()
            if self._last is None or not 0 <= at - self._last[0] < FRESH:
                self._last = (at, self._looked(at))
            return self._last[1]

    def _looked(self, at: float) -> RunLook:
        now, plan = watched(self._ledger), plan_totals(self._plan)
        rows_left = now.rows["pending"]
        if not now.at_work:
            self._looks.clear()
        asked = (sum(now.rows.values()) - rows_left, now.asked.get("images", 0), now.asked.get("bytes", 0))
        self._looks.append((at, *asked))
        while len(self._looks) > 2 and self._looks[0][0] < at - WINDOW:  # noqa: PLR2004 - a rate needs two looks
            self._looks.popleft()
        left = self._images_left(at) if now.at_work else 0
        each = plan["gigabytes"] / plan["images"] if plan.get("images") else 0.0
        return RunLook(now, _pace(list(self._looks), rows_left, left, left * each), plan)

    def _images_left(self, at: float) -> int:
        """As it was counted last; again after so long that counting takes a twentieth of the time at most."""
        if at >= self._left_until:
            self._left = images_left(self._ledger)
            self._left_until = at + _SELDOM * (self._clock() - at)
        return self._left


def _pace(looks: list[tuple[float, int, int, int]], rows_left: int, left: int, gigabytes: float) -> Pace:
    begun, ended = looks[0], looks[-1]
    if (seconds := ended[0] - begun[0]) < _SHORTEST:
        return Pace(rows_left=rows_left, images_left=left, gigabytes_left=gigabytes)
    rows, images, size = ((after - before) / seconds for before, after in zip(begun[1:], ended[1:], strict=True))
    rate, number = (rows, rows_left) if rows_left else (images, left)
    lasting = number / rate if rate > 0 and number else None
    return Pace(60 * rows, images, size / _MEGA, rows_left, left, gigabytes, lasting)


def images_left(ledger: Ledger) -> int:
    """Images, as the node counts them, of the wanted series of studies that rows take and that are not complete.

    Those that came already are counted away.
    """
    todo = (
        sa.select(t.series.c.key, t.series.c.study_key, t.series.c.expected)
        .join(t.wants, t.wants.c.series_key == t.series.c.key)
        .join(t.hits, (t.hits.c.row_id == t.wants.c.row_id) & (t.hits.c.study_key == t.series.c.study_key))
        .join(t.rows, t.rows.c.id == t.wants.c.row_id)
        .join(t.studies, t.studies.c.key == t.series.c.study_key)
        .where(t.hits.c.decision == "take", t.rows.c.listed, t.rows.c.status == "found", t.wants.c.wanted)
        .where(t.studies.c.status != "complete")
        .distinct()
        .subquery()
    )
    i = t.instances.c
    here = sa.select(sa.func.count()).where(
        i.status == "held", i.series_key == todo.c.key, i.study_key == todo.c.study_key
    )
    counted = sa.func.coalesce(todo.c.expected, 0)
    query = sa.select(counted.label("expected"), here.scalar_subquery().label("held")).select_from(todo)
    return sum(max(row.expected - row.held, 0) for row in ledger.all(query))


def plan_totals(file: Path) -> dict[str, float]:
    """The numbers of the plan that was written last; none where there is none."""
    try:
        found = json.loads(file.read_text("utf-8"))["totals"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: number for name, number in found.items() if isinstance(number, int | float)}
