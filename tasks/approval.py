"""A plan is approved in Prefect's UI: the run is suspended, its process ends, and what the form says lets it go on."""

from typing import Literal

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import StateType
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment, flow_run
from pydantic import Field

from pacsflow.projects import Project
from pacsflow.run.people.decisions import Decision
from pacsflow.run.reporting.ending import DIGITS
from pacsflow.run.reporting.plan import Plan
from tasks.identity import project_tag


class Approval(RunInput):
    """What a person says of a plan."""

    decision: Literal["approve", "refuse"] = Field(description="refuse: nothing is fetched, and the run ends")
    name: str = Field(min_length=1, max_length=100, description="Who decides; it is kept with the decision")
    note: str = Field(default="", max_length=1000, description="Why; name no patient here")


def can_ask() -> bool:
    """Whether the present run can be suspended: a worker starts it again, by its deployment."""
    return deployment.id is not None


def asked_already(project: Project) -> bool:
    """Whether another run of the project is suspended until a person decides."""
    wanted = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[project_tag(project.settings.name)]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PAUSED])),
    )
    with get_client(sync_client=True) as client:
        return any(str(one.id) != flow_run.id for one in client.read_flow_runs(flow_run_filter=wanted))


def decision_on(plan: Plan, days: float) -> Decision:
    """What a person decides of a plan. The first call for a plan ends the process, by an exception of Prefect's.

    The run that is started again calls again and gets the answer. After `days` Prefect ends the run as failed.
    """
    totals = plan.totals
    numbers = ", ".join(f"{totals[what]} {what}" for what in ("studies", "images", "gigabytes", "hours"))
    told = (
        f"**{plan.sentence}**\n\n{numbers}.\n\n"
        f"Digest of the plan: `{plan.digest[:DIGITS]}`. "
        "Each study is in `report/plan-studies.csv` of the work directory."
    )
    form = Approval.with_initial_data(description=told)
    key = f"approval-{plan.digest[:DIGITS]}"
    said = suspend_flow_run(wait_for_input=form, timeout=round(days * 86400), key=key)
    return Decision(plan.digest, said.decision == "approve", f"{said.name} (Prefect)", said.note)
