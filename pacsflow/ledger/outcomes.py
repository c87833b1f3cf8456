"""What came of studies: conversions, deliveries; runs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger


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
    """What became of a study at a target. `digest` tells what was delivered; files as (path, sha256, size)."""

    target: str
    status: str
    digest: str
    reason: str = ""
    files: Sequence[tuple[str, str, int]] = field(default=())


def note_output(ledger: Ledger, study_key: str, output: Output) -> None:
    """Write the outcome of a conversion."""
    facts = {"converter": output.converter, "files": list(output.files), "warnings": list(output.warnings),
             "digest": output.digest}  # fmt: skip
    record = {"series_key": output.series_key, "study_key": study_key, "status": output.status,
              "reason": output.reason, "facts": facts}  # fmt: skip
    with ledger.write() as connection:
        ledger.upsert(connection, t.outputs, [record])


def outputs(ledger: Ledger, study_key: str) -> list[Output]:
    """The conversions of a study."""
    query = sa.select(t.outputs).where(t.outputs.c.study_key == study_key).order_by(t.outputs.c.series_key)
    return [Output(r.series_key, r.status, r.reason, **r.facts) for r in ledger.all(query)]


def note_delivery(ledger: Ledger, study_key: str, delivery: Delivery) -> None:
    """Write the outcome of a delivery."""
    record = {"study_key": study_key, "target": delivery.target, "status": delivery.status,
              "reason": delivery.reason, "digest": delivery.digest,
              "files": [list(f) for f in delivery.files], "at": time.time()}  # fmt: skip
    with ledger.write() as connection:
        ledger.upsert(connection, t.deliveries, [record])


def deliveries(ledger: Ledger, study_key: str) -> dict[str, Delivery]:
    """Target -> delivery of a study."""
    query = sa.select(t.deliveries).where(t.deliveries.c.study_key == study_key)
    return {
        r.target: Delivery(r.target, r.status, r.digest, r.reason, tuple((f[0], f[1], f[2]) for f in r.files))
        for r in ledger.all(query)
    }


def done(ledger: Ledger) -> dict[tuple[str, str], str]:
    """(study key, target) -> digest, of all deliveries that are done."""
    columns = (t.deliveries.c.study_key, t.deliveries.c.target, t.deliveries.c.digest)
    query = sa.select(*columns).where(t.deliveries.c.status == "done")
    return {(r.study_key, r.target): r.digest for r in ledger.all(query)}


def begin_run(ledger: Ledger, *, owner: str, action: str, facts: Mapping[str, Any]) -> None:
    """Write that a run began."""
    record = {"id": owner[-40:], "action": action, "owner": owner, "started": time.time(), "facts": dict(facts)}
    with ledger.write() as connection:
        ledger.upsert(connection, t.runs, [record])


def end_run(ledger: Ledger, owner: str, status: str) -> None:
    """Write how a run ended."""
    with ledger.write() as connection:
        statement = sa.update(t.runs).where(t.runs.c.id == owner[-40:])
        connection.execute(statement.values(ended=time.time(), status=status))
