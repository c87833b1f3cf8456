"""`run.json`: what was done, by what, in which configuration; numbers and hashes, no names."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pacsflow.ledger.outcomes import Delivery
from pacsflow.ledger.traffic import HourOfTraffic, Slowed
from pacsflow.report.records import RunSummary, StudyOutcome
from pacsflow.report.tally import tally
from pacsflow.staging import PUBLIC, whole_file

VERSION = 1


def write_record(run: RunSummary, path: Path) -> Path:
    """Write the record of a run as JSON. Rows are numbers, studies their keyed digests, files their hashes."""
    lists = {
        "rows": ({"row": row.number, "status": row.status, "studies": list(row.keys)} for row in run.rows),
        "studies": map(_study, run.studies),
    }
    with whole_file(path, PUBLIC) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(record_of(run), indent=1).removesuffix("\n}"))
        for name, items in lists.items():
            stream.write(f',\n "{name}": [')
            for place, item in enumerate(items):
                stream.write(f"{',' if place else ''}\n  {json.dumps(item)}")
            stream.write("\n ]")
        stream.write("\n}")
    return path


def record_of(run: RunSummary) -> dict[str, Any]:
    """The record as plain data, without the lists of rows and studies."""
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
        "traffic_by_hour": [_hour(hour) for hour in run.hours],
        "slowed_down": [_slowed(one) for one in run.slowdowns],
        "outside_hours": run.outside_hours,
        "notes": list(run.notes),
        "left": [{"status": status, "reason": why, "rows": n} for (status, why), n in run.left.items()],
        "fixes": list(run.fixes),
        "left behind": list(run.left_behind),
    }


def _hour(hour: HourOfTraffic) -> dict[str, Any]:
    numbers = {name: getattr(hour, name) for name in ("queries", "retrievals", "images", "size")}
    return {"at": _moment(hour.begin), "node": hour.node, **numbers}


def _slowed(one: Slowed) -> dict[str, Any]:
    return {"at": _moment(one.at), "node": one.node, "why": one.why, "lanes": one.lanes, "gap": one.gap}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _study(study: StudyOutcome) -> dict[str, Any]:
    return {
        "study": study.key,
        "status": study.status,
        "proof": study.state.proof,
        "node": study.node,
        "images": {"expected": study.images, "received": study.counts["held"], "refused": study.counts["refused"]},
        "series": [{"converted": one.converted[0], "images": one.counts["held"]} for one in study.series],
        "deliveries": [_delivery(delivery) for delivery in study.deliveries],
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
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
