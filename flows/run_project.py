"""The main job: a project folder in, its studies found, fetched, de-identified, converted, delivered, accounted for."""

from prefect import State, flow
from prefect.states import Completed

from flows._stages import find_rows, paused, retrieve_studies
from tasks._policy import guarded, named
from tasks.plan import approved, write_plan
from tasks.report import write_report
from tasks.session import open_session


@flow(name="run project", flow_run_name=named("run"), persist_result=False)
@guarded
def run_project(project: str) -> State[str]:
    """Do all that is left to do for a project folder. The state's name says how it ended.

    Safe to kill at any moment and to run again; what is done is not done twice.
    """
    with open_session(project, action="run") as run:
        asked = find_rows(run)
        plan = write_plan(run)
        if not run.paused:
            if not approved(run, plan):
                return Completed(name="WaitingForApproval", message="pacsflow approve PROJECT lets it go on")
            retrieve_studies(run, greeted=asked > 0)
        outcome = write_report(run)
        if run.paused and not outcome.finished:
            return paused(run)
    return Completed(name="Done" if outcome.finished else "WorkLeft", message=outcome.sentence)
