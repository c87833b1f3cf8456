"""Find only: what a project would fetch. Nothing is fetched."""

from prefect import State, flow
from prefect.states import Completed

from flows import _story as story
from flows._stages import already_running, describe_studies, find_rows
from pacsflow.errors import BusyError
from pacsflow.run import stages
from pacsflow.run.opening import open_session
from tasks._policy import allowed, guarded
from tasks.identity import introduce, named
from tasks.steps import write_plan


# `Args` below is what the form of a run in Prefect's UI shows beside each field.
@flow(name="plan project", flow_run_name=named("plan"), persist_result=False)
@guarded
def plan_project(project: str, *, again: bool = False, info: bool = False) -> State[str]:
    """Ask the PACS for all rows that it was not asked for yet, and write the plan.

    Args:
        project: Folder of the project on the worker's machine, as given when it was deployed
        again: Ask for all rows again
        info: Ask for an image of each series too, for the columns that only images answer

    """
    allowed(project)
    try:
        with open_session(project, action="plan") as run:
            story.begun(run, introduce(run))
            find_rows(run, everything=again)
            if info:
                describe_studies(run)
            plan = write_plan(run)
            story.planned(plan)
            if run.paused:
                return Completed(name="Paused", message=stages.pause_told(run))
    except BusyError as busy:
        return already_running(busy)
    return Completed(name="Planned", message=plan.sentence)
