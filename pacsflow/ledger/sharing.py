"""Several runs at one ledger: which rows and studies are whose.

A row belongs to the run that asks it, for as long as that is at work. A study belongs to the place, a work directory,
where its images lie: no other run delivers it, nor fetches what is there already, unless that place is deserted.
"""

import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.rows import OPEN
from pacsflow.ledger.runs import ENDED, FOUND, at_work_now

SECONDS_AWAY = 7 * 86400.0
"""So long after its last run ended in order a place is waited for: a machine may be off over a holiday."""
_AT_ONCE = 500


@dataclass(frozen=True)
class Neighbours:
    """The runs beside one: owners of those at work, or that went to their end meanwhile: what they took is theirs.

    `deserted`: places that no run comes back to. `finding`: whether one of them still asks for rows.
    """

    owners: frozenset[str]
    deserted: frozenset[str]
    finding: bool


def neighbours(ledger: Ledger, owner: str, place: str, since: float) -> Neighbours:
    """Who else works on the ledger, or did `since` then (seconds since the epoch).

    A place is deserted where its last run broke off, or ended `SECONDS_AWAY` ago.
    """
    back, last, ended = time.time() - SECONDS_AWAY, {}, set()
    for run in ledger.all(sa.select(t.runs).where(t.runs.c.action == "run").order_by(t.runs.c.started)):
        last[_place(run)] = run.ended is None or run.ended < back
        if run.status == ENDED and run.ended >= since:
            ended.add(run.lease_owner)
    living = [run for run in at_work_now(ledger) if run.action == "run" and run.lease_owner != owner]
    deserted = {name for name, over in last.items() if over} - {_place(run) for run in living} - {place, ""}
    owners = {run.lease_owner for run in living} | ended
    return Neighbours(frozenset(owners), frozenset(deserted), any(run.status != FOUND for run in living))


def _place(run: sa.Row[Any]) -> str:
    return str((run.facts or {}).get("place", ""))


def claim_rows(ledger: Ledger, row_ids: Iterable[str], owner: str, living: Collection[str]) -> set[str]:
    """Take rows that no other run at work has; those that are ours then. One statement looks and takes."""
    ids, mine = list(row_ids), set()
    for start in range(0, len(ids), _AT_ONCE):
        holder = t.rows.c.lease_owner
        free = sa.or_(holder.is_(None), holder == owner, holder.not_in(sorted(living)))
        still_open = t.rows.c.status.in_(OPEN)
        statement = sa.update(t.rows).where(t.rows.c.id.in_(ids[start : start + _AT_ONCE]), still_open, free)
        with ledger.write() as connection:
            taken = connection.execute(statement.values(lease_owner=owner).returning(t.rows.c.id))
            mine |= {row.id for row in taken}
    return mine


def rows_of(ledger: Ledger, owner: str) -> set[str]:
    """Ids of the rows that a run has taken."""
    return {row.id for row in ledger.all(sa.select(t.rows.c.id).where(t.rows.c.lease_owner == owner))}


def staged_at(ledger: Ledger, key: str, place: str) -> str:
    """Where the images of a study lie: at `place` from now on, where they lie nowhere yet."""
    query = sa.select(t.studies.c.staged).where(t.studies.c.key == key)
    if known := ledger.all(query)[0].staged:
        return str(known)
    here = (t.studies.c.key == key) & (t.studies.c.staged == "")
    with ledger.write(alone=False) as connection:
        connection.execute(sa.update(t.studies).where(here).values(staged=place))
        return str(connection.execute(query).scalar_one())


def stage_anew(ledger: Ledger, key: str, place: str) -> None:
    """Have a study fetched to `place`: what is held lies where nobody comes back to. Refusals stay."""
    with ledger.write() as connection:
        held = (t.instances.c.study_key == key) & (t.instances.c.status == "held")
        values = {"status": "expected", "path": "", "size": 0, "sha256": ""}
        connection.execute(sa.update(t.instances).where(held).values(**values))
        connection.execute(sa.delete(t.outputs).where(t.outputs.c.study_key == key))
        study = sa.update(t.studies).where(t.studies.c.key == key)
        connection.execute(study.values(staged=place, status="found", reason="", proof="", wanted="", content=""))


def let_go(ledger: Ledger, owner: str) -> None:
    """Give back all studies that a run has taken."""
    with ledger.write(alone=False) as connection:
        values = {"lease_owner": None, "lease_expires": None}
        connection.execute(sa.update(t.studies).where(t.studies.c.lease_owner == owner).values(**values))


def nobody_at_work(ledger: Ledger) -> None:
    """Take no run for one at work: of a ledger that was copied while one was."""
    with ledger.write() as connection:
        unended = sa.update(t.runs).where(t.runs.c.ended.is_(None))
        connection.execute(unended.values(ended=time.time(), status="restored"))
        connection.execute(sa.update(t.studies).values(lease_owner=None, lease_expires=None))
