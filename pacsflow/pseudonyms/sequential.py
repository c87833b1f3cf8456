"""Pseudonyms by number, in the order in which patients first come; the vault remembers them."""

from pacsflow.errors import LedgerError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext, Pseudonyms
from pacsflow.vault import Link

DIGITS = 6


def source(means: PseudonymContext) -> Pseudonyms:
    """Prefix and number; the same patient, of the same issuer, has the same for as long as the vault is kept.

    Raises LedgerError where there is no vault.
    """
    vault, prefix = means.vault, means.patient.prefix
    if vault is None:
        raise LedgerError("sequential pseudonyms need a vault", fix="use them in a project that de-identifies")

    def given(patient_id: str, issuer: str, shift_days: int) -> Assigned:
        link = vault.settle(
            patient_id, issuer, lambda n: Link(patient_id, issuer, f"{prefix}{n + 1:0{DIGITS}}", shift_days)
        )
        return Assigned(link.pseudonym, link.shift_days)

    return given
