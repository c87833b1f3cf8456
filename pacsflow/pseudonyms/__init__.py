"""Patient pseudonyms that come from elsewhere than the project's key: one module per source."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext, Pseudonyms, SourceModule
from pacsflow.pseudonyms.legal import moved_by, shift_fault
from pacsflow.pseudonyms.table import checked, first_ids, read_shifts
from schemas.deid import DeidProfile
from schemas.sources import SOURCES

__all__ = [
    "NO_SHIFT",
    "Assigned",
    "PseudonymContext",
    "Pseudonyms",
    "day_shifts",
    "empty_source",
    "first_ids_of",
    "missing_reason",
    "pseudonyms_of",
]

NONE = "pseudonym: none for this patient"
NO_SHIFT = "pseudonym: no day shift for this patient"


def pseudonyms_of(means: PseudonymContext) -> Pseudonyms | None:
    """The source that the profile names; None where pseudonyms are keyed. Raises ProjectError, SecretError."""
    module = _module(means.patient.source)
    return module.source(means) if module else None


def missing_reason(means: PseudonymContext) -> Callable[[str], str]:
    """Why the profile's source gives a Patient ID no pseudonym by now, '' where it does; the vault learns nothing.

    What is given raises ServiceError where the source cannot be asked.
    """
    named, shifts = _wanting(means), means.day_shifts
    if shifts is None:
        return named
    return lambda patient_id: (
        (shift_fault(shifts[patient_id]) or named(patient_id)) if patient_id in shifts else NO_SHIFT
    )


def _wanting(means: PseudonymContext) -> Callable[[str], str]:
    module = _module(means.patient.source)
    if module is None or SOURCES[means.patient.source].invents:
        return lambda _patient_id: ""
    look: Pseudonyms = getattr(module, "look", module.source)(means)

    def why(patient_id: str) -> str:
        try:
            return NONE if look(patient_id, "", 0) is None else ""
        except RefusalError as refusal:
            return refusal.reason

    return why


def day_shifts(profile: DeidProfile) -> dict[str, int] | None:
    """Patient ID -> days that are added to each date, of the table that the profile names; None where it names none.

    Raises ProjectError.
    """
    if not profile.dates.file:
        return None
    table, direction = checked(read_shifts(Path(profile.dates.file))), profile.dates.direction
    return {patient: moved_by(days, direction) for patient, days in table.items()}


def first_ids_of(profile: DeidProfile) -> dict[str, str]:
    """Patient id -> the patient's first id, where the profile's table gives several ids of one patient a pseudonym."""
    patient = profile.patient
    return first_ids(Path(patient.file)) if patient.shared and patient.file else {}


def empty_source(kind: str) -> Pseudonyms | None:
    """A source that knows no patient, for a profile that is only read; None where pseudonyms are keyed."""
    return (lambda _patient_id, _issuer, _shift_days: None) if SOURCES[kind].module else None


def _module(kind: str) -> SourceModule | None:
    """The module of a source, imported when it is first needed; None where pseudonyms are keyed."""
    if not SOURCES[kind].module:
        return None
    module: SourceModule = import_module(SOURCES[kind].module)
    return module
