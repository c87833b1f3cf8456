"""What came of each row, from the ledger alone: what plan, table, report and exit code agree on."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pacsflow.ledger import Ledger, studies, summary
from pacsflow.ledger.studies import Planned
from pacsflow.ledger.summary import RowState, SeriesState, StudyState
from pacsflow.projects.project import Project
from pacsflow.query.row import Row
from pacsflow.report.records import FINISHED, RowOutcome
from pacsflow.run.remaining import left_to_do, unsigned_studies
from pacsflow.run.reporting.kept import is_long, kept, parts
from pacsflow.run.reporting.row_label import row_label
from pacsflow.wording import addressed
from schemas.bids import LEFT_OUT, NEWER

if TYPE_CHECKING:
    from pacsflow.run.session import Session

__all__ = ["FINISHED", "beside", "new_studies", "outcomes_of", "row_outcomes"]

BY_PROFILE = ("dropped:", "pixels:")
"""Beginnings of refusals that the profile asks for; any other refusal makes a row `partial`."""


def row_outcomes(ledger: Ledger, project: Project, *, left: Iterable[Planned] | None = None) -> list[RowOutcome]:
    """One outcome per listed row, in their order. `left`: the studies that are left to do; None: read here."""
    keys = {plan.key for plan in (left_to_do(ledger, project) if left is None else left)}
    return list(_outcomes(ledger, project, keys, None))


def outcomes_of(run: "Session") -> Sequence[RowOutcome]:
    """One outcome per row of a run's own table, in its order, with its numbers, labels and cells.

    Those of a long table are read some at a time and lie in a file: see `kept`.
    """
    left = {plan.key for plan in run.remaining.plans()}
    long = is_long(run.rows)
    each = (one for part in parts(run.rows) for one in _outcomes_for(run, part, left, apart=long))
    return kept(each, len(run.rows))


def new_studies(found: Sequence[RowOutcome]) -> Iterator[tuple[Sequence[RowOutcome], list[StudyState]]]:
    """The rows, some at a time, and the studies that these take and no row before them."""
    told = set[str]()
    for part in parts(found):
        fresh = {study.key: study for one in part for study in one.studies if study.key not in told}
        told |= fresh.keys()
        yield part, list(fresh.values())


def beside(run: "Session", part: Sequence[RowOutcome], found: Sequence[RowOutcome]) -> list[RowOutcome]:
    """Some of the rows `found`, and all others that want series of the same studies, in their order."""
    if not is_long(found):
        return list(found)
    others = run.numbers(summary.also_wanting(run.ledger, [one.row.id for one in part]))
    more = _outcomes_for(run, [run.row(number) for number in others], set(), apart=True) if others else ()
    return sorted([*part, *more], key=lambda one: one.number)


def _outcomes_for(run: "Session", asked: Sequence[Row], left: set[str], *, apart: bool) -> Iterator[RowOutcome]:
    """The outcomes of some rows; `apart`: they are read from the ledger without the others."""
    only = [row.id for row in asked] if apart else None
    known = {one.row.id: one for one in _outcomes(run.ledger, run.project, left, only)}
    wants = {key for one in known.values() for key in one.row.wants}
    if only is not None:
        neighbours = summary.rows(run.ledger, summary.also_wanting(run.ledger, only))
        wants |= {key for one in neighbours for key in one.wants}
    for row in asked:
        if one := known.get(row.id):
            yield replace(_as_asked(row, one), images=frozenset(_own_images(run, one, wants)))


def _outcomes(ledger: Ledger, project: Project, left: set[str], only: Sequence[str] | None) -> Iterator[RowOutcome]:
    known = summary.studies(ledger, only)
    required = project.export.conversion == "required"
    unsigned = {plan.key for plan in unsigned_studies(ledger, project)}
    outcomes = (_outcome(row, known, left, required=required) for row in summary.rows(ledger, only))
    found = (replace(one, reason=addressed(one.reason, project.settings.name)) for one in outcomes)
    return (_signed(one, unsigned) for one in found) if unsigned else found


def _signed(one: RowOutcome, unsigned: set[str]) -> RowOutcome:
    """The outcome; of a row that lacks nothing but a person's sign-off, that it waits for it."""
    if one.status != "undelivered" or not unsigned & set(one.keys):
        return one
    if any(status != "done" for study in one.studies for status, _ in study.delivered.values()):
        return one
    return replace(one, status="unsigned", reason=f"studies that wait for a sign-off: {len(unsigned & set(one.keys))}")


def _own_images(run: "Session", one: RowOutcome, wants: set[str]) -> Iterator[str]:
    """SHA-256 of the images that a row wants of those of its studies of which other rows want other series."""
    for study in one.studies:
        if any(series.key in wants and series.key not in one.row.wants for series in study.series):
            held = studies.instances(run.ledger, study.key, "held")
            yield from (i.sha256 for i in held if i.series_key in one.row.wants)


def _as_asked(row: Row, one: RowOutcome) -> RowOutcome:
    """The outcome with what the user's table says of the row; its label tells nowhere who the patient is."""
    attributes = (study.attributes for study in (*one.studies, *one.doubtful, *one.aside))
    state = replace(one.row, number=row.number)
    return replace(one, row=state, label=row_label(row, attributes), cells=row.cells)


def _outcome(row: RowState, known: Mapping[str, StudyState], left: set[str], *, required: bool) -> RowOutcome:
    taken = tuple(known[key] for key, decision in row.hits.items() if decision == "take")
    doubtful = tuple(known[key] for key, decision in row.hits.items() if decision == "held")
    mine = [s for study in taken for s in study.series if s.key in row.wants]
    counts: Counter[str] = Counter()
    for one in mine:
        counts.update(one.counts)
        counts["announced"] += one.images or 0
    wanted = tuple(study for study in taken if any(s.key in row.wants for s in study.series))
    status, reason = (row.status, row.reason) if row.status != "found" else _fetched(wanted, mine, left)
    if lacking := not_converted(mine) if row.status == "found" else "":
        reason = "; ".join(filter(None, [reason, lacking]))
        status = "partial" if required and status == "complete" else status
    if nameless := without_name(mine) if row.status == "found" else "":
        reason = "; ".join(filter(None, [reason, nameless]))
        status = "partial" if status == "complete" else status
    aside = tuple(study for study in taken if study not in wanted)
    return RowOutcome(row, status, reason, wanted, tuple(mine), doubtful, counts, aside)


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


def not_converted(series: Sequence[SeriesState]) -> str:
    """`1 of 2 series not converted: gantry-tilt`; empty where all were for which it was asked."""
    asked = [one for one in series if one.converted[0]]
    why = Counter(one.converted[1].partition(": ")[0] for one in asked if one.converted[0] != "done")
    if not why:
        return ""
    reasons = ", ".join(f"{code} ({number})" if len(why) > 1 else code for code, number in sorted(why.items()))
    return f"{why.total()} of {len(asked)} series not converted: {reasons}"


def without_name(series: Sequence[SeriesState]) -> str:
    """`3 of 11 series left out of the BIDS dataset`; empty where all have a sure name, or a rule leaves them out."""
    told = {
        LEFT_OUT: "left out of the BIDS dataset, see `pacsflow bids PROJECT --show`",
        NEWER: "named by the cleaned header, as rules are newer than the images",
    }
    done = sum(one.converted[0] == "done" for one in series)
    counts = {
        what: sum(any(t.startswith(begin) for t in one.warnings) for one in series) for begin, what in told.items()
    }
    return "; ".join(f"{number} of {done} series {what}" for what, number in counts.items() if number)


def _undelivered(taken: tuple[StudyState, ...]) -> Iterator[str]:
    for study in taken:
        yield from (f"{target}: {why}" for target, (status, why) in study.delivered.items() if status != "done")
