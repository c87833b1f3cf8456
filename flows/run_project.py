"""The main job: a project folder in, its studies found, fetched, de-identified, converted, delivered, accounted for."""

from contextlib import suppress

from prefect import State, flow

from flows import _story as story
from flows._stages import already_running, find_rows, retrieve_studies
from pacsflow.errors import BusyError, PacsflowError, ServerError
from pacsflow.run import stages
from pacsflow.run.beside import beside
from pacsflow.run.opening import open_session
from pacsflow.run.people.decisions import approve_this, decide, decided
from pacsflow.run.reporting import report
from pacsflow.run.reporting.ending import Ending, ending_of, paused, refused, stopped_by, waiting_for_approval
from pacsflow.run.reporting.plan import Plan, approved
from pacsflow.run.selection import Selection
from pacsflow.run.session import Session, override_hours
from pacsflow.run.withdrawing import withdraw_excluded
from tasks._policy import allowed, guarded
from tasks.approval import asked_already, can_ask, decision_on
from tasks.ending import end_of, tell, tell_once
from tasks.identity import introduce, named
from tasks.patience import away, gave_up, stop_waiting
from tasks.saying import outlive_readers, speaker
from tasks.server_facts import warn_of_memory
from tasks.steps import write_plan, write_report


# `Args` below is what the form of a run in Prefect's UI shows beside each field.
@flow(name="run project", flow_run_name=named(), persist_result=False)
@guarded
def run_project(
    project: str,
    *,
    rows: str = "",
    plan_only: bool = False,
    approve: str = "",
    now: str = "",
    others: list[str] | None = None,
) -> State[str]:
    """Do all that is left to do for a project folder. The state's name says how it ended.

    Safe to kill at any moment and to run again; what is done is not done twice.

    Args:
        project: Folder of the project on the worker's machine, as given when it was deployed
        rows: Only rows of these numbers, such as 1-20, 35; empty means all rows
        plan_only: Find and count only; nothing is fetched
        approve: Approve the plan that waits, by its digest in the message of the run that waits
        now: Ask outside the node's hours too, and why; name no patient here
        others: Folders of projects that were planned; they take what they want of what this run retrieves

    """
    outlive_readers()
    if now.strip():
        override_hours(project, now.strip())
    beside_it = [] if plan_only else list(others or ())
    for each in (project, *beside_it):
        allowed(each)
    try:
        with open_session(project, action="run") as run, beside(run, beside_it):
            return _told(run, rows, plan_only=plan_only, approve=approve)
    except BusyError as busy:
        return already_running(busy)


def _told(run: Session, rows: str, *, plan_only: bool, approve: str) -> State[str]:
    """The run, of whose end everybody is told; also where it cannot go on."""
    story.begun(run, introduce(run))
    warn_of_memory(speaker())
    try:
        ending = _run(run, Selection.read(rows, len(run.rows)), plan_only=plan_only, approve=approve)
    except Exception as error:
        _cannot_go_on(run, gave_up(error) if away(error) else error)
        raise
    return end_of(run.project, ending)


def _cannot_go_on(run: Session, error: Exception) -> None:
    """What is done is on the report also where the run cannot go on, and people are told."""
    if isinstance(error, ServerError):
        stop_waiting()
        with suppress(PacsflowError, OSError):  # what ended the run is what is said
            report.write_report(run)
    known = isinstance(error, PacsflowError)
    tell(run.project, stopped_by(type(error).__name__ if known else "a fault of pacsflow"))


def _run(run: Session, only: Selection, *, plan_only: bool, approve: str) -> Ending:
    withdraw_excluded(run)
    asked = find_rows(run, only)
    plan = write_plan(run)
    story.planned(plan)
    if plan_only and not run.paused:
        return Ending("Planned", plan.sentence)
    if not run.paused:
        if (waiting := _waiting(run, plan, approve)) is not None:
            return waiting
        retrieve_studies(run, only, greeted=asked > 0)
    outcome = write_report(run)
    story.ended(run, outcome)
    if run.paused and not outcome.finished:
        return paused(stages.pause_told(run), outcome.statuses)
    return ending_of(outcome.statuses, run.project.settings.alert, finished=outcome.finished, message=outcome.sentence)


def _waiting(run: Session, plan: Plan, approve: str) -> Ending | None:
    """How a run ends whose plan may not go on. None: it needs no approval, or has one.

    A run of a deployment asks for it in Prefect: its process ends, and another begins once a person has decided.
    """
    if not approved(run, plan) and approve.strip():
        approve_this(run.ledger, plan.digest, approve.strip(), by="the form of a run in Prefect")
    known = decided(run.ledger, plan.digest)
    if known is None and not approved(run, plan) and can_ask() and not asked_already(run.project):
        tell_once(run, waiting_for_approval(plan.digest, plan.sentence, run.project.settings.name), plan.digest)
        known = decision_on(plan, run.project.settings.approval_days)
        decide(run.ledger, known)
    if approved(run, plan):
        return None
    name = run.project.settings.name
    return refused(known.by, plan.sentence, name) if known else waiting_for_approval(plan.digest, plan.sentence, name)
