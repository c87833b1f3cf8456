"""Who is at work on a project now and how far that is, from the ledger alone: for pages that many look at."""

import os
import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from pacsflow.ledger import Ledger, traffic
from pacsflow.ledger import tables as t
from pacsflow.ledger.pauses import ProjectPause, paused
from pacsflow.ledger.runs import at_work_now
from pacsflow.processes import gone, near


@dataclass(frozen=True)
class AtWork:
    """A run or plan that is going on. `since`: seconds since 1970. `here`: its process is one of this machine."""

    action: str
    since: float
    machine: str
    here: bool


@dataclass(frozen=True)
class WatchedRow:
    """A row by number, its status so far, and its studies by key: (status, whether a run is at it now)."""

    number: int
    status: str
    reason: str
    studies: Mapping[str, tuple[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class Watched:
    """A project as it is this second. `asked`: what nodes were asked and sent, in all runs; `pause`: that holds."""

    at_work: Sequence[AtWork]
    rows: Counter[str]
    studies: Counter[str]
    asked: Mapping[str, int]
    pause: ProjectPause | None = None


def watched(ledger: Ledger) -> Watched:
    """How far a project is; reads counts only, so that it may be asked every second."""
    at_work = [
        AtWork(r.action, r.started, r.lease_owner.split("|")[0], near(r.lease_owner)) for r in at_work_now(ledger)
    ]
    number = sa.func.count().label("number")
    rows = sa.select(t.rows.c.status, number).where(t.rows.c.listed).group_by(t.rows.c.status)
    taken = sa.select(t.hits.c.study_key).where(t.hits.c.decision == "take")
    studies = sa.select(t.studies.c.status, number).where(t.studies.c.key.in_(taken)).group_by(t.studies.c.status)
    return Watched(
        at_work,
        Counter({r.status: r.number for r in ledger.all(rows)}),
        Counter({r.status: r.number for r in ledger.all(studies)}),
        traffic.total(ledger),
        paused(ledger),
    )


def watched_rows(ledger: Ledger, *, offset: int = 0, limit: int = 50) -> list[WatchedRow]:
    """Some rows in their order, with their studies."""
    query = sa.select(t.rows).where(t.rows.c.listed).order_by(t.rows.c.number).offset(offset).limit(limit)
    rows = ledger.all(query)
    columns = (t.hits.c.row_id, t.studies.c.key, t.studies.c.status, t.studies.c.lease_owner)
    hits = (
        sa.select(*columns)
        .join(t.studies, t.studies.c.key == t.hits.c.study_key)
        .where(t.hits.c.row_id.in_([r.id for r in rows]), t.hits.c.decision != "drop")
        .order_by(t.studies.c.key)
    )
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for r in ledger.all(hits):
        found.setdefault(r.row_id, {})[r.key] = (r.status, bool(r.lease_owner) and not gone(r.lease_owner))
    return [WatchedRow(r.number, r.status, r.reason, found.get(r.id, {})) for r in rows]


def stop(ledger: Ledger) -> int:
    """Ask the runs of this machine to end in order, as Ctrl-C does; how many. What is done stays done."""
    owners = [r.lease_owner for r in at_work_now(ledger) if near(r.lease_owner) and not gone(r.lease_owner)]
    ours = {process for owner in owners if (process := int(owner.split("|")[1])) != os.getpid()}
    for process in ours:
        os.kill(process, signal.SIGTERM)
    return len(ours)
