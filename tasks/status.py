"""How far a project is, from the ledger alone."""

from collections import Counter
from pathlib import Path

from pacsflow.ledger import traffic
from pacsflow.query import load
from tasks.account import accounts
from tasks.session import open_ledger_of


def status_of(folder: Path) -> dict[str, Counter[str]]:
    """Rows, studies and images by status, and what was asked of the PACS. Raises ProjectError, LedgerError."""
    project, _ = load(folder)
    ledger = open_ledger_of(project)
    try:
        found = accounts(ledger, project)
        studies = {study.key: study for one in found for study in one.studies}
        images: Counter[str] = Counter()
        for series in (s for study in studies.values() for s in study.series):
            images.update(series.counts)
        return {
            "rows": Counter(one.status for one in found),
            "studies": Counter(study.status for study in studies.values()),
            "images": images,
            "asked of the PACS": traffic.total(ledger),
        }
    finally:
        ledger.close()
