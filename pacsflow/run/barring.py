"""Why nothing is asked for of a patient or a study: the project's exclusions, or a person withdrew it."""

from pydicom import Dataset

from pacsflow.ledger import Ledger
from pacsflow.ledger.withdrawals import withdrawn
from pacsflow.query.excluded import Exclusions, comparable

WITHDRAWN = "withdrawn by a person (pacsflow withdraw)"


def barred(ledger: Ledger, exclusions: Exclusions, patient_id: str, study_uid: str = "") -> str:
    """Why nothing is asked for or kept of a patient or a study; '' where nothing is against it."""
    if told := exclusions.reason(patient_id):
        return told
    known = withdrawn(ledger)
    named = [("patient", patient_digest(ledger, patient_id))] if patient_id.strip() else []
    named += [("study", ledger.digest("study", study_uid))] if study_uid else []
    return WITHDRAWN if known.intersection(named) else ""


def barred_study(ledger: Ledger, exclusions: Exclusions, answer: Dataset) -> str:
    """As `barred`, of a node's answer at STUDY level."""
    uid = str(answer.get("StudyInstanceUID") or "")
    return barred(ledger, exclusions, str(answer.get("PatientID") or ""), uid)


def patient_digest(ledger: Ledger, patient_id: str) -> str:
    """Keyed digest of a Patient ID, whatever its case."""
    return ledger.digest("patient", comparable(patient_id))
