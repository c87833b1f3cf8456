"""`run.json`: what was done, by what, in which configuration; numbers and hashes, no names."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pacsflow.report.records import DeliveryResult, RunSummary, Slowdown, StudyResult, TrafficHour
from pacsflow.report.tally import tally
from pacsflow.staging import PUBLIC, whole_file

VERSION = 1


def write_record(run: RunSummary, path: Path) -> Path:
    """Write the record of a run as JSON. Rows are numbers, studies their keyed digests, files their hashes."""
    with whole_file(path, PUBLIC) as temporary, temporary.open("w", encoding="utf-8") as stream:
        json.dump(record_of(run), stream, indent=1)
    return path


def record_of(run: RunSummary) -> dict[str, Any]:
    """The record as plain data."""
    counts = tally(run)
    return {
        "version": VERSION,
        "project": run.project,
        "outcome": run.outcome,
        "started": run.started.isoformat(timespec="seconds"),
        "ended": run.ended.isoformat(timespec="seconds"),
        "deidentified": not run.identifiable,
        "sent to": run.sent_to,
        "profile": list(run.profile),
        "fingerprints": dict(sorted(run.fingerprints.items())),
        "versions": dict(sorted(run.versions.items())),
        "counts": {
            "rows": {"all": len(run.rows), **counts.rows},
            "studies": {"all": len(run.studies), **counts.studies, "delivered": counts.delivered},
            "series": {
                "all": counts.series,
                "converted": counts.converted["done"],
                "not converted": counts.converted["refused"],
            },
            "images": {
                "expected": counts.images_expected,
                "received": counts.images_received,
                "refused": counts.images_refused,
                **({"sent on": counts.images_sent} if run.sent_to else {}),
            },
            "bytes": counts.size,
        },
        "traffic": dict(sorted(run.traffic.items())),
        "traffic_by_hour": [_plain(hour, at=hour.begin) for hour in run.hours],
        "slowed_down": [_plain(one, at=one.at) for one in run.slowdowns],
        "outside_hours": run.outside_hours,
        "notes": list(run.notes),
        "left": [{"status": status, "reason": why, "rows": n} for (status, why), n in run.left.items()],
        "mends": list(run.mends),
        "rows": [{"row": row.number, "status": row.status, "studies": list(row.studies)} for row in run.rows],
        "studies": [_study(study) for study in run.studies],
    }


def _plain(fact: TrafficHour | Slowdown, *, at: datetime) -> dict[str, Any]:
    values = {name: value for name, value in asdict(fact).items() if not isinstance(value, datetime)}
    return {"at": at.astimezone(UTC).isoformat(timespec="seconds"), **values}


def _study(study: StudyResult) -> dict[str, Any]:
    return {
        "study": study.key,
        "status": study.status,
        "proof": study.proof,
        "node": study.node,
        "images": {"expected": study.expected, "received": study.received, "refused": study.refused},
        "series": [{"converted": s.converted, "images": s.received} for s in study.series],
        "deliveries": [_delivery(delivery) for delivery in study.deliveries],
    }


def _delivery(delivery: DeliveryResult) -> dict[str, Any]:
    return {
        "target": delivery.target,
        "status": delivery.status,
        "files": len(delivery.files),
        "bytes": sum(size for _, _, size in delivery.files),
        "sha256": content_digest(digest for _, digest, _ in delivery.files),
    }


def content_digest(digests: Iterable[str]) -> str:
    """One SHA-256 over the SHA-256 of files, each as a line, sorted: independent of names and order."""
    return hashlib.sha256("".join(f"{d}\n" for d in sorted(digests)).encode()).hexdigest()
