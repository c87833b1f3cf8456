"""What came of studies: conversions, deliveries."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger
from pacsflow.ledger.choices import studies_of

FAILED, UNREADY = "failed", "unready"
"""Statuses of deliveries: begun and not ended, so that anything may be there; not begun, as the study was not ready."""
BROKE_OFF = "the delivery broke off"
ELSEWHERE = "AE "
"""How the name of a delivery begins that another application entity received in our place."""


@dataclass(frozen=True)
class Output:
    """What converting a series gave. `status`: done, refused. `files` are relative to the staging folder."""

    series_key: str
    status: str
    reason: str = ""
    converter: str = ""
    files: Sequence[str] = ()
    warnings: Sequence[str] = ()
    digest: str = ""


@dataclass(frozen=True)
class Delivery:
    """What became of a study at a target. `digest`: of what was delivered; files as (path, sha256, size).

    `status`: done, or one of those above. `settings`: those of the target, as export.yaml says them; None where an
    earlier version did not keep them. `at`: seconds since 1970, 0 for now.
    """

    target: str
    status: str
    digest: str
    reason: str = ""
    files: Sequence[tuple[str, str, int]] = field(default=())
    settings: Mapping[str, Any] | None = None
    at: float = field(default=0.0, compare=False)


def note_output(ledger: Ledger, study_key: str, output: Output) -> None:
    """Write the outcome of a conversion."""
    facts = {"converter": output.converter, "files": list(output.files), "warnings": list(output.warnings),
             "digest": output.digest}  # fmt: skip
    record = {"series_key": output.series_key, "study_key": study_key, "status": output.status,
              "reason": output.reason, "facts": facts}  # fmt: skip
    with ledger.write(alone=False) as connection:
        ledger.upsert(connection, t.outputs, [record])


def outputs(ledger: Ledger, study_key: str) -> list[Output]:
    """The conversions of a study."""
    query = sa.select(t.outputs).where(t.outputs.c.study_key == study_key).order_by(t.outputs.c.series_key)
    return [Output(r.series_key, r.status, r.reason, **r.facts) for r in ledger.all(query)]


def lose(ledger: Ledger, series_keys: Iterable[str]) -> None:
    """Have conversions done again whose files were lost."""
    with ledger.write() as connection:
        for key in series_keys:
            connection.execute(sa.delete(t.outputs).where(t.outputs.c.series_key == key))


def note_delivery(ledger: Ledger, study_key: str, delivery: Delivery) -> None:
    """Write the outcome of a delivery; on disk then, so that it is not delivered twice."""
    record = {"study_key": study_key, "target": delivery.target, "status": delivery.status,
              "reason": delivery.reason, "digest": delivery.digest,
              "files": [list(f) for f in delivery.files], "delivered_at": delivery.at or time.time(),
              "settings": dict(delivery.settings) if delivery.settings else None}  # fmt: skip
    with ledger.write(lasting=True) as connection:
        ledger.upsert(connection, t.deliveries, [record])


def deliveries(ledger: Ledger, study_key: str) -> dict[str, Delivery]:
    """Target -> delivery of a study."""
    query = sa.select(t.deliveries).where(t.deliveries.c.study_key == study_key)
    return {r.target: _delivery(r) for r in ledger.all(query)}


def deliveries_of(ledger: Ledger, row_ids: Sequence[str] | None) -> dict[str, tuple[Delivery, ...]]:
    """Study key -> its deliveries: of the studies that rows of some ids found, or of all."""
    query = sa.select(t.deliveries)
    if row_ids is not None:
        query = query.where(t.deliveries.c.study_key.in_(studies_of(row_ids)))
    found: dict[str, tuple[Delivery, ...]] = {}
    for r in ledger.all(query):
        found[r.study_key] = (*found.get(r.study_key, ()), _delivery(r))
    return found


def everywhere(ledger: Ledger) -> list[tuple[str, Delivery]]:
    """(study key, delivery) of all that lies at targets, or may, in the order of studies and targets."""
    query = sa.select(t.deliveries).order_by(t.deliveries.c.study_key, t.deliveries.c.target)
    there = (r for r in ledger.all(query) if r.files or r.status == FAILED or r.target.startswith(ELSEWHERE))
    return [(r.study_key, _delivery(r)) for r in there]


def _delivery(r: sa.Row[Any]) -> Delivery:
    files = tuple((f[0], f[1], f[2]) for f in r.files)
    return Delivery(r.target, r.status, r.digest, r.reason, files, r.settings, r.delivered_at)


def done(ledger: Ledger) -> dict[tuple[str, str], str]:
    """(study key, target) -> digest, of all deliveries that are done."""
    columns = (t.deliveries.c.study_key, t.deliveries.c.target, t.deliveries.c.digest)
    query = sa.select(*columns).where(t.deliveries.c.status == "done")
    return {(r.study_key, r.target): r.digest for r in ledger.all(query)}
