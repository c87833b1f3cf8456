"""What was written stays where nothing changed: a run with nothing to do leaves plan and report as they are."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from pacsflow.ledger import Ledger, setting
from tasks.account import Account
from tasks.session import Session


def stamp(run: Session, found: Sequence[Account], *facts: object) -> str:
    """Digest of all that plan and report tell, the time they were made apart."""
    project = run.project
    models = (project.settings, project.pacs, *project.fallback, project.query, project.export)
    cells = [row.cells for row in run.rows]
    parts = [found, cells, run.cleaner.fingerprint(), facts, *(model.model_dump_json() for model in models)]
    digest = hashlib.sha256()
    for word in _words(parts):
        digest.update(word.encode())
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


def _words(value: object) -> Iterator[str]:
    """A value as words that are the same in every process."""
    if is_dataclass(value):
        for each in fields(value):
            yield from _words(getattr(value, each.name))
    elif isinstance(value, Mapping):
        yield "{"
        for key in sorted(value):
            yield f"{key}:"
            yield from _words(value[key])
    elif isinstance(value, AbstractSet):
        yield from _words(sorted(value))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield "["
        for each in value:
            yield from _words(each)
    else:
        yield f"{value!r},"
