"""Patient pseudonyms that come from elsewhere than the project's key: one module per source."""

from collections.abc import Callable, Mapping

from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import api, column, sequential, table
from pacsflow.pseudonyms.contract import Given, Means, Pseudonyms

__all__ = ["SOURCES", "Given", "Means", "Pseudonyms", "knows", "nobody", "pseudonyms_of"]

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


def knows(means: Means) -> Callable[[str], bool]:
    """Whether the profile's source has a pseudonym for a Patient ID by now; asking leaves no trace in the vault."""
    kind = means.patient.source
    if kind == "api":
        return api.knows(means)
    given = table.source(means) if kind == "table" else column.source(means) if kind == "column" else None

    def known(patient_id: str) -> bool:
        try:
            return given is None or given(patient_id, "", 0) is not None
        except RefusalError:
            return False

    return known


def nobody(kind: str) -> Pseudonyms | None:
    """A source that knows no patient, for a profile that is only read; None where pseudonyms are keyed."""
    return None if kind == "keyed" else lambda _patient_id, _issuer, _shift_days: None
