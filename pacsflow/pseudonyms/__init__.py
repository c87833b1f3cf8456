"""Patient pseudonyms that come from elsewhere than the project's key: one module per source."""

from collections.abc import Callable, Mapping

from pacsflow.pseudonyms import api, column, sequential, table
from pacsflow.pseudonyms.contract import Given, Means, Pseudonyms

__all__ = ["SOURCES", "Given", "Means", "Pseudonyms", "nobody", "pseudonyms_of"]

SOURCES: Mapping[str, Callable[[Means], Pseudonyms]] = {
    "table": table.source,
    "api": api.source,
    "column": column.source,
    "sequential": sequential.source,
}
"""`patient.source` -> its source; `keyed` needs none."""


def pseudonyms_of(means: Means) -> Pseudonyms | None:
    """The source that the profile names; None where pseudonyms are keyed. Raises ProjectError, SecretError."""
    kind = means.patient.source
    return None if kind == "keyed" else SOURCES[kind](means)


def nobody(kind: str) -> Pseudonyms | None:
    """A source that knows no patient, for a profile that is only read; None where pseudonyms are keyed."""
    return None if kind == "keyed" else lambda _patient_id, _issuer, _shift_days: None
