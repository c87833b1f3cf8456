"""Patients and studies that are not asked for: those of the project's exclusions, those that persons withdrew."""

from pacsflow.ledger import setting
from pacsflow.ledger.summary import rows as row_states
from pacsflow.ledger.withdrawals import EXCLUDED, ask_again, exclude
from pacsflow.run.barring import barred
from pacsflow.run.session import Session


def exclude_rows(run: Session) -> set[str]:
    """Mark the rows that ask for excluded patients or studies, and for nothing else; their ids.

    Rows that were excluded, and are not any more, are asked again where the list of exclusions has changed.
    """
    reasons = {row.id: _why(run, row.keys) for row in run.rows}
    before = setting(run.ledger, "exclusions", run.exclusions.digest) or ""
    states = {state.id: state for state in row_states(run.ledger)}
    if before != run.exclusions.digest:
        ask_again(run.ledger, [row_id for row_id, why in reasons.items() if not why])
    left_out = {row_id: why for row_id, why in reasons.items() if why}
    for row_id, why in left_out.items():
        state = states.get(row_id)
        if state is None or (state.status, state.reason) != (EXCLUDED, why):
            exclude(run.ledger, row_id, why)
    return set(left_out)


def _why(run: Session, keys: object) -> str:
    asked = dict(keys) if isinstance(keys, dict) else {}
    uid = asked.get("StudyInstanceUID", "")
    return barred(run.ledger, run.exclusions, asked.get("PatientID", ""), uid if "\\" not in uid else "")
