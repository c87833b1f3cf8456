"""What a project's vault and ledger know of its patients, for the release gate."""

from collections.abc import Iterator, Mapping
from contextlib import closing

import sqlalchemy as sa

from pacsflow.deid.proof.known import Facts
from pacsflow.errors import LedgerError
from pacsflow.ledger import Ledger, tables
from pacsflow.projects.project import Project
from pacsflow.run.reporting.row_label import identifying
from pacsflow.run.stores import open_ledger_of
from pacsflow.secrets import project_key
from pacsflow.vault import Vault

PATIENT_ID = 0x00100020


def facts_of(project: Project) -> Facts:
    """Names, ids, accession numbers, birth dates, UIDs. Raises LedgerError where the project knows no patient yet."""
    links = Vault(project.workdir / "private" / "vault", project_key(project.deid)).links()
    if not links:
        fix = "name the project whose run, or whose `pacsflow deid --profile PROJECT`, made these files"
        raise LedgerError("the project's vault is empty: there is nothing to check against", fix=fix)
    values = {(PATIENT_ID, link.patient_id) for link in links}
    uids: set[str] = set()
    births: dict[str, str] = {}
    if project.settings.ledger != "sqlite" or (project.workdir / "private" / "ledger.sqlite").exists():
        with closing(open_ledger_of(project)) as ledger:
            for patient, attributes in _asked(ledger):
                values |= {(tag, value) for tag, _, value in identifying(attributes)} | {(PATIENT_ID, patient)}
                births[patient] = attributes.get("PatientBirthDate", "") or births.get(patient, "")
            uids = set(_uids(ledger))
    pseudonyms = {link.pseudonym: births.get(link.patient_id, "") for link in links}
    return Facts(frozenset(values), frozenset(uids), pseudonyms)


def _asked(ledger: Ledger) -> Iterator[tuple[str, Mapping[str, str]]]:
    studies, series = tables.studies.c, tables.series.c
    for row in ledger.all(sa.select(studies.patient_id, studies.attributes)):
        yield row.patient_id, row.attributes
    joined = sa.select(studies.patient_id, series.attributes).join(tables.series, series.study_key == studies.key)
    for row in ledger.all(joined):
        yield row.patient_id, row.attributes


def _uids(ledger: Ledger) -> Iterator[str]:
    for column in (tables.studies.c.uid, tables.series.c.uid, tables.instances.c.uid):
        yield from (row.uid for row in ledger.all(sa.select(column)))
