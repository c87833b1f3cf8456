"""What rows found, read in few statements: for lists that a person looks through. Identifying: stays in the process."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger


@dataclass(frozen=True)
class ShownRow:
    """A listed row: study key -> decision (take, held, drop) in `hits`."""

    id: str
    number: int
    status: str
    reason: str
    hits: Mapping[str, str]


@dataclass(frozen=True)
class ShownSeries:
    """A series that listed rows found. `ruled`: what the rules say; `chosen`: None where no person chose."""

    key: str
    study: str
    attributes: Mapping[str, str]
    images: int | None
    ruled: bool
    wanted: bool
    chosen: bool | None
    reason: str


def mark(ledger: Ledger) -> tuple[object, ...]:
    """What differs after rows were asked, or a person decided: then lists read before are out of date."""
    counts = sa.func.count()
    parts = (
        sa.select(counts, sa.func.max(t.choices.c.decided_at)).select_from(t.choices),
        sa.select(counts, sa.func.max(t.hits.c.decided_at)).select_from(t.hits),
        sa.select(counts).select_from(t.wants),
        sa.select(t.rows.c.status, counts).where(t.rows.c.listed).group_by(t.rows.c.status).order_by(t.rows.c.status),
    )
    return tuple(tuple(map(tuple, ledger.all(part))) for part in parts)


def rows_found(ledger: Ledger) -> list[ShownRow]:
    """The listed rows in their order, with the studies they hit."""
    hits: dict[str, dict[str, str]] = {}
    hit = sa.select(t.hits.c.row_id, t.hits.c.study_key, t.hits.c.decision).order_by(t.hits.c.study_key)
    for r in ledger.all(hit):
        hits.setdefault(r.row_id, {})[r.study_key] = r.decision
    query = sa.select(t.rows).where(t.rows.c.listed).order_by(t.rows.c.number)
    return [ShownRow(r.id, r.number, r.status, r.reason, hits.get(r.id, {})) for r in ledger.all(query)]


def studies_found(ledger: Ledger) -> dict[str, Mapping[str, str]]:
    """Study key -> what the node answered of it, of the studies that listed rows hit."""
    hit = sa.select(t.hits.c.study_key).join(t.rows, t.rows.c.id == t.hits.c.row_id).where(t.rows.c.listed)
    query = sa.select(t.studies.c.key, t.studies.c.attributes).where(t.studies.c.key.in_(hit))
    return {r.key: r.attributes for r in ledger.all(query)}


def all_series_found(ledger: Ledger) -> Iterator[ShownSeries]:
    """The series of the studies that listed rows hit, whatever was decided of the row, in the order of studies."""
    wants = (
        sa.select(
            t.wants.c.series_key,
            sa.func.max(sa.cast(t.wants.c.ruled, sa.Integer)).label("ruled"),
            sa.func.max(sa.cast(t.wants.c.wanted, sa.Integer)).label("wanted"),
        )
        .join(t.rows, t.rows.c.id == t.wants.c.row_id)
        .where(t.rows.c.listed)
        .group_by(t.wants.c.series_key)
        .subquery()
    )
    s = t.series.c
    query = (
        sa.select(s.key, s.study_key, s.attributes, s.expected, s.reason, wants.c.ruled, wants.c.wanted)
        .add_columns(t.choices.c.wanted.label("chosen"))
        .join(wants, wants.c.series_key == s.key)
        .outerjoin(t.choices, t.choices.c.series_key == s.key)
        .order_by(s.study_key, s.key)
    )
    for r in ledger.all(query):
        yield ShownSeries(
            r.key, r.study_key, r.attributes, r.expected, bool(r.ruled), bool(r.wanted), r.chosen, r.reason
        )


def held_sizes(ledger: Ledger) -> dict[str, tuple[int, int]]:
    """Series key -> (images, bytes) held of it."""
    i = t.instances.c
    numbers = (sa.func.count().label("images"), sa.cast(sa.func.sum(i.size), sa.BigInteger).label("size"))
    query = sa.select(i.series_key, *numbers).where(i.status == "held").group_by(i.series_key)
    return {r.series_key: (r.images, r.size) for r in ledger.all(query)}


def by_modality(sizes: Mapping[str, tuple[int, int]], modalities: Mapping[str, str]) -> dict[str, float]:
    """Modality -> MB per image, of series (key -> modality) of which images are held."""
    images: Counter[str] = Counter()
    amount: Counter[str] = Counter()
    for key, (number, size) in sizes.items():
        images[modalities.get(key, "")] += number
        amount[modalities.get(key, "")] += size
    return {modality: amount[modality] / 1e6 / number for modality, number in images.items() if number}
