"""The column of pseudonyms, checked before anything is asked: it must give one pseudonym for each patient."""

from collections.abc import Iterable, Iterator

from pacsflow.errors import Problem
from pacsflow.pseudonyms.legal import folded, pseudonym_fault
from pacsflow.query.row import Row


def check_pseudonyms(rows: Iterable[Row], column: str) -> Iterator[Problem]:
    """A problem for each row whose pseudonym is absent or illegal, or at odds with an earlier row of its patient."""
    patients: dict[str, Row] = {}
    pseudonyms: dict[str, Row] = {}
    for row in rows:
        pseudonym, patient = row.extra.get(column, ""), row.keys.get("PatientID", "")
        if fault := pseudonym_fault(pseudonym):
            yield Problem(*row.origin, column, fault, "give the row's patient a pseudonym")
        elif patient and not set("*?\\") & set(patient):
            first = patients.setdefault(patient, row)
            if first.extra[column] != pseudonym:
                message = f"is another one than row {first.number} gives the same patient"
                yield Problem(*row.origin, column, message, "give each patient one pseudonym")
            other = pseudonyms.setdefault(folded(pseudonym), row)
            if other.keys["PatientID"] != patient:
                message = f"is that of another patient, in row {other.number}"
                yield Problem(*row.origin, column, message, "give each patient an own pseudonym")
