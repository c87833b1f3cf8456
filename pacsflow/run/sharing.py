"""Runs that share a project: each takes the rows and studies that no other has, and waits for what others do."""

import time
from collections.abc import Iterable

from pacsflow.errors import PausedError
from pacsflow.ledger import sharing, studies
from pacsflow.ledger.runs import note_found
from pacsflow.ledger.studies import Planned
from pacsflow.processes import gone
from pacsflow.run.selection import Selection
from pacsflow.run.session import Session

SHORTEST, LONGEST = 0.5, 10.0
"""Seconds between two looks at what others do."""
PARTS = 4
"""Into so many parts a run would divide what each run has to ask, so that all end at about one time."""


def portion(run: Session, number: int, most: int) -> int:
    """How many of so many rows a run takes at once."""
    return min(most, max(1, -(-number // (PARTS * run.project.settings.workers)))) if run.shared else most


def take_rows(run: Session, numbers: list[int]) -> list[int]:
    """Those of some rows that are this run's to ask."""
    if not run.shared:
        return numbers
    others = _others(run)
    taken = sharing.claim_rows(run.ledger, [run.row(number).id for number in numbers], run.owner, others.owners)
    run.tried.update(taken)
    return run.numbers(taken)


def own_rows(run: Session, row_ids: Iterable[str]) -> list[str]:
    """Those of some rows that this run has asked for."""
    mine = sharing.rows_of(run.ledger, run.owner) if run.shared else set()
    return [row_id for row_id in row_ids if not run.shared or row_id in mine]


def rows_come(run: Session, numbers: list[int]) -> list[int]:
    """Rows that are this run's now, as the run that had taken them is gone; none once all others have asked theirs.

    `numbers`: those that are of interest, and were not tried by this run.
    """
    note_found(run.ledger, run.owner)
    for _ in _looks(run):
        others = _others(run)
        if free := take_rows(run, numbers):
            return free
        if not others.finding:
            break
    return []


def own_studies(run: Session, plans: list[Planned]) -> list[Planned]:
    """Those of some studies that this run may take: no other is at them, and their images lie here or nowhere."""
    if not run.shared:
        return plans
    here = {"", run.place, *_others(run).deserted}
    return [plan for plan in plans if plan.staged in here and not _held(run, plan)]


def studies_come(run: Session, only: Selection) -> bool:
    """Whether there are studies for this run, as another is gone; waits while others are at some."""
    for _ in _looks(run):
        run.remaining.changed()
        plans = untried(run, only.studies(run, run.remaining.plans()))
        if own_studies(run, plans):
            return True
        if not any(_held(run, plan) for plan in plans):
            break
    return False


def untried(run: Session, plans: list[Planned]) -> list[Planned]:
    """Those of some studies that this run had no turn at."""
    return [plan for plan in plans if plan.key not in run.tried]


def is_here(run: Session, plan: Planned) -> bool:
    """Whether the images of a study lie in this run's staging folder, as far as there are any."""
    return plan.staged in ("", run.place)


def claim_here(run: Session, key: str) -> bool:
    """Take the lease of a study whose images lie in this run's staging folder, or are fetched to it from now on."""
    if not studies.claim(run.ledger, key, run.owner):
        return False
    staged = sharing.staged_at(run.ledger, key, run.place)
    if staged != run.place:
        if staged not in _others(run).deserted:
            studies.release(run.ledger, key, run.owner)
            return False
        sharing.stage_anew(run.ledger, key, run.place)
    run.tried.add(key)
    return True


def _others(run: Session) -> sharing.Neighbours:
    return sharing.neighbours(run.ledger, run.owner, run.place, run.began.timestamp())


def _held(run: Session, plan: Planned) -> bool:
    return plan.lease_owner not in (None, run.owner) and not gone(plan.lease_owner or "")


def _looks(run: Session) -> Iterable[None]:
    """Looks at what others do, at longer and longer intervals; they end where this run may not go on."""
    seconds = SHORTEST
    while run.shared:
        yield
        try:
            run.lanes.keep_hours()
        except PausedError:
            return
        time.sleep(seconds)
        seconds = min(LONGEST, 1.5 * seconds)
