"""Pseudonyms from a column of the query's table: a row says how the patient that it finds is called."""

from pacsflow.errors import RefusalError
from pacsflow.pseudonyms.contract import Assigned, PseudonymContext, Pseudonyms


def source(means: PseudonymContext) -> Pseudonyms:
    """Pseudonyms by the rows that found the patient, whatever the issuer.

    Patients for whom the rows do not agree, or who would share a pseudonym, are refused: what is returned raises
    RefusalError for them.
    """

    def given(patient_id: str, _issuer: str, shift_days: int) -> Assigned | None:
        said = means.of_rows(patient_id)
        if len(said) > 1:
            raise RefusalError("pseudonym: rows of one patient have several", fix="fix the column, run again")
        for pseudonym, patients in said.items():
            if patients > 1:
                raise RefusalError("pseudonym: rows of several patients share it", fix="fix the column, run again")
            return Assigned(pseudonym, shift_days)
        return None

    return given
