"""A line per series of technical attributes, kept beside the study in staging until its images change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pacsflow.convert.technical import technical_line
from pacsflow.errors import RefusalError
from pacsflow.export.series import read_series
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance
from pacsflow.run.session import Session
from pacsflow.run.unexpected import fault_of
from pacsflow.staging import PRIVATE, write_text

NAME = "series.json"
"""Name of the file in the staging folder of a study."""
_VERSION = "1"
_UNREAD = "unread"
"""Mark of a line of images that could not be read: it is made again each time."""
Lines = dict[str, dict[str, Any]]
"""Key of a series -> its line."""


def note_lines(run: Session, key: str) -> Lines:
    """The lines of a study's held series, read from the images where they changed since, and kept.

    Each has `digest`, of its DICOM files' SHA-256. Raises OSError.
    """
    place = run.staging / key / NAME
    before = _kept(place)
    held: dict[str, list[Instance]] = {}
    for instance in studies.instances(run.ledger, key, "held"):
        held.setdefault(instance.series_key, []).append(instance)
    now = {series: _line(run.staging, instances, before.get(series)) for series, instances in held.items()}
    if now != before and now:
        write_text(place, json.dumps(now), PRIVATE)
    return now


def _kept(place: Path) -> Lines:
    try:
        return dict(json.loads(place.read_text("utf-8")))
    except (OSError, TypeError, ValueError):
        return {}


def _line(staging: Path, held: Sequence[Instance], before: Mapping[str, Any] | None) -> dict[str, Any]:
    digest = hashlib.sha256("\n".join([_VERSION, *sorted(one.sha256 for one in held)]).encode()).hexdigest()
    if before and before.get("digest") == digest and not before.get(_UNREAD):
        return dict(before)
    files = [staging / one.path for one in held]
    try:
        series = read_series(files)
        known = {
            "patient": series.patient,
            "study_uid": series.study_uid,
            "series_uid": series.series_uid,
            "session": series.session or None,
        }
        return {"digest": digest, **known, **technical_line(files)}
    except RefusalError as refusal:
        return {"digest": digest, "images": len(held), "geometry": refusal.reason}
    except BaseException as error:  # noqa: BLE001 headers fail in many ways; a line that fails costs nothing else
        fault_of(error, "series_lines")
        return {"digest": digest, "images": len(held), "geometry": "unreadable-file", _UNREAD: True}
