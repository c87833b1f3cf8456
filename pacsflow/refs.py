"""References that travel between tasks. They name things without identifying a patient."""

import hashlib
import hmac
from dataclasses import dataclass


def digest(key: bytes, kind: str, value: str) -> str:
    """Keyed name of `value`: 16 hexadecimal digits of HMAC-SHA256 (RFC 2104), the same for the same key."""
    return hmac.new(key, f"{kind}|{value}".encode(), hashlib.sha256).hexdigest()[:16]


@dataclass(frozen=True)
class RowRef:
    """A query row: its 1-based position in the project's rows; `node` to ask, '' for the project's first."""

    project: str
    number: int
    node: str = ""

    def __str__(self) -> str:
        return f"row {self.number}{_at(self.node)}"


@dataclass(frozen=True)
class StudyRef:
    """A study: the keyed digest of its UID, as the ledger knows it; `node` to ask, '' for the project's first."""

    project: str
    key: str
    node: str = ""

    def __str__(self) -> str:
        return f"study {self.key}{_at(self.node)}"


def _at(node: str) -> str:
    return f" at {node}" if node else ""
