"""What persons decide: which studies of a held row are meant, and that a plan may go on."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.ledger import Ledger, rows, setting, studies, summary
from pacsflow.ledger.summary import RowState
from pacsflow.query import load
from pacsflow.report import read_decisions
from tasks.session import open_ledger_of


def settle_row(folder: Path, row_id: str, *, take: Sequence[str], by: str) -> None:
    """Take the named studies (by the plan's short name, or by UID) of a held row, and no others."""
    with ledger_of(folder) as ledger:
        row = next((r for r in summary.rows(ledger) if row_id in (r.id, f"row {r.number}")), None)
        if row is None:
            near = ", ".join(f"row {r.number}" for r in summary.rows(ledger) if r.status == "held")
            raise _mistake("no row has that id", f"held are {near}" if near else "no row is held")
        _settle(ledger, row, take, by=by)


def settle_workbook(folder: Path, workbook: Path, *, by: str) -> int:
    """Settle all rows that the plan's workbook has decisions for; the number of rows."""
    decided: dict[int, list[str]] = {}
    for number, study, decision in read_decisions(workbook):
        decided.setdefault(number, []).extend([study] if decision == "take" else [])
    with ledger_of(folder) as ledger:
        known = {r.number: r for r in summary.rows(ledger)}
        for number, take in decided.items():
            if number not in known:
                raise _mistake(f"the workbook names row {number}, which the project does not have", "plan again")
            _settle(ledger, known[number], take, by=by)
    return len(decided)


def _settle(ledger: Ledger, row: RowState, take: Sequence[str], *, by: str) -> None:
    if row.status not in ("held", "found", "dropped") or not row.hits:
        raise _mistake(f"row {row.number} is {row.status}: there is nothing to settle", "pacsflow status PROJECT")
    keys = {name: key for key in row.hits for name in (key, studies.study(ledger, key).uid)}
    if unknown := [name for name in take if name not in keys]:
        raise _mistake(
            f"row {row.number} has no study of {len(unknown)} of the names given", f"it has {', '.join(row.hits)}"
        )
    rows.settle(ledger, row.number, {keys[name]: "take" for name in take}, by=by)


def approve_plan(folder: Path, *, by: str) -> str:
    """Let the present plan go on; a sentence that says what was approved."""
    with ledger_of(folder) as ledger:
        planned = studies.planned(ledger)
        if not planned:
            raise _mistake("there is no plan to approve", "pacsflow plan PROJECT")
        setting(ledger, "approved", json.dumps({"plan": plan_digest(ledger), "by": by, "at": time.time()}))
        return f"{len(planned)} studies"


def plan_digest(ledger: Ledger) -> str:
    """Digest of what a run would fetch: studies and series."""
    return studies.digest_of(f"{p.key} {p.wanted}" for p in studies.planned(ledger))


@contextmanager
def ledger_of(folder: Path) -> Iterator[Ledger]:
    """The ledger of a project folder, opened and closed; nothing is asked of a PACS."""
    project, _ = load(folder)
    with closing(open_ledger_of(project)) as ledger:
        yield ledger


def _mistake(message: str, remedy: str) -> ProjectError:
    return ProjectError.at("decision", message, remedy)
