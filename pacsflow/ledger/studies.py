"""Studies as work: which are left, who is at them, which instances are expected and held."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.processes import gone, new_owner

LEASE_SECONDS = 300.0


@dataclass(frozen=True)
class Series:
    """A series of a study; `wanted` by at least one row that takes the study."""

    key: str
    uid: str
    attributes: Mapping[str, str]
    expected: int | None
    wanted: bool
    reason: str
    only: frozenset[str] | None = None
    """UIDs of the instances that are wanted of it; None for all. Not kept in the ledger: see `Project.only`."""


@dataclass(frozen=True)
class Study:
    """A study as the ledger knows it. Identifying: stays inside the process."""

    key: str
    uid: str
    patient_id: str
    attributes: Mapping[str, str]
    status: str
    reason: str
    listed: bool
    series: tuple[Series, ...]
    node: str = ""

    @property
    def wanted(self) -> tuple[Series, ...]:
        """The series that are to be fetched."""
        return tuple(s for s in self.series if s.wanted)


@dataclass(frozen=True)
class Instance:
    """An instance: expected, held (then with path, size, sha256) or refused (then with the reason)."""

    series_key: str
    uid: str
    sop_class: str = ""
    status: str = "expected"
    reason: str = ""
    path: str = ""
    size: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Planned:
    """A study that rows take, and the digests by which it is known whether anything is left to do.

    `staged`: the place where its images lie; `lease_owner`: who works on it now.
    """

    key: str
    status: str
    wanted: str
    wanted_when_complete: str
    content: str
    node: str = ""
    staged: str = ""
    lease_owner: str | None = None

    @property
    def complete(self) -> bool:
        """Whether all series that are wanted now are held."""
        return self.status == "complete" and self.wanted == self.wanted_when_complete


def planned(ledger: Ledger, only: str = "") -> list[Planned]:
    """The studies that rows take at least one series of, in the order of the first row that does; or `only` one."""
    query = (
        sa.select(t.series.c.study_key, t.series.c.key, t.rows.c.number)
        .join(t.wants, t.wants.c.series_key == t.series.c.key)
        .join(t.hits, (t.hits.c.row_id == t.wants.c.row_id) & (t.hits.c.study_key == t.series.c.study_key))
        .join(t.rows, t.rows.c.id == t.wants.c.row_id)
        .where(t.hits.c.decision == "take", t.rows.c.listed, t.rows.c.status == "found", t.wants.c.wanted)
        .order_by(t.rows.c.number, t.series.c.study_key)
    )
    columns = ("key", "status", "wanted", "content", "node", "staged", "lease_owner", "lease_expires")
    facts = sa.select(*(t.studies.c[name] for name in columns))
    if only:
        query, facts = query.where(t.series.c.study_key == only), facts.where(t.studies.c.key == only)
    wanted: dict[str, set[str]] = {}
    for r in ledger.all(query):
        wanted.setdefault(r.study_key, set()).add(r.key)
    known, now = {r.key: r for r in ledger.all(facts)}, time.time()
    return [_planned(known[key], series, now) for key, series in wanted.items()]


def _planned(r: sa.Row[Any], series: Iterable[str], now: float) -> Planned:
    owner = r.lease_owner if r.lease_owner and (r.lease_expires or 0.0) > now else None
    return Planned(r.key, r.status, digest_of(series), r.wanted, r.content, r.node, r.staged, owner)


def digest_of(parts: Iterable[str]) -> str:
    """Digest of texts, independent of their order."""
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def study(ledger: Ledger, key: str) -> Study:
    """The study of a key with its series, wanted or not."""
    row = ledger.all(sa.select(t.studies).where(t.studies.c.key == key))[0]
    taken = wanted(ledger, key)
    series = tuple(
        Series(s.key, s.uid, s.attributes, s.expected, s.key in taken, s.reason)
        for s in ledger.all(sa.select(t.series).where(t.series.c.study_key == key).order_by(t.series.c.uid))
    )
    return Study(key, row.uid, row.patient_id, row.attributes, row.status, row.reason, row.listed, series, row.node)


def wanted(ledger: Ledger, key: str) -> set[str]:
    """Keys of the series of a study that rows want; none of a study that is not known."""
    taken = (
        sa.select(t.wants.c.series_key)
        .join(t.hits, t.hits.c.row_id == t.wants.c.row_id)
        .join(t.rows, t.rows.c.id == t.wants.c.row_id)
        .join(t.series, t.series.c.key == t.wants.c.series_key)
        .where(t.hits.c.study_key == key, t.hits.c.decision == "take", t.rows.c.listed)
        .where(t.rows.c.status == "found", t.wants.c.wanted, t.series.c.study_key == key)
    )
    return {r.series_key for r in ledger.all(taken)}


def describe(ledger: Ledger, series: Series, attributes: Mapping[str, str]) -> None:
    """Add what the node answered about a series."""
    with ledger.write() as connection:
        statement = sa.update(t.series).where(t.series.c.key == series.key)
        connection.execute(statement.values(attributes={**series.attributes, **attributes}))


def claim(ledger: Ledger, key: str, owner: str) -> bool:
    """Take the lease of a study; False while another living process has it. Claiming again renews.

    One statement looks and takes, so of any number that claim at once one gets it, whatever the database.
    """
    if _claimed(ledger, key, owner):
        return True
    holders = ledger.all(sa.select(t.studies.c.lease_owner).where(t.studies.c.key == key))
    holder = holders[0].lease_owner if holders else None
    return holder is not None and gone(holder) and _claimed(ledger, key, owner, dead=holder)


def _claimed(ledger: Ledger, key: str, owner: str, *, dead: str = "") -> bool:
    """Take the lease where it is free, ours, run out, or that of an owner who is dead."""
    now, holder = time.time(), t.studies.c.lease_owner
    free = sa.or_(holder.is_(None), holder.in_([owner, dead]), t.studies.c.lease_expires < now)
    statement = sa.update(t.studies).where(t.studies.c.key == key, free)
    taking = statement.values(lease_owner=owner, lease_expires=now + LEASE_SECONDS).returning(t.studies.c.key)
    with ledger.write(alone=False) as connection:
        return connection.execute(taking).first() is not None


def release(ledger: Ledger, key: str, owner: str = "", **values: Any) -> None:
    """Give a study back, with its new `status`, `reason`, `proof`, `fetch_seconds` where given.

    Where `owner` is named and another has the lease by now, nothing is changed: the other decides.
    """
    mine = [t.studies.c.lease_owner == owner] if owner else []
    with ledger.write(alone=False) as connection:
        statement = sa.update(t.studies).where(t.studies.c.key == key, *mine)
        connection.execute(statement.values(**{"lease_owner": None, "lease_expires": None, **values}))


def not_reached(ledger: Ledger, keys: Iterable[str], reason: str) -> None:
    """Write that a node did not answer that was to be asked for studies; the reason written before stays."""
    was = t.studies.c.reason
    told = sa.case((was.contains(reason, autoescape=True), was), (was != "", was + f"; {reason}"), else_=reason)
    status = sa.case((t.studies.c.status == "found", "failed"), else_=t.studies.c.status)
    with ledger.write() as connection:
        for key in keys:
            statement = sa.update(t.studies).where(t.studies.c.key == key)
            connection.execute(statement.values(reason=told, status=status))


def expect(ledger: Ledger, study: Study, found: Iterable[Instance]) -> None:
    """Write down instances that are to come; those already known stay as they are."""
    records = [_record(ledger, study, i) for i in found]
    with ledger.write() as connection:
        known = _known(connection, study.key)
        ledger.upsert(connection, t.instances, (r for r in records if r["key"] not in known))


def _known(connection: sa.Connection, key: str) -> set[str]:
    return {r.key for r in connection.execute(sa.select(t.instances.c.key).where(t.instances.c.study_key == key))}


def recount(ledger: Ledger, series: Series, number: int) -> None:
    """Write what a node counts in a series now."""
    attributes = {**series.attributes, "NumberOfSeriesRelatedInstances": str(number)}
    with ledger.write() as connection:
        mine = t.series.c.key == series.key
        connection.execute(sa.update(t.series).where(mine).values(expected=number, attributes=attributes))


def note(ledger: Ledger, study: Study, instances: Iterable[Instance]) -> None:
    """Write what became of instances: held or refused."""
    records = [_record(ledger, study, i) for i in instances]
    if records:
        with ledger.write(alone=False) as connection:
            ledger.upsert(connection, t.instances, records)


def refused(ledger: Ledger, reason: str) -> dict[str, str]:
    """Study key -> patient id, of the studies with instances that were refused for a reason beginning with `reason`."""
    found = t.instances.c.study_key == t.studies.c.key
    query = sa.select(t.studies.c.key, t.studies.c.patient_id).where(sa.exists().where(found, *_refused(reason)))
    return {r.key: r.patient_id for r in ledger.all(query)}


def patients(ledger: Ledger) -> dict[str, str]:
    """Study key -> patient id without spaces around it; the key where there is none."""
    found = ledger.all(sa.select(t.studies.c.key, t.studies.c.patient_id))
    return {r.key: r.patient_id.strip() or r.key for r in found}


def reopen(ledger: Ledger, key: str, reason: str) -> None:
    """Expect the instances of a study again that were refused for such a reason: the study is not complete then."""
    with ledger.write() as connection:
        mine = (t.instances.c.study_key == key, *_refused(reason))
        connection.execute(sa.update(t.instances).where(*mine).values(status="expected", reason=""))
        connection.execute(sa.update(t.studies).where(t.studies.c.key == key).values(status="found", reason=""))


def look_again(ledger: Ledger, key: str) -> None:
    """Have the next fetch of a study look what is missing, whatever was complete before; no such study: nothing."""
    with ledger.write() as connection:
        connection.execute(sa.update(t.studies).where(t.studies.c.key == key).values(status="found", reason=""))


def look_again_of(ledger: Ledger, classes: tuple[str, ...]) -> None:
    """As `look_again`, of all complete studies with instances of SOP classes that begin with one of these texts."""
    query = sa.select(t.instances.c.study_key, t.instances.c.sop_class).distinct()
    keys = {r.study_key for r in ledger.all(query) if r.sop_class.startswith(classes)}
    again = sa.update(t.studies).where(t.studies.c.key == sa.bindparam("which"), t.studies.c.status == "complete")
    with ledger.write() as connection:
        if keys:
            connection.execute(again.values(status="found", reason=""), [{"which": key} for key in sorted(keys)])


def lose(ledger: Ledger, paths: Iterable[str]) -> None:
    """Expect instances again whose files below staging were lost: their studies are not complete then."""
    with ledger.write() as connection:
        for path in paths:
            mine = t.instances.c.path == path
            keys = [r.study_key for r in connection.execute(sa.select(t.instances.c.study_key).where(mine))]
            lost = {"status": "expected", "reason": "", "path": "", "size": 0, "sha256": ""}
            connection.execute(sa.update(t.instances).where(mine).values(**lost))
            connection.execute(sa.update(t.studies).where(t.studies.c.key.in_(keys)).values(status="found", reason=""))


def _refused(reason: str) -> tuple[sa.ColumnElement[bool], ...]:
    return t.instances.c.status == "refused", t.instances.c.reason.startswith(reason, autoescape=True)


def _record(ledger: Ledger, study: Study, i: Instance) -> dict[str, Any]:
    uid = next((s.uid for s in study.series if s.key == i.series_key), "")
    return {
        "key": ledger.digest("instance", f"{study.uid}|{uid}|{i.uid}"),
        "study_key": study.key,
        "series_key": i.series_key,
        "uid": i.uid,
        "sop_class": i.sop_class,
        "status": i.status,
        "reason": i.reason,
        "path": i.path,
        "size": i.size,
        "sha256": i.sha256,
    }


def instances(ledger: Ledger, key: str, status: str | None = None) -> list[Instance]:
    """The instances of a study, in the order of series and UID; of one status where given."""
    query = sa.select(t.instances).where(t.instances.c.study_key == key)
    if status:
        query = query.where(t.instances.c.status == status)
    return [
        Instance(r.series_key, r.uid, r.sop_class, r.status, r.reason, r.path, r.size, r.sha256)
        for r in ledger.all(query.order_by(t.instances.c.series_key, t.instances.c.uid))
    ]


__all__ = ["Instance", "Series", "Study", "claim", "expect", "instances", "new_owner", "note", "planned",
           "release", "study"]  # fmt: skip
