"""Patient IDs that are never asked for, in the form they are compared in."""

import hashlib
from dataclasses import dataclass, field

LISTED = "the patient is in the project's `exclusions`"
UNPADDED = f"{LISTED}, without the zeros at the front of the Patient ID"


@dataclass(frozen=True)
class Exclusions:
    """Patient IDs that are never asked for, in their comparable form. Its representation shows none of them."""

    ids: frozenset[str] = field(default=frozenset(), repr=False)

    def reason(self, patient_id: str) -> str:
        """Why a patient is excluded; '' where he is not.

        Large and small letters do not differ here, and of zeros at the front nobody knows whether a spreadsheet lost
        them: in doubt nothing is fetched, and the reason says so.
        """
        wanted = comparable(patient_id)
        if not wanted or not self.ids:
            return ""
        if wanted in self.ids:
            return LISTED
        return UNPADDED if wanted.lstrip("0") in self._unpadded else ""

    @property
    def _unpadded(self) -> frozenset[str]:
        return frozenset(bare for each in self.ids if (bare := each.lstrip("0")))

    @property
    def digest(self) -> str:
        """Changes when the list does."""
        return hashlib.sha256("\n".join(sorted(self.ids)).encode()).hexdigest() if self.ids else ""


def comparable(patient_id: str) -> str:
    """A Patient ID without what systems write differently: case, and blanks around it."""
    return patient_id.strip().casefold()
