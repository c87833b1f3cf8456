"""The audit trail: who approved, settled, selected, withdrew and exported, and when."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger, canonical

_AT_MOST = 2000
"""Letters of `about` that are kept."""


@dataclass(frozen=True)
class Act:
    """What a person did. `about`: rows by number, studies by key, counts; no identifier. `at`: seconds since 1970."""

    action: str
    by: str
    about: str = ""
    at: float = 0.0


@contextmanager
def deciding(ledger: Ledger, act: Act) -> Iterator[sa.Connection]:
    """The transaction of a person's decision, with its line in the audit trail; on disk when it ends."""
    with ledger.write(lasting=True) as connection:
        yield connection
        _note(ledger, connection, act)


def note(ledger: Ledger, act: Act) -> None:
    """Write an act down that changes nothing in the ledger."""
    with deciding(ledger, act):
        pass


def trail(ledger: Ledger) -> list[Act]:
    """All acts, in their order."""
    return [_act(row) for row in ledger.all(sa.select(t.acts).order_by(t.acts.c.number))]


def broken(ledger: Ledger) -> int | None:
    """Number of the first act that is not as it was written, or before which some are missing; None where all are."""
    before = ""
    for expected, row in enumerate(ledger.all(sa.select(t.acts).order_by(t.acts.c.number)), start=1):
        if row.number != expected or row.chain != _chain(ledger, row.number, _act(row), before):
            return int(row.number)
        before = row.chain
    return None


def _note(ledger: Ledger, connection: sa.Connection, act: Act) -> None:
    last = connection.execute(sa.select(t.acts).order_by(t.acts.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.chain) if last else (1, "")
    whole = Act(act.action, act.by[:120], act.about[:_AT_MOST], act.at or time.time())
    facts = {"number": number, "acted_at": whole.at, "acted_by": whole.by, "action": whole.action}
    chain = _chain(ledger, number, whole, before)
    connection.execute(sa.insert(t.acts).values(**facts, about=whole.about, chain=chain))


def _act(row: sa.Row[tuple[object, ...]]) -> Act:
    return Act(row.action, row.acted_by, row.about, row.acted_at)


def _chain(ledger: Ledger, number: int, act: Act, before: str) -> str:
    return ledger.digest("act", canonical([number, act.at, act.by, act.action, act.about, before]))
