"""Find only: what a project would fetch. Nothing is fetched."""

from prefect import State, flow
from prefect.states import Completed

from flows._stages import describe_studies, find_rows, paused
from tasks._policy import guarded, named
from tasks.plan import write_plan
from tasks.session import open_session


@flow(name="plan project", flow_run_name=named("plan"), persist_result=False)
@guarded
def plan_project(project: str, *, again: bool = False, info: bool = False) -> State[str]:
    """Ask the PACS for all rows that it was not asked for yet (`again`: for all) and write the plan.

    `info`: ask for an image of each series too, for the columns that only images answer.
    """
    with open_session(project, action="plan") as run:
        find_rows(run, everything=again)
        if info:
            describe_studies(run)
        plan = write_plan(run)
        if run.paused:
            return paused(run)
    return Completed(name="Planned", message=plan.sentence)
