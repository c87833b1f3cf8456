"""Pausing a project, at the command line or on a page: what is under way is ended, nothing new is begun."""

from pathlib import Path

from pacsflow.ledger import Ledger, pauses
from pacsflow.ledger.pauses import ProjectPause
from pacsflow.ledger.runs import at_work_now
from pacsflow.run.people.decisions import ledger_of


def pause_runs(ledger: Ledger, *, by: str) -> ProjectPause:
    """Have the runs of a project, now and later, ask no node for anything new; the pause that holds."""
    return pauses.pause(ledger, by=by, at_work=any(one.action == "run" for one in at_work_now(ledger)))


def resume_runs(ledger: Ledger, *, by: str) -> ProjectPause | None:
    """Let the runs of a project go on; the pause that held, None where none did."""
    return pauses.resume(ledger, by=by)


def pause_project(folder: Path, *, by: str) -> ProjectPause:
    """As `pause_runs`, of a project's folder. Raises ProjectError, LedgerError."""
    with ledger_of(folder) as ledger:
        return pause_runs(ledger, by=by)


def resume_project(folder: Path, *, by: str) -> ProjectPause | None:
    """Let a project go on; the pause that held, None where none did. Raises ProjectError, LedgerError."""
    with ledger_of(folder) as ledger:
        return resume_runs(ledger, by=by)
