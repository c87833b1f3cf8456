"""Runs: who is at work in this ledger, on which table. The table of a run stays as it is until the run ends."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Any

import sqlalchemy as sa

from pacsflow.errors import BusyError
from pacsflow.ledger import rows
from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.studies import digest_of
from pacsflow.processes import gone, near

LEASE_SECONDS = 300.0
SECONDS_BETWEEN_SIGNS = 60.0
CHANGING = frozenset({"run", "withdraw"})
"""Actions that change what is held and delivered: one at a time."""
ENDED = "ended"
"""Status of a run that went to its end."""
FOUND = "rows found"
"""Status of a run that has asked for all rows that it took, and has not ended."""
SECONDS_OF_DOUBT = 900.0
"""So long after its last sign a run elsewhere may be about to say that it ended."""


@dataclass(frozen=True)
class Run:
    """A run that begins: its process, what it does (plan, run), what is remembered of it.

    Of `facts`, `workers` says how many runs may be at work on one table at once.
    """

    owner: str
    action: str
    facts: Mapping[str, Any]


@contextmanager
def at_work(ledger: Ledger, run: Run, table: Iterable[tuple[str, int, str]]) -> Iterator[None]:
    """The time of a run: see `begin`. However it ends, that is written down; and that it lives, while it does."""
    begin(ledger, run, table)
    try:
        with signs_of_life(ledger, run.owner):
            yield
    except BaseException as error:
        with suppress(Exception):
            end(ledger, run.owner, type(error).__name__)
        raise
    end(ledger, run.owner, ENDED)


def begin(ledger: Ledger, run: Run, table: Iterable[tuple[str, int, str]]) -> None:
    """Write that a run begins, and bring the ledger's rows in line with its table: see `rows.sync`.

    The rows are left alone where another run is at work on the same table. Raises BusyError, before anything is
    written, while another run is at work that this one would disturb: one of another table, or, where both would
    fetch, as many as the project allows.
    """
    known = list(table)
    digest = digest_of(f"{number} {row_id} {asked}" for row_id, number, asked in known)
    with ledger.write(lasting=True) as connection:
        others = _living(connection.execute(_UNENDED))
        _undisturbed(others, run, digest)
        if all(other.rows != digest for other in others):
            rows.sync_within(ledger, connection, known)
        now = time.time()
        record = {"id": run.owner[-40:], "action": run.action, "lease_owner": run.owner, "started": now}
        record |= {"facts": dict(run.facts), "rows": digest, "lease_expires": now + LEASE_SECONDS}
        ledger.upsert(connection, t.runs, [record])


def end(ledger: Ledger, owner: str, status: str) -> None:
    """Write how a run ended."""
    _change(ledger, owner, lasting=True, ended=time.time(), status=status)


@contextmanager
def signs_of_life(ledger: Ledger, owner: str) -> Iterator[None]:
    """Within it other machines and containers see that the run lives. In its own one the process itself shows that."""
    over = Event()

    def keep() -> None:
        while not over.wait(SECONDS_BETWEEN_SIGNS):
            with suppress(sa.exc.SQLAlchemyError):  # a database that is away is there again at the next sign
                _change(ledger, owner, lease_expires=time.time() + LEASE_SECONDS)

    keeping = Thread(target=keep, daemon=True, name="signs of life")
    keeping.start()
    try:
        yield
    finally:
        over.set()
        keeping.join()


def _change(ledger: Ledger, owner: str, *, lasting: bool = False, **values: Any) -> None:
    with ledger.write(alone=False, lasting=lasting) as connection:
        connection.execute(sa.update(t.runs).where(t.runs.c.id == owner[-40:]).values(**values))


_UNENDED = sa.select(t.runs).where(t.runs.c.ended.is_(None)).order_by(t.runs.c.started)


def _living(unended: Iterable[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """Those of runs that have not ended whose process lives, as far as is known."""
    return [run for run in unended if _lives(run.lease_owner, run.lease_expires)]


def at_work_now(ledger: Ledger) -> list[sa.Row[Any]]:
    """The runs that are at work, the earliest first, as far as is known."""
    return _living(ledger.all(_UNENDED))


def note_found(ledger: Ledger, owner: str) -> None:
    """Write that a run has asked for all rows that it took."""
    _change(ledger, owner, status=FOUND)


def may_live(ledger: Ledger, owner: str) -> bool:
    """Whether the process of an owner is there, or may be: elsewhere, it gave a sign not long ago.

    One that ended there may still wait to say so, as where Prefect's server was away.
    """
    if near(owner):
        return not gone(owner)
    known = ledger.all(sa.select(t.runs.c.lease_expires).where(t.runs.c.id == owner[-40:]))
    return not known or (known[0].lease_expires or 0.0) + SECONDS_OF_DOUBT > time.time()


def _lives(owner: str, expires: float | None) -> bool:
    return not gone(owner) if near(owner) else expires is not None and expires > time.time()


def _undisturbed(others: list[sa.Row[Any]], run: Run, digest: str) -> None:
    changing = [other for other in others if {other.action, run.action} <= CHANGING]
    together = [other for other in changing if _together(other, run, digest)]
    full = len(together) >= _workers(run.facts)
    if refusing := [other for other in changing if full or other not in together]:
        fix = "nothing needs to be done: what it leaves, the next run goes on with"
        if run.action != "run":
            fix = "wait until it has ended, then try again"
        what = "another run" if refusing[0].action == "run" else f"a {refusing[0].action}"
        raise BusyError(f"{what} of this project is at work {_since(refusing[0])}", fix=fix)
    if other := next((one for one in others if one.rows != digest), None):
        told = f"the project's rows have changed, and a {other.action} of the former ones is at work {_since(other)}"
        raise BusyError(told, fix=f"wait until it has ended, then {run.action} again")


def _together(other: sa.Row[Any], run: Run, digest: str) -> bool:
    """Whether both are runs of one table that share their work."""
    same = (other.action, run.action, other.rows) == ("run", "run", digest)
    return same and min(_workers(other.facts or {}), _workers(run.facts)) > 1


def _workers(facts: Mapping[str, Any]) -> int:
    return int(facts.get("workers") or 1)


def _since(other: sa.Row[Any]) -> str:
    machine = other.lease_owner.split("|")[0]
    return f"since {datetime.fromtimestamp(other.started).astimezone():%Y-%m-%d %H:%M}, on {machine}"
