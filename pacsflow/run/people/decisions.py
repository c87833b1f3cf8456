"""What people decide: which studies of a held row are meant, and that a plan may go on."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import ProjectError
from pacsflow.ledger import Ledger, rows, setting, studies, summary
from pacsflow.ledger.acts import Act, deciding
from pacsflow.ledger.book import remember
from pacsflow.ledger.summary import RowState
from pacsflow.query.loading import load
from pacsflow.report.decisions import read_decisions
from pacsflow.run.fetching import other_patient
from pacsflow.run.reporting.ending import DIGITS
from pacsflow.run.stores import open_ledger_of
from pacsflow.wording import counted

_WHERE = "the report and the plan name studies; pacsflow status PROJECT"


def settle_row(folder: Path, row_id: str, *, take: Sequence[str], by: str) -> None:
    """Take the named studies (by the plan's short name, or by UID) of a held row, and no others."""
    with ledger_of(folder) as ledger:
        row = next((r for r in summary.rows(ledger) if row_id in (r.id, f"row {r.number}")), None)
        if row is None:
            near = ", ".join(f"row {r.number}" for r in summary.rows(ledger) if r.status == "held")
            raise _mistake("no row has that id", f"held are {near}" if near else "no row is held")
        _settle(ledger, row, take, by=by)


def settle_patients(folder: Path, named: Sequence[str], *, by: str) -> None:
    """Take it that all images of the named studies (by short name, or UID) are of the patient the node answers."""
    with ledger_of(folder) as ledger:
        keys = {name: plan.key for plan in studies.planned(ledger) for name in _names(ledger, plan.key)}
        if unknown := [name for name in named if name not in keys]:
            raise _mistake(f"{len(unknown)} of the names given are not of studies that the project takes", _WHERE)
        for name in named:
            other_patient.settle(ledger, keys[name], by=by)


def _names(ledger: Ledger, key: str) -> tuple[str, str]:
    return key, studies.study(ledger, key).uid


@dataclass(frozen=True)
class HeldRow:
    """A row that waits for a person: its number, why, and its studies by their short names."""

    number: int
    reason: str
    studies: tuple[str, ...]


def held_rows(folder: Path) -> list[HeldRow]:
    """The rows of a project that are held, in their order."""
    with ledger_of(folder) as ledger:
        return [HeldRow(r.number, r.reason, tuple(r.hits)) for r in summary.rows(ledger) if r.status == "held"]


def settle_workbook(folder: Path, workbook: Path, *, by: str) -> int:
    """Settle all rows that the plan's workbook has decisions for; the number of rows.

    The workbook may be older than the order of the table's rows: a row is found by its key, or by its studies.
    """
    decided: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for number, study, decision, key in read_decisions(workbook):
        decided.setdefault((number, key), []).append((study, decision))
    with ledger_of(folder) as ledger:
        known = summary.rows(ledger)
        for (number, key), lines in decided.items():
            row = _meant(known, number, key, [study for study, _ in lines])
            _settle(ledger, row, [study for study, decision in lines if decision == "take"], by=by)
    return len(decided)


def _meant(known: Sequence[RowState], number: int, key: str, named: Sequence[str]) -> RowState:
    """The row that lines of a workbook mean. Without a key it is the only one with these studies, or unsure."""
    meant = [row for row in known if (row.key == key if key else set(named) <= row.hits.keys())]
    if not meant:
        raise _mistake(f"the workbook names row {number}, which the project does not have any more", "plan again")
    if len(meant) > 1:
        raise _mistake(
            f"row {number} of the workbook may be any of {counted(len(meant), 'row')} with its studies", "plan again"
        )
    return meant[0]


def _settle(ledger: Ledger, row: RowState, take: Sequence[str], *, by: str) -> None:
    if row.status not in ("held", "found", "dropped") or not row.hits:
        raise _mistake(f"row {row.number} is {row.status}: there is nothing to settle", "pacsflow status PROJECT")
    keys = {name: key for key in row.hits for name in (key, studies.study(ledger, key).uid)}
    if unknown := [name for name in take if name not in keys]:
        raise _mistake(
            f"row {row.number} has no study of {len(unknown)} of the names given", f"it has {', '.join(row.hits)}"
        )
    rows.settle(ledger, row.id, {keys[name]: "take" for name in take}, by=by)


def approve_plan(folder: Path, *, by: str) -> str:
    """Let the present plan go on; a sentence that says what was approved."""
    with ledger_of(folder) as ledger:
        planned = studies.planned(ledger)
        if not planned:
            raise _mistake("there is no plan to approve", "pacsflow plan PROJECT")
        _approve(ledger, plan_digest(ledger), by=by)
        return f"{counted(len(planned), 'study', 'studies')}"


def approve_this(ledger: Ledger, digest: str, named: str, *, by: str) -> None:
    """Let the plan of a digest go on, where `named` is the beginning of it that was told. Raises ProjectError."""
    if len(named) < DIGITS or not digest.startswith(named):
        raise _mistake("`approve` names another plan than the present one", "look at the present plan, then approve it")
    _approve(ledger, digest, by=by)


def _approve(ledger: Ledger, digest: str, *, by: str) -> None:
    decide(ledger, Decision(digest, approved=True, by=by))


@dataclass(frozen=True)
class Decision:
    """What a person decided of the plan of a digest, and why."""

    digest: str
    approved: bool
    by: str
    note: str = ""


def decide(ledger: Ledger, decision: Decision) -> None:
    """Write a decision down; it holds for this very plan, until another one."""
    facts = {"plan": decision.digest, "by": decision.by, "at": time.time(), "note": decision.note}
    what = "approve" if decision.approved else "refuse"
    with deciding(ledger, Act(what, decision.by, f"plan {decision.digest[:DIGITS]}")) as connection:
        remember(ledger, connection, "approved", json.dumps({**facts, "refused": not decision.approved}))


def decided(ledger: Ledger, digest: str) -> Decision | None:
    """What a person decided of the plan of a digest; None where nothing yet."""
    given = json.loads(setting(ledger, "approved") or "{}")
    if given.get("plan") != digest:
        return None
    return Decision(digest, not given.get("refused", False), given["by"], given.get("note", ""))


def plan_digest(ledger: Ledger) -> str:
    """Digest of what a run would fetch: studies and series."""
    return studies.digest_of(f"{p.key} {p.wanted}" for p in studies.planned(ledger))


@contextmanager
def ledger_of(folder: Path) -> Iterator[Ledger]:
    """The ledger of a project folder, opened and closed; nothing is asked of a PACS."""
    project, _ = load(folder)
    with closing(open_ledger_of(project)) as ledger:
        yield ledger


def _mistake(message: str, fix: str) -> ProjectError:
    return ProjectError.at("decision", message, fix)
