"""Find the studies and series of a row, and write down what was found, or why the node could not be asked."""

from contextlib import suppress
from dataclasses import replace
from functools import partial

from pydicom import Dataset

from pacsflow.errors import PacsflowError, PausedError
from pacsflow.ledger import rows
from pacsflow.ledger.rows import Finding
from pacsflow.refs import RowRef
from pacsflow.run.barring import barred_study
from pacsflow.run.search import Search
from pacsflow.run.session import Session, session
from pacsflow.run.unexpected import fault_of


def find_row(ref: RowRef) -> RowRef | None:
    """The row, asked: its finding is in the ledger. None: it was not, outside the node's hours.

    Raises PacsError where the PACS gave no full answer; SecretError where its log-in does. Rows that were answered
    before it was known how many answers the node gives are asked again here.
    """
    run = session(ref.project)
    lanes = run.lanes_to(ref.node)
    try:
        _find(run, ref)
    except PausedError:
        return None
    while suspects := lanes.ceiling.suspects():
        for number in suspects:
            with suppress(PacsflowError):  # what comes of it is that row's own business
                _find(run, replace(ref, number=number))
    return ref


def _find(run: Session, ref: RowRef) -> None:
    row = run.row(ref.number)
    try:
        with run.lanes_to(ref.node).borrow() as lane:
            asked = partial(run.traffic, ref.node, find=1)
            ceiling, barred = run.lanes_to(ref.node).ceiling, partial(_barred, run)
            search = Search(lane, row, run.project.query, ceiling=ceiling, asked=asked, barred=barred)
            finding = replace(search.finding(), node=ref.node)
    except PausedError:
        raise
    except PacsflowError as error:
        rows.record(run.ledger, row.id, Finding("failed", told_by(ref.node, str(error)), row.warnings))
        run.advise(f"row {ref.number}", error)
        raise
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the other rows
        fault = fault_of(error, "find_row")
        rows.record(run.ledger, row.id, Finding("failed", told_by(ref.node, f"broke off: {fault}"), row.warnings))
        raise fault from None
    run.advise(f"row {ref.number}", None)
    if ref.node and finding.status == "unmatched":
        rows.lacks_too(run.ledger, row.id, told_by(ref.node, finding.reason))
        return
    rows.record(run.ledger, row.id, finding)
    run.remaining.changed()
    ceiling = run.lanes_to(ref.node).ceiling
    if search.unfolded:
        ceiling.unfolded(search.most)
    ceiling.answered(ref.number, search.most)
    if not ref.node:
        run.tell("rows")


def _barred(run: Session, answer: Dataset) -> str:
    return barred_study(run.ledger, run.exclusions, answer) or run.barred(answer)


def told_by(node: str, reason: str) -> str:
    """A reason, with the node it is from where that is not the project's first."""
    return f"{node}: {reason}" if node else reason
