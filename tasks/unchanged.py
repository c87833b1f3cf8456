"""What was written stays where nothing changed: a run with nothing to do leaves plan and report as they are."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from pacsflow.ledger import Ledger, setting
from tasks.account import Account
from tasks.session import Session


def stamp(run: Session, found: Sequence[Account], *facts: object) -> str:
    """Digest of all that plan and report tell, the time they were made apart."""
    project = run.project
    models = (project.settings, project.pacs, *project.fallback, project.query, project.export)
    parts = [run.cleaner.fingerprint(), facts, *(model.model_dump_json() for model in models)]
    digest = hashlib.sha256()
    for part in (*found, *(row.cells for row in run.rows), parts):
        digest.update(json.dumps(part, sort_keys=True, default=_plain).encode())
    return digest.hexdigest()


def remembered(ledger: Ledger, name: str, stamped: str, files: Sequence[Path]) -> dict[str, Any] | None:
    """What was remembered of `name` when it was written; None where anything changed since, or a file is gone."""
    known = setting(ledger, f"written {name}")
    if known is None or not all(file.is_file() for file in files):
        return None
    facts: dict[str, Any] = json.loads(known)
    return facts if facts.pop("stamp") == stamped else None


def remember(ledger: Ledger, name: str, stamped: str, **facts: Any) -> None:
    """Remember that `name` was written whole, and `facts` of it."""
    setting(ledger, f"written {name}", json.dumps({"stamp": stamped, **facts}))


def _plain(value: object) -> object:
    """A value as one that JSON has, and that is the same in every process."""
    if is_dataclass(value):
        return vars(value)
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value) if isinstance(value, AbstractSet) else repr(value)
