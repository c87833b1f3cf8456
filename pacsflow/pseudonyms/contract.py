"""What a source of pseudonyms is given and gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pacsflow.vault import Vault
from schemas.deid import Patient


@dataclass(frozen=True)
class Assigned:
    """A patient's pseudonym and day shift. Identifying together with the patient: never in a log."""

    pseudonym: str
    shift_days: int


Pseudonyms = Callable[[str, str, int], Assigned | None]
"""Patient ID, issuer and the keyed day shift -> what the patient is given; None where the source has nothing.

Thread-safe. Raises RefusalError where what it has cannot be used, ServiceError where it cannot be asked.
"""


@dataclass(frozen=True)
class PseudonymContext:
    """What sources draw from. `patient.file` is an absolute path.

    `of_rows`: Patient ID -> each pseudonym that the query's rows give, with the number of patients that they give it.
    `service_shifts`: whether day shifts are the service's, too; `direction`: what is done with its numbers.
    `day_shifts`: Patient ID -> days that are added, where a table says.
    """

    patient: Patient
    vault: Vault | None
    of_rows: Callable[[str], Mapping[str, int]] = field(default=lambda _patient_id: {})
    project: str = ""
    service_shifts: bool = False
    direction: Literal["subtract", "add"] | None = None
    day_shifts: Mapping[str, int] | None = None


class SourceModule(Protocol):
    """What the module of a source gives.

    Also `look(context)` where `source` would have the vault learn: the same, but only looked up.
    """

    def source(self, means: PseudonymContext) -> Pseudonyms:
        """The source. Raises ProjectError, SecretError."""
