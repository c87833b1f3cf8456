"""Reading the ledger for plan, status and report."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger


@dataclass(frozen=True)
class RowState:
    """A row and the studies it found: study key -> decision."""

    id: str
    number: int
    status: str
    reason: str
    warnings: Sequence[str]
    hits: dict[str, str] = field(default_factory=dict)
    wants: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StudyState:
    """A study in numbers."""

    key: str
    status: str
    reason: str
    proof: str
    counts: Counter[str]
    reasons: Counter[str]
    size: int
    converted: Counter[str]
    delivered: dict[str, tuple[str, str]]


def rows(ledger: Ledger) -> list[RowState]:
    """The listed rows, in their order."""
    hits: dict[str, dict[str, str]] = {}
    for r in ledger.all(sa.select(t.hits)):
        hits.setdefault(r.row_id, {})[r.study_key] = r.decision
    wants: dict[str, set[str]] = {}
    for r in ledger.all(sa.select(t.wants)):
        wants.setdefault(r.row_id, set()).add(r.series_key)
    query = sa.select(t.rows).where(t.rows.c.listed).order_by(t.rows.c.number)
    return [
        RowState(r.id, r.number, r.status, r.reason, r.warnings, hits.get(r.id, {}), frozenset(wants.get(r.id, ())))
        for r in ledger.all(query)
    ]


def studies(ledger: Ledger) -> dict[str, StudyState]:
    """Study key -> the study in numbers, all studies of the ledger."""
    sizes = sa.select(t.instances.c.study_key, sa.func.sum(t.instances.c.size).label("size"))
    size = {r.study_key: int(r.size) for r in ledger.all(sizes.group_by(t.instances.c.study_key))}
    states = {
        r.key: StudyState(r.key, r.status, r.reason, r.proof, Counter(), Counter(), size.get(r.key, 0), Counter(), {})
        for r in ledger.all(sa.select(t.studies))
    }
    columns = (t.instances.c.study_key, t.instances.c.status, t.instances.c.reason)
    numbers = sa.select(*columns, sa.func.count().label("n")).group_by(*columns)
    for r in ledger.all(numbers):
        states[r.study_key].counts[r.status] += r.n
        if r.reason:
            states[r.study_key].reasons[r.reason] += r.n
    for r in ledger.all(sa.select(t.outputs.c.study_key, t.outputs.c.status)):
        states[r.study_key].converted[r.status] += 1
    for r in ledger.all(sa.select(t.deliveries)):
        states[r.study_key].delivered[r.target] = (r.status, r.reason)
    return states


def rows_of(ledger: Ledger, study_key: str) -> list[str]:
    """Ids of the listed rows that take a study, in their order."""
    query = (
        sa.select(t.rows.c.id)
        .join(t.hits, t.hits.c.row_id == t.rows.c.id)
        .where(t.hits.c.study_key == study_key, t.hits.c.decision == "take", t.rows.c.listed)
        .order_by(t.rows.c.number)
    )
    return [r.id for r in ledger.all(query)]
