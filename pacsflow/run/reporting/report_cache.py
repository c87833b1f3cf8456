"""Plan and report are not written again where nothing has changed since."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pacsflow.ledger import setting
from pacsflow.report.records import RowOutcome
from pacsflow.run.session import Session


def stamp(run: Session, found: Sequence[RowOutcome], *facts: object) -> str:
    """Digest of all that plan and report tell, the time they were made apart."""
    project = run.project
    models = (project.settings, project.pacs, *project.fallback, project.query, project.export)
    parts = [run.cleaner.fingerprint(), facts, *(model.model_dump_json() for model in models)]
    digest = hashlib.sha256()
    for part in chain(found, [parts]):
        digest.update(json.dumps(part, sort_keys=True, default=_plain).encode())
    return digest.hexdigest()


def cached(run: Session, name: str, stamped: str, files: Sequence[Path]) -> dict[str, Any] | None:
    """What was kept of `name` when it was written; None where anything changed since, or a file is gone."""
    known = setting(run.ledger, _called(run, name))
    if known is None or not all(file.is_file() for file in files):
        return None
    facts: dict[str, Any] = json.loads(known)
    return facts if facts.pop("stamp") == stamped else None


def cache(run: Session, name: str, stamped: str, **facts: Any) -> None:
    """Keep that `name` was written whole, and `facts` of it."""
    setting(run.ledger, _called(run, name), json.dumps({"stamp": stamped, **facts}))


def _called(run: Session, name: str) -> str:
    """Of runs that share a project each has files of its own."""
    return f"written {name} {run.place}" if run.shared else f"written {name}"


def _plain(value: object) -> object:
    """A value as one that JSON has, and that is the same in every process."""
    if is_dataclass(value):
        return vars(value)
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value) if isinstance(value, AbstractSet) else repr(value)
