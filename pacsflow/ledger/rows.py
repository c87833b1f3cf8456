"""Rows and their hits: what was asked, what was found, who decided."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import choices
from pacsflow.ledger import tables as t
from pacsflow.ledger.acts import Act, deciding
from pacsflow.ledger.book import Ledger

OPEN = ("pending", "unmatched", "failed")
"""Statuses of rows that are still to be asked."""


@dataclass(frozen=True)
class Hit:
    """A study that a row found: its UID, the attributes of the answer, its series.

    `listed`: all its series are here, as the row asked for all.
    """

    study_uid: str
    patient_id: str
    attributes: Mapping[str, str]
    series: tuple["FoundSeries", ...] = ()
    listed: bool = False


@dataclass(frozen=True)
class FoundSeries:
    """A series of a found study; `wanted` by this row, or not, for `reason`."""

    uid: str
    attributes: Mapping[str, str]
    expected: int | None
    wanted: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """What finding a row gave at a node ('': the project's first). `status`: found, held, unmatched, failed."""

    status: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = field(default=())
    node: str = ""


def sync(ledger: Ledger, rows: Iterable[tuple[str, int, str]]) -> None:
    """Bring the ledger's rows in line with the project's: (id, number, digest of what is asked).

    A row that asks for something else than before is asked again; one that left the project is unlisted.
    """
    with ledger.write() as connection:
        sync_within(ledger, connection, rows)


def sync_within(ledger: Ledger, connection: sa.Connection, rows: Iterable[tuple[str, int, str]]) -> None:
    """As `sync`, within a transaction that is alone."""
    wanted = {row_id: (number, digest) for row_id, number, digest in rows}
    known = {r.id: r for r in connection.execute(sa.select(t.rows))}
    connection.execute(sa.update(t.rows).values(listed=False))
    changed = {i for i, (_, digest) in wanted.items() if i in known and known[i].digest != digest}
    _forget(connection, list(changed))
    fresh = {i for i in wanted if i not in known} | changed
    ledger.upsert(connection, t.rows, ({"id": i, **_pending(*wanted[i])} for i in wanted if i in fresh))
    kept = ((i, n, d) for i, (n, d) in wanted.items() if i not in fresh)
    same = ({"id": i, "number": n, "digest": d, "status": known[i].status, "listed": True} for i, n, d in kept)
    ledger.upsert(connection, t.rows, same)


def _pending(number: int, digest: str) -> dict[str, Any]:
    return {"number": number, "digest": digest, "status": "pending", "reason": "", "warnings": [], "listed": True}


def _forget(connection: sa.Connection, row_ids: Sequence[str]) -> None:
    if not row_ids:  # SQLAlchemy would execute the statement once, without values
        return
    for table in (t.wants, t.hits):
        statement = sa.delete(table).where(table.c.row_id == sa.bindparam("row"))
        connection.execute(statement, [{"row": i} for i in row_ids])


def to_find(ledger: Ledger, *, everything: bool = False) -> list[int]:
    """Numbers of the listed rows that must still be asked: all but those found, held or dropped."""
    return list(open_rows(ledger, everything=everything).values())


def open_rows(ledger: Ledger, *, everything: bool = False) -> dict[str, int]:
    """The rows of `to_find`, in their order: id -> number."""
    query = sa.select(t.rows.c.id, t.rows.c.number).where(t.rows.c.listed).order_by(t.rows.c.number)
    if not everything:
        query = query.where(t.rows.c.status.in_(OPEN))
    return {r.id: r.number for r in ledger.all(query)}


def unmatched(ledger: Ledger) -> list[int]:
    """Numbers of the listed rows that no node asked so far has anything for."""
    return list(unmatched_rows(ledger).values())


def unmatched_rows(ledger: Ledger) -> dict[str, int]:
    """The rows of `unmatched`, in their order: id -> number."""
    query = sa.select(t.rows.c.id, t.rows.c.number).where(t.rows.c.listed, t.rows.c.status == "unmatched")
    return {r.id: r.number for r in ledger.all(query.order_by(t.rows.c.number))}


def lacks_too(ledger: Ledger, row_id: str, reason: str) -> None:
    """Add why a further node has nothing for a row either."""
    with ledger.write() as connection:
        statement = sa.update(t.rows).where(t.rows.c.id == row_id)
        connection.execute(statement.values(reason=t.rows.c.reason + f"; {reason}"))


def record(ledger: Ledger, row_id: str, finding: Finding) -> None:
    """Write what finding a row gave. Earlier decisions of a person about its studies and series are kept.

    A study that another row has found already stays with the node it was found at, unless the first has it.
    """
    with ledger.write() as connection:
        decided = {
            r.study_key: {"decision": r.decision, "decided_by": r.decided_by, "decided_at": r.decided_at}
            for r in connection.execute(sa.select(t.hits).where(t.hits.c.row_id == row_id, t.hits.c.decided_by != ""))
        }
        _forget(connection, [row_id])
        for hit in finding.hits:
            key, kept = _record_study(ledger, connection, hit, finding.node)
            fresh = {"decision": "held" if finding.status == "held" else "take", "decided_by": "", "decided_at": 0.0}
            choice = decided.get(key, fresh)
            ledger.upsert(connection, t.hits, [{"row_id": row_id, "study_key": key, **choice}])
            _record_series(ledger, connection, row_id, hit=hit, kept=kept)
        settled = decided and all(ledger.digest("study", h.study_uid) in decided for h in finding.hits)
        outcome = ("found", "") if finding.status == "held" and settled else (finding.status, finding.reason)
        connection.execute(
            sa.update(t.rows)
            .where(t.rows.c.id == row_id)
            .values(status=outcome[0], reason=outcome[1], warnings=list(finding.warnings))
        )
        choices.follow(connection, row_id)


def want_too(ledger: Ledger, referring: Sequence[str], hit: Hit, node: str) -> str:
    """Have the rows that want one of the series `referring` want the series of `hit` too; the key of its study.

    What a person decided of these studies and series goes before. Nothing else of the rows is changed.
    """
    with ledger.write() as connection:
        key, kept = _record_study(ledger, connection, hit, node)
        mine = (t.wants.c.row_id == t.rows.c.id) & t.wants.c.wanted & t.wants.c.series_key.in_(referring)
        query = sa.select(t.rows.c.id).join(t.wants, mine).where(t.rows.c.listed, t.rows.c.status == "found").distinct()
        for row_id in [r.id for r in connection.execute(query)]:
            there = (t.hits.c.row_id == row_id) & (t.hits.c.study_key == key)
            if connection.execute(sa.select(t.hits.c.row_id).where(there)).first() is None:
                taken = {"decision": "take", "decided_by": "", "decided_at": 0.0}
                ledger.upsert(connection, t.hits, [{"row_id": row_id, "study_key": key, **taken}])
            _record_series(ledger, connection, row_id, hit=hit, kept=kept)
            choices.follow(connection, row_id)
    return key


def _record_study(ledger: Ledger, connection: sa.Connection, hit: Hit, node: str) -> tuple[str, bool]:
    """Key of the study, and whether it stays with another node as it was found there."""
    key = ledger.digest("study", hit.study_uid)
    columns = (t.studies.c.status, t.studies.c.listed, t.studies.c.node)
    known = connection.execute(sa.select(*columns).where(t.studies.c.key == key)).first()
    if known and node and known.node != node and _found_by_another(connection, key):
        return key, True
    same = known is not None and known.node == node
    listed = hit.listed or bool(same and known and known.listed)
    facts = {"key": key, "uid": hit.study_uid, "patient_id": hit.patient_id, "attributes": dict(hit.attributes)}
    status = known.status if known else "found"
    ledger.upsert(connection, t.studies, [{**facts, "status": status, "listed": listed, "node": node}])
    return key, False


def _found_by_another(connection: sa.Connection, key: str) -> bool:
    return connection.execute(sa.select(t.hits.c.row_id).where(t.hits.c.study_key == key).limit(1)).first() is not None


def _record_series(ledger: Ledger, connection: sa.Connection, row_id: str, *, hit: Hit, kept: bool) -> None:
    """Write the series of a hit; of a study that stays with another node only those not known from there."""
    study = ledger.digest("study", hit.study_uid)
    found = [(ledger.series_key(hit.study_uid, s.uid), s) for s in hit.series]
    query = sa.select(t.series.c.key, t.series.c.expected).where(t.series.c.study_key == study)
    before = {r.key: r.expected for r in connection.execute(query)}
    known = before if kept else {}
    _reopen_grown(connection, study, ((before.get(key), s.expected) for key, s in found if key not in known))
    ledger.upsert(
        connection,
        t.series,
        (
            {"key": key, "study_key": study, "uid": s.uid, "attributes": dict(s.attributes),
             "expected": s.expected, "reason": "" if s.wanted else s.reason}
            for key, s in found
            if key not in known
        ),
    )  # fmt: skip
    wants = ({"row_id": row_id, "series_key": key, "ruled": s.wanted, "wanted": s.wanted} for key, s in found)
    ledger.upsert(connection, t.wants, wants)


def _reopen_grown(connection: sa.Connection, key: str, counts: Iterable[tuple[int | None, int | None]]) -> None:
    """A study that was complete is so no more where the node counts more images in a series: pairs of then, now."""
    if any(then is not None and now is not None and now > then for then, now in counts):
        grown = (t.studies.c.key == key) & (t.studies.c.status == "complete")
        connection.execute(sa.update(t.studies).where(grown).values(status="found", reason=""))


def settle(ledger: Ledger, which: int | str, decisions: Mapping[str, str], *, by: str) -> None:
    """Record a person's decisions on a held row, by number or id: study key -> take or drop. The row is held no more.

    Studies of the row that are not named are dropped.
    """
    named = t.rows.c.id == which if isinstance(which, str) else t.rows.c.number == which
    number = ledger.all(sa.select(t.rows.c.number).where(named, t.rows.c.listed))[0].number
    told = ", ".join(f"{decision} {key}" for key, decision in sorted(decisions.items())) or "drop all"
    with deciding(ledger, Act("settle", by, f"row {number}: {told}")) as connection:
        row = connection.execute(sa.select(t.rows).where(named, t.rows.c.listed)).one()
        keys = [r.study_key for r in connection.execute(sa.select(t.hits).where(t.hits.c.row_id == row.id))]
        facts = {"row_id": row.id, "decided_by": by, "decided_at": time.time()}
        ledger.upsert(
            connection, t.hits, ({**facts, "study_key": k, "decision": decisions.get(k, "drop")} for k in keys)
        )
        taken = any(decisions.get(k) == "take" for k in keys)
        connection.execute(
            sa.update(t.rows)
            .where(t.rows.c.id == row.id)
            .values(status="found" if taken else "dropped", reason="" if taken else f"dropped by {by}")
        )
        choices.follow(connection, row.id)
