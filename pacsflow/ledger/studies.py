"""Studies as work: which are left, who is at them, which instances are expected and held."""

import hashlib
import os
import socket
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.rows import series_key

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
    """A study that rows take, and the digests by which it is known whether anything is left to do."""

    key: str
    status: str
    wanted: str
    wanted_when_complete: str
    content: str
    node: str = ""

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
    columns = (t.studies.c.key, t.studies.c.status, t.studies.c.wanted, t.studies.c.content, t.studies.c.node)
    facts = sa.select(*columns)
    if only:
        query, facts = query.where(t.series.c.study_key == only), facts.where(t.studies.c.key == only)
    wanted: dict[str, set[str]] = {}
    for r in ledger.all(query):
        wanted.setdefault(r.study_key, set()).add(r.key)
    known = {r.key: r for r in ledger.all(facts)}
    return [
        Planned(k, known[k].status, digest_of(s), known[k].wanted, known[k].content, known[k].node)
        for k, s in wanted.items()
    ]


def digest_of(parts: Iterable[str]) -> str:
    """Digest of texts, whatever their order."""
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def study(ledger: Ledger, key: str) -> Study:
    """The study of a key with its series, wanted or not."""
    row = ledger.all(sa.select(t.studies).where(t.studies.c.key == key))[0]
    taken = (
        sa.select(t.wants.c.series_key)
        .join(t.hits, t.hits.c.row_id == t.wants.c.row_id)
        .join(t.rows, t.rows.c.id == t.wants.c.row_id)
        .where(t.hits.c.study_key == key, t.hits.c.decision == "take", t.rows.c.listed)
        .where(t.rows.c.status == "found", t.wants.c.wanted)
    )
    wanted = {r.series_key for r in ledger.all(taken)}
    series = tuple(
        Series(s.key, s.uid, s.attributes, s.expected, s.key in wanted, s.reason)
        for s in ledger.all(sa.select(t.series).where(t.series.c.study_key == key).order_by(t.series.c.uid))
    )
    return Study(key, row.uid, row.patient_id, row.attributes, row.status, row.reason, row.listed, series, row.node)


def describe(ledger: Ledger, series: Series, attributes: Mapping[str, str]) -> None:
    """Add what the node answered about a series."""
    with ledger.write() as connection:
        statement = sa.update(t.series).where(t.series.c.key == series.key)
        connection.execute(statement.values(attributes={**series.attributes, **attributes}))


def new_owner() -> str:
    """Name of this process among all that may work on the ledger: host, process id, its start, a random part."""
    return f"{socket.gethostname()}|{os.getpid()}|{_born(os.getpid())}|{uuid.uuid4().hex[:8]}"


def _born(pid: int) -> str:
    """Start time of a process of this machine, '' when there is none (a process id can be given twice)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _gone(owner: str) -> bool:
    """Whether an owner is a process of this machine that is no longer there."""
    host, pid, born, _ = owner.split("|")
    return host == socket.gethostname() and Path("/proc/self").exists() and _born(int(pid)) != born


def claim(ledger: Ledger, key: str, owner: str) -> bool:
    """Take the lease of a study; False while another living process has it. Claiming again renews."""
    now = time.time()
    with ledger.write() as connection:
        row = connection.execute(sa.select(t.studies.c.owner, t.studies.c.until).where(t.studies.c.key == key)).one()
        free = row.owner in (None, owner) or row.until < now or _gone(row.owner)
        if free:
            values = {"owner": owner, "until": now + LEASE_SECONDS}
            connection.execute(sa.update(t.studies).where(t.studies.c.key == key).values(**values))
    return free


def release(ledger: Ledger, key: str, **values: Any) -> None:
    """Give a study back, with its new `status`, `reason`, `proof`, `seconds` where given."""
    with ledger.write() as connection:
        statement = sa.update(t.studies).where(t.studies.c.key == key)
        connection.execute(statement.values(owner=None, until=None, **values))


def not_reached(ledger: Ledger, keys: Iterable[str], reason: str) -> None:
    """Write that a node did not answer that was to be asked for studies; what was said of them before stands."""
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


def note(ledger: Ledger, study: Study, instances: Iterable[Instance]) -> None:
    """Write what became of instances: held or refused."""
    records = [_record(ledger, study, i) for i in instances]
    if records:
        with ledger.write() as connection:
            ledger.upsert(connection, t.instances, records)


def refused(ledger: Ledger, reason: str) -> dict[str, str]:
    """Study key -> patient id, of the studies with instances that were refused for a reason beginning with `reason`."""
    found = t.instances.c.study_key == t.studies.c.key
    query = sa.select(t.studies.c.key, t.studies.c.patient_id).where(sa.exists().where(found, *_refused(reason)))
    return {r.key: r.patient_id for r in ledger.all(query)}


def reopen(ledger: Ledger, key: str, reason: str) -> None:
    """Expect the instances of a study again that were refused for such a reason: the study is not complete then."""
    with ledger.write() as connection:
        mine = (t.instances.c.study_key == key, *_refused(reason))
        connection.execute(sa.update(t.instances).where(*mine).values(status="expected", reason=""))
        connection.execute(sa.update(t.studies).where(t.studies.c.key == key).values(status="found", reason=""))


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
           "release", "series_key", "study"]  # fmt: skip
