"""Reading the ledger for plan, status and report."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.choices import new_in_rows, remarks, studies_of
from pacsflow.wording import counted


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

    @property
    def key(self) -> str:
        """What the plan's workbook calls it, whatever its number becomes."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]


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
    warnings: tuple[str, ...] = ()

    @property
    def images(self) -> int | None:
        """Number of its images: as many as the node counts, or as are known where they are more; None: not known."""
        return max(sum(self.counts.values()), self.announced or 0) or self.announced

    @property
    def number(self) -> str:
        """SeriesNumber (0020,0011) as the node answered; '' where it did not."""
        return self.attributes.get("SeriesNumber", "")

    @property
    def modality(self) -> str:
        """Modality (0008,0060) as the node answered; '' where it did not."""
        return self.attributes.get("Modality", "")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should look at: images refused, and why; warnings of its conversion."""
        refused = (f"{counted(number, 'image')} refused: {why}" for why, number in sorted(self.refusals.items()))
        return (*refused, *self.warnings)


@dataclass(frozen=True)
class StudyState:
    """A study, its series, and what its targets hold: target -> (status, reason).

    `proof`: what shows its status (uid, count, retrieval).
    """

    key: str
    status: str
    reason: str
    attributes: Mapping[str, str]
    fetch_seconds: float
    series: tuple[SeriesState, ...]
    delivered: Mapping[str, tuple[str, str]]
    proof: str = ""
    node: str = ""


def rows(ledger: Ledger, only: Sequence[str] | None = None) -> list[RowState]:
    """The listed rows, in their order; or those of some ids."""
    hits: dict[str, dict[str, str]] = {}
    for r in ledger.all(_among(sa.select(t.hits), t.hits.c.row_id, only)):
        hits.setdefault(r.row_id, {})[r.study_key] = r.decision
    wants: dict[str, set[str]] = {}
    series: dict[str, set[str]] = {}
    for r in ledger.all(_among(sa.select(t.wants), t.wants.c.row_id, only)):
        series.setdefault(r.row_id, set()).add(r.series_key)
        if r.wanted:
            wants.setdefault(r.row_id, set()).add(r.series_key)
    remarked = remarks(ledger, only)
    warnings = {row: [new_in_rows(remarked, found)] for row, found in series.items() if new_in_rows(remarked, found)}
    query = _among(sa.select(t.rows).where(t.rows.c.listed).order_by(t.rows.c.number), t.rows.c.id, only)
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


def studies(ledger: Ledger, of_rows: Sequence[str] | None = None) -> dict[str, StudyState]:
    """Study key -> study: all studies of the ledger, or those that rows of some ids found."""
    only = None if of_rows is None else studies_of(of_rows)
    series: dict[str, list[SeriesState]] = {}
    for state in _series(ledger, of_rows).values():
        series.setdefault(state.study_key, []).append(state)
    delivered: dict[str, dict[str, tuple[str, str]]] = {}
    columns = (t.deliveries.c.study_key, t.deliveries.c.target, t.deliveries.c.status, t.deliveries.c.reason)
    there = sa.select(*columns).order_by(t.deliveries.c.target)
    for r in ledger.all(_among(there, t.deliveries.c.study_key, only)):
        delivered.setdefault(r.study_key, {})[r.target] = (r.status, r.reason)
    return {
        r.key: StudyState(
            r.key,
            r.status,
            r.reason,
            r.attributes,
            r.fetch_seconds,
            tuple(series.get(r.key, ())),
            delivered.get(r.key, {}),
            r.proof,
            r.node,
        )
        for r in ledger.all(_among(sa.select(t.studies), t.studies.c.key, only))
    }


_Among = Sequence[str] | sa.Select[tuple[str]] | None


def _among(query: sa.Select[Any], column: sa.Column[str], values: _Among) -> sa.Select[Any]:
    return query if values is None else query.where(column.in_(values))


def _series(ledger: Ledger, of_rows: Sequence[str] | None) -> dict[str, SeriesState]:
    only = None if of_rows is None else studies_of(of_rows)
    columns = (t.instances.c.series_key, t.instances.c.status, t.instances.c.reason)
    numbers = sa.select(
        *columns, sa.func.count().label("n"), sa.cast(sa.func.sum(t.instances.c.size), sa.BigInteger).label("size")
    )
    counts: dict[str, tuple[Counter[str], Counter[str]]] = {}
    sizes: Counter[str] = Counter()
    for r in ledger.all(_among(numbers.group_by(*columns), t.instances.c.study_key, only)):
        held, refused = counts.setdefault(r.series_key, (Counter(), Counter()))
        held[r.status] += r.n
        sizes[r.series_key] += r.size
        if r.status == "refused":
            refused[r.reason] += r.n
    remarked = remarks(ledger, of_rows)
    outputs = {r.series_key: r for r in ledger.all(_among(sa.select(t.outputs), t.outputs.c.study_key, only))}
    converted = {key: (r.status, r.reason) for key, r in outputs.items()}
    warned = {key: tuple(r.facts.get("warnings") or ()) for key, r in outputs.items()}
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
            warned.get(r.key, ()),
        )
        for r in ledger.all(_among(sa.select(t.series).order_by(t.series.c.uid), t.series.c.study_key, only))
    }


def also_wanting(ledger: Ledger, row_ids: Sequence[str]) -> list[str]:
    """Ids of the listed rows beside those named that want series of the studies these found, in their order."""
    query = (
        sa.select(t.rows.c.id)
        .join(t.wants, t.wants.c.row_id == t.rows.c.id)
        .join(t.series, t.series.c.key == t.wants.c.series_key)
        .where(t.series.c.study_key.in_(studies_of(row_ids)), t.wants.c.wanted, t.rows.c.listed)
        .group_by(t.rows.c.id, t.rows.c.number)
        .order_by(t.rows.c.number)
    )
    named = set(row_ids)
    return [r.id for r in ledger.all(query) if r.id not in named]


def rows_of(ledger: Ledger, study_key: str) -> list[str]:
    """Ids of the listed rows that take a study, in their order."""
    query = (
        sa.select(t.rows.c.id)
        .join(t.hits, t.hits.c.row_id == t.rows.c.id)
        .where(t.hits.c.study_key == study_key, t.hits.c.decision == "take", t.rows.c.listed)
        .order_by(t.rows.c.number)
    )
    return [r.id for r in ledger.all(query)]


def doubled(ledger: Ledger) -> dict[str, int]:
    """Study key -> number of held instances whose SOP Instance UID an instance of another study or series has, too.

    That is against PS3.5 9.1: no two instances have one UID.
    """
    held, uid = t.instances.c.status == "held", t.instances.c.uid
    twice = sa.select(uid).where(held).group_by(uid).having(sa.func.count() > 1)
    query = sa.select(t.instances.c.study_key, sa.func.count().label("number")).where(held, uid.in_(twice))
    grouped = query.group_by(t.instances.c.study_key).order_by(t.instances.c.study_key)
    return {r.study_key: r.number for r in ledger.all(grouped)}
