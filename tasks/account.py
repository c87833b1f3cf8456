"""What came of each row, from the ledger alone: the one account that table, report and exit code agree on."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pacsflow.ledger import Ledger, summary
from pacsflow.ledger.summary import RowState, SeriesState, StudyState
from pacsflow.projects import Project
from tasks.deliver import left_to_do
from tasks.label import label
from tasks.session import Session

BY_PROFILE = ("dropped:", "pixels:")
"""Beginnings of refusals that the profile asks for; any other refusal makes a row `partial`."""

FINISHED = ("complete", "sent", "refused", "dropped")
"""Row statuses that leave nothing to do for anybody."""


@dataclass(frozen=True)
class Account:
    """A row in the end. `status`: complete, sent, refused, partial, incomplete, offline, undelivered and others.

    `refused`: the profile lets none of its images leave. `found`: its studies are not fetched yet.
    `series` and `counts` are those the row wants; `doubtful`: the studies a person must choose from.
    """

    row: RowState
    status: str
    reason: str
    studies: tuple[StudyState, ...]
    series: tuple[SeriesState, ...]
    doubtful: tuple[StudyState, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)


def called(run: Session, one: Account) -> str:
    """What reports call a row: the user's own id, unless it tells who the patient is."""
    return label(run.row(one.row.number), (study.attributes for study in (*one.studies, *one.doubtful)))


def accounts(ledger: Ledger, project: Project) -> list[Account]:
    """One account per listed row, in their order."""
    known = summary.studies(ledger)
    left = {plan.key for plan in left_to_do(ledger, project)}
    return [_account(row, known, left) for row in summary.rows(ledger)]


def _account(row: RowState, known: Mapping[str, StudyState], left: set[str]) -> Account:
    taken = tuple(known[key] for key, decision in row.hits.items() if decision == "take")
    doubtful = tuple(known[key] for key, decision in row.hits.items() if decision == "held")
    mine = [s for study in taken for s in study.series if s.key in row.wants]
    counts: Counter[str] = Counter()
    for one in mine:
        counts.update(one.counts)
        counts["announced"] += max(sum(one.counts.values()), one.announced or 0)
    wanted = tuple(study for study in taken if any(s.key in row.wants for s in study.series))
    status, reason = (row.status, row.reason) if row.status != "found" else _fetched(wanted, mine, left)
    return Account(row, status, reason, taken, tuple(mine), doubtful, counts)


def _fetched(taken: tuple[StudyState, ...], series: list[SeriesState], left: set[str]) -> tuple[str, str]:
    """Status and reason of a row whose studies are wanted: the worst of them."""
    statuses = {study.status for study in taken}
    for status in ("failed", "incomplete", "offline", "found"):
        if status in statuses:
            return status, "; ".join(sorted({s.reason for s in taken if s.status == status and s.reason}))
    if any(study.key in left for study in taken):
        return "undelivered", "; ".join(sorted({*_undelivered(taken)})) or "not at all targets yet"
    refusals: Counter[str] = Counter()
    for one in series:
        refusals.update(one.refusals)
    remarks = sorted({study.reason for study in taken} - {""})
    reason = "; ".join([*(f"{number} refused ({why})" for why, number in sorted(refusals.items())), *remarks])
    if any(not why.startswith(BY_PROFILE) for why in refusals):
        return "partial", reason
    if any(one.counts["sent"] for one in series):
        return "sent", reason
    return ("complete" if any(one.counts["held"] for one in series) else "refused"), reason


def _undelivered(taken: tuple[StudyState, ...]) -> Iterator[str]:
    for study in taken:
        yield from (f"{target}: {why}" for target, (status, why) in study.delivered.items() if status != "done")
