"""Reading the ledger for plan, status and report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.choices import new_in_rows, remarks


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
class SeriesState:
    """A series in numbers: instances by status, refusals by reason, bytes held, its conversion."""

    key: str
    study_key: str
    attributes: Mapping[str, str]
    announced: int | None
    reason: str
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    size: int = 0
    converted: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class StudyState:
    """A study, its series, and what its targets hold: target -> (status, reason).

    `proof`: what its status is told by (uid, count, retrieval).
    """

    key: str
    status: str
    reason: str
    attributes: Mapping[str, str]
    seconds: float
    series: tuple[SeriesState, ...]
    delivered: Mapping[str, tuple[str, str]]
    proof: str = ""
    node: str = ""


def rows(ledger: Ledger) -> list[RowState]:
    """The listed rows, in their order."""
    hits: dict[str, dict[str, str]] = {}
    for r in ledger.all(sa.select(t.hits)):
        hits.setdefault(r.row_id, {})[r.study_key] = r.decision
    wants: dict[str, set[str]] = {}
    series: dict[str, set[str]] = {}
    for r in ledger.all(sa.select(t.wants)):
        series.setdefault(r.row_id, set()).add(r.series_key)
        if r.wanted:
            wants.setdefault(r.row_id, set()).add(r.series_key)
    remarked = remarks(ledger)
    warnings = {row: [new_in_rows(remarked, found)] for row, found in series.items() if new_in_rows(remarked, found)}
    query = sa.select(t.rows).where(t.rows.c.listed).order_by(t.rows.c.number)
    return [
        RowState(
            r.id,
            r.number,
            r.status,
            r.reason,
            [*r.warnings, *warnings.get(r.id, ())],
            hits.get(r.id, {}),
            frozenset(wants.get(r.id, ())),
        )
        for r in ledger.all(query)
    ]


def studies(ledger: Ledger) -> dict[str, StudyState]:
    """Study key -> study, all studies of the ledger."""
    series: dict[str, list[SeriesState]] = {}
    for state in _series(ledger).values():
        series.setdefault(state.study_key, []).append(state)
    delivered: dict[str, dict[str, tuple[str, str]]] = {}
    for r in ledger.all(sa.select(t.deliveries).order_by(t.deliveries.c.target)):
        delivered.setdefault(r.study_key, {})[r.target] = (r.status, r.reason)
    return {
        r.key: StudyState(
            r.key,
            r.status,
            r.reason,
            r.attributes,
            r.seconds,
            tuple(series.get(r.key, ())),
            delivered.get(r.key, {}),
            r.proof,
            r.node,
        )
        for r in ledger.all(sa.select(t.studies))
    }


def _series(ledger: Ledger) -> dict[str, SeriesState]:
    columns = (t.instances.c.series_key, t.instances.c.status, t.instances.c.reason)
    numbers = sa.select(*columns, sa.func.count().label("n"), sa.func.sum(t.instances.c.size).label("size"))
    counts: dict[str, tuple[Counter[str], Counter[str]]] = {}
    sizes: Counter[str] = Counter()
    for r in ledger.all(numbers.group_by(*columns)):
        held, refused = counts.setdefault(r.series_key, (Counter(), Counter()))
        held[r.status] += r.n
        sizes[r.series_key] += r.size
        if r.status == "refused":
            refused[r.reason] += r.n
    remarked = remarks(ledger)
    converted = {r.series_key: (r.status, r.reason) for r in ledger.all(sa.select(t.outputs))}
    return {
        r.key: SeriesState(
            r.key,
            r.study_key,
            r.attributes,
            r.expected,
            "; ".join(filter(None, (remarked.get(r.key), r.reason))),
            *counts.get(r.key, (Counter(), Counter())),
            sizes[r.key],
            converted.get(r.key, ("", "")),
        )
        for r in ledger.all(sa.select(t.series).order_by(t.series.c.uid))
    }


def rows_of(ledger: Ledger, study_key: str) -> list[int]:
    """Numbers of the listed rows that take a study, in their order."""
    query = (
        sa.select(t.rows.c.number)
        .join(t.hits, t.hits.c.row_id == t.rows.c.id)
        .where(t.hits.c.study_key == study_key, t.hits.c.decision == "take", t.rows.c.listed)
        .order_by(t.rows.c.number)
    )
    return [r.number for r in ledger.all(query)]


def doubled(ledger: Ledger) -> dict[str, int]:
    """Study key -> number of held instances whose SOP Instance UID an instance of another study or series has, too.

    That is against PS3.5 9.1: no two instances have one UID.
    """
    held, uid = t.instances.c.status == "held", t.instances.c.uid
    twice = sa.select(uid).where(held).group_by(uid).having(sa.func.count() > 1)
    query = sa.select(t.instances.c.study_key, sa.func.count().label("number")).where(held, uid.in_(twice))
    grouped = query.group_by(t.instances.c.study_key).order_by(t.instances.c.study_key)
    return {r.study_key: r.number for r in ledger.all(grouped)}
