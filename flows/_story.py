"""The story of a run in some ten lines of its log: numbers, places and hours, rows by their numbers, no patients."""

import logging

from pacsflow.ledger import traffic
from pacsflow.run.reporting.plan import Plan
from pacsflow.run.reporting.report import RunOutcome
from pacsflow.run.reporting.status import hours_of
from pacsflow.run.session import Session
from pacsflow.wording import counted
from tasks.saying import note

ROWS_NAMED = 200


def begun(run: Session, buried: list[str]) -> None:
    """Whose run it is, of how many rows, and which node is asked when."""
    settings, node = run.project.settings, run.project.pacs
    note(f"project {settings.name}: {counted(len(run.rows), 'row')}; priority {settings.priority}")
    others = "".join(f", then {other.name} at {other.place}" for other in run.project.fallback)
    note(f"asks node {node.name} at {node.place}{others}; at most {counted(node.limits.associations, 'association')}")
    note(hours_of(run.project.pacs) or "the node may be asked at all hours")
    if run.hours_overridden:
        note("asks outside the node's hours too, for a reason that is in the ledger", level=logging.WARNING)
    for name in buried:
        note(f"marked as crashed: {name}, whose process is gone", level=logging.WARNING)


def planned(plan: Plan) -> None:
    """What is to be fetched."""
    note(f"plan: {plan.sentence}")


def ended(run: Session, outcome: RunOutcome) -> None:
    """What came of it, what was asked of the node, and each row that needs somebody, by its number."""
    for slowed in traffic.slowings(run.ledger, since=run.began):
        note(
            f"went slower at {slowed.at:%H:%M}, {slowed.node}: {slowed.why}; "
            f"{counted(slowed.lanes, 'association')} left",
            level=logging.WARNING,
        )
    for row in outcome.left[:ROWS_NAMED]:
        note(f"row {row.number}: {row.status}", level=logging.WARNING)
    if (more := len(outcome.left) - ROWS_NAMED) > 0:
        note(f"and {counted(more, 'more row')}, see the report", level=logging.WARNING)
    asked = traffic.total(run.ledger)
    names = ("find", "retrievals", "images", "bytes")
    note("asked so far, in all runs: " + ", ".join(f"{asked.get(name, 0):,} {name}" for name in names))
    note(f"report written; {outcome.sentence}")
