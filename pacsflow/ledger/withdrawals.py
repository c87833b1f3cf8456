"""What was withdrawn, by whom, and what the ledger forgets of it."""

import time
from collections.abc import Iterable

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger

EXCLUDED = "excluded"
"""Status of a row that is not asked, as the patient is excluded or was withdrawn."""


def withdrawn(ledger: Ledger) -> frozenset[tuple[str, str]]:
    """(kind, digest) of the patients and studies that persons withdrew."""
    return frozenset((r.kind, r.digest) for r in ledger.all(sa.select(t.withdrawn.c.kind, t.withdrawn.c.digest)))


def note_withdrawn(ledger: Ledger, named: Iterable[tuple[str, str]], *, by: str) -> None:
    """Remember (kind, digest) as withdrawn, so that nothing asks for them again."""
    signed = {"withdrawn_by": by, "withdrawn_at": time.time()}
    records = [{"kind": kind, "digest": digest, **signed} for kind, digest in named]
    with ledger.write(lasting=True) as connection:
        ledger.upsert(connection, t.withdrawn, records)


def unwanted(ledger: Ledger) -> set[str]:
    """Keys of the studies that no listed row takes a series of, nor waits for a decision on."""
    wanted = (
        sa.select(t.series.c.study_key)
        .join(t.wants, t.wants.c.series_key == t.series.c.key)
        .join(t.hits, (t.hits.c.row_id == t.wants.c.row_id) & (t.hits.c.study_key == t.series.c.study_key))
        .join(t.rows, t.rows.c.id == t.hits.c.row_id)
        .where(t.rows.c.listed, t.hits.c.decision.in_(["take", "held"]), t.wants.c.wanted)
    )
    return {r.key for r in ledger.all(sa.select(t.studies.c.key).where(t.studies.c.key.not_in(wanted)))}


def patients(ledger: Ledger) -> dict[str, str]:
    """Study key -> Patient ID, as the node answered it."""
    return {r.key: r.patient_id for r in ledger.all(sa.select(t.studies.c.key, t.studies.c.patient_id))}


def studies_of_row(ledger: Ledger, row_id: str) -> dict[str, str]:
    """Study key -> decision, of all studies that a row found, whether it stands in the project now or not."""
    columns = (t.hits.c.study_key, t.hits.c.decision)
    query = sa.select(*columns).where(t.hits.c.row_id == row_id).order_by(t.hits.c.study_key)
    return {r.study_key: r.decision for r in ledger.all(query)}


def let_go(ledger: Ledger, study_key: str, reason: str, *, row_id: str | None = None) -> None:
    """Have no row (or only not this one) take a study any more; rows that are left without one are excluded."""
    mine = [t.hits.c.row_id == row_id] if row_id else []
    with ledger.write(lasting=True) as connection:
        hit = sa.select(t.hits.c.row_id).where(t.hits.c.study_key == study_key, *mine)
        rows = [r.row_id for r in connection.execute(hit)]
        series = sa.select(t.series.c.key).where(t.series.c.study_key == study_key)
        for row in rows:
            connection.execute(sa.delete(t.wants).where(t.wants.c.row_id == row, t.wants.c.series_key.in_(series)))
            connection.execute(sa.delete(t.hits).where(t.hits.c.row_id == row, t.hits.c.study_key == study_key))
            others = sa.select(t.hits.c.row_id).where(t.hits.c.row_id == row)
            if connection.execute(others.limit(1)).first() is None:
                values = {"status": EXCLUDED, "reason": reason}
                connection.execute(sa.update(t.rows).where(t.rows.c.id == row).values(**values))


def exclude(ledger: Ledger, row_id: str, reason: str) -> None:
    """Write that a row is not asked; what it had found is let go."""
    for key in studies_of_row(ledger, row_id):
        let_go(ledger, key, reason, row_id=row_id)
    with ledger.write() as connection:
        values = {"status": EXCLUDED, "reason": reason}
        connection.execute(sa.update(t.rows).where(t.rows.c.id == row_id).values(**values))


def ask_again(ledger: Ledger, row_ids: Iterable[str]) -> None:
    """Have excluded rows asked again, as nothing excludes them any more."""
    with ledger.write() as connection:
        for row_id in row_ids:
            mine = (t.rows.c.id == row_id) & (t.rows.c.status == EXCLUDED)
            connection.execute(sa.update(t.rows).where(mine).values(status="pending", reason=""))


def forget_delivery(ledger: Ledger, study_key: str, target: str) -> None:
    """A target holds nothing of a study any more."""
    mine = (t.deliveries.c.study_key == study_key) & (t.deliveries.c.target == target)
    with ledger.write() as connection:
        connection.execute(sa.delete(t.deliveries).where(mine))


def forget_held(ledger: Ledger, study_key: str) -> None:
    """Nothing of a study is held here any more: no instance, no conversion. Where it is wanted again it is fetched."""
    with ledger.write() as connection:
        for table in (t.instances, t.outputs):
            connection.execute(sa.delete(table).where(table.c.study_key == study_key))
        values = {"status": "found", "reason": "", "proof": "", "wanted": "", "content": ""}
        connection.execute(sa.update(t.studies).where(t.studies.c.key == study_key).values(**values))
