"""What the rows of a run say about a patient's pseudonym, by what they found."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache

import sqlalchemy as sa

from pacsflow.errors import ServiceError
from pacsflow.ledger import Ledger, studies
from pacsflow.ledger import tables as t
from pacsflow.ledger.studies import Study
from pacsflow.query.row import Row

WANTING = "pseudonym:"
"""Beginning of refusals that end when the source of pseudonyms is completed."""


def pseudonyms_of_rows(ledger: Ledger, rows: Iterable[Row], column: str) -> Callable[[str], Mapping[str, int]]:
    """Patient ID -> each pseudonym that rows give the patient, with the number of patients that rows give it.

    Studies that a person dropped do not count.
    """
    said = {row.id: row.extra.get(column, "") for row in rows}
    saying: dict[str, list[str]] = defaultdict(list)
    for row_id, pseudonym in said.items():
        saying[pseudonym].append(row_id)

    def given(patient_id: str) -> Mapping[str, int]:
        whose = sa.func.trim(t.studies.c.patient_id) == patient_id.strip()
        found = {said[each] for each in _joined(ledger, t.hits.c.row_id, whose) if said.get(each)}
        return Counter({each: len(_patients(ledger, saying[each])) for each in found})

    return given


def reopen_refused(ledger: Ledger, why: Callable[[str], str]) -> None:
    """Instances that were refused for want of a pseudonym are expected again where their patient has one by now.

    `why`: why a Patient ID has none, '' where it has one.
    """
    asked = cache(why)
    for key, patient_id in studies.refused(ledger, WANTING).items():
        try:
            if patient_id.strip() and not asked(patient_id.strip()):
                studies.reopen(ledger, key, WANTING)
        except ServiceError:
            return


def refuse_nameless(ledger: Ledger, study: Study, reason: str) -> None:
    """Refuse, unfetched, what a node lists of a patient who has no pseudonym."""
    wanted = {series.key for series in study.wanted}
    listed = (one for one in studies.instances(ledger, study.key, "expected") if one.series_key in wanted)
    studies.note(ledger, study, [replace(one, status="refused", reason=reason) for one in listed])


def _patients(ledger: Ledger, row_ids: list[str]) -> set[str]:
    patients = _joined(ledger, t.studies.c.patient_id, t.hits.c.row_id.in_(row_ids))
    return {patient.strip() for patient in patients} - {""}


def _joined(ledger: Ledger, column: sa.Column[str], condition: sa.ColumnElement[bool]) -> set[str]:
    query = sa.select(column).join_from(t.hits, t.studies, t.hits.c.study_key == t.studies.c.key)
    return {row[0] for row in ledger.all(query.where(condition, t.hits.c.decision != "drop"))}
