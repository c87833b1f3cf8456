"""A folder of cleaned files belongs to one profile and one key, and to one run at a time."""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pacsflow.deid.place import OURS
from pacsflow.errors import LedgerError
from pacsflow.staging import sync

_NOTE: Final = "deid.json"


@contextmanager
def claimed(folder: Path, key: bytes, fingerprint: str) -> Iterator[bool]:
    """The folder for this run alone; True where an earlier run of the same profile and key worked in it.

    Raises LedgerError where another run is at it, or it was begun under another profile or key.
    """
    ours = folder / OURS
    ours.mkdir(parents=True, exist_ok=True)
    with (ours / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LedgerError("another run writes to this folder", remedy="wait for its end") from None
        for leftover in ours.glob("*.part"):
            leftover.unlink(missing_ok=True)
        yield _known(ours, {"profile": fingerprint, "key_check": _check(key)})


def _check(key: bytes) -> str:
    return hmac.digest(key, b"pacsflow deid tree", "sha256").hex()[:16]


def _known(ours: Path, says: dict[str, str]) -> bool:
    note = ours / _NOTE
    if note.exists():
        if json.loads(note.read_text("utf-8")) != says:
            raise LedgerError(
                "the folder was begun under another profile or key", remedy="put them back, or name another folder"
            )
        return True
    temporary = ours / f"{_NOTE}.part"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(says, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(note)
    sync(ours)
    return False
