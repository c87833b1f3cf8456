"""Patient pseudonyms that come from elsewhere than the project's key: one module per source."""

from collections.abc import Callable, Mapping
from pathlib import Path

from pacsflow.errors import RefusalError
from pacsflow.pseudonyms import api, column, sequential, table
from pacsflow.pseudonyms.contract import Given, Means, Pseudonyms
from pacsflow.pseudonyms.table import checked, read_shifts
from schemas import DeidProfile

__all__ = ["NO_SHIFT", "SOURCES", "Given", "Means", "Pseudonyms", "day_shifts", "nobody", "pseudonyms_of", "wanting"]

SOURCES: Mapping[str, Callable[[Means], Pseudonyms]] = {
    "table": table.source,
    "api": api.source,
    "column": column.source,
    "sequential": sequential.source,
}
"""`patient.source` -> its source; `keyed` needs none."""
NONE = "pseudonym: none for this patient"
NO_SHIFT = "pseudonym: no day shift for this patient"


def pseudonyms_of(means: Means) -> Pseudonyms | None:
    """The source that the profile names; None where pseudonyms are keyed. Raises ProjectError, SecretError."""
    kind = means.patient.source
    return None if kind == "keyed" else SOURCES[kind](means)


def wanting(means: Means) -> Callable[[str], str]:
    """Why the profile's source gives a Patient ID no pseudonym by now, '' where it does; the vault learns nothing.

    What is given raises ServiceError where the source cannot be asked.
    """
    named, shifts = _wanting(means), means.day_shifts
    return named if shifts is None else lambda patient_id: named(patient_id) if patient_id in shifts else NO_SHIFT


def _wanting(means: Means) -> Callable[[str], str]:
    kind = means.patient.source
    if kind in ("keyed", "sequential"):
        return lambda _patient_id: ""
    look = api.look(means) if kind == "api" else SOURCES[kind](means)

    def why(patient_id: str) -> str:
        try:
            return NONE if look(patient_id, "", 0) is None else ""
        except RefusalError as refusal:
            return refusal.reason

    return why


def day_shifts(profile: DeidProfile) -> dict[str, int] | None:
    """Patient ID -> days, of the table that the profile names; None where it names none. Raises ProjectError."""
    return checked(read_shifts(Path(profile.dates.file))) if profile.dates.file else None


def nobody(kind: str) -> Pseudonyms | None:
    """A source that knows no patient, for a profile that is only read; None where pseudonyms are keyed."""
    return None if kind == "keyed" else lambda _patient_id, _issuer, _shift_days: None
