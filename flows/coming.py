"""When runs begin by themselves, as Prefect's server says."""

from datetime import datetime

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort

from tasks.patience import at_once, gave_up


def next_run(deployment: str) -> datetime | None:
    """When the next run of a deployment begins; None where none is planned. Raises ServerError."""
    waiting = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])))
    named = DeploymentFilter(name=DeploymentFilterName(any_=[deployment]))
    try:
        with at_once(), get_client(sync_client=True) as client:
            found = client.read_flow_runs(
                flow_run_filter=waiting,
                deployment_filter=named,
                sort=FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC,
                limit=1,
            )
    except HTTPError as error:
        raise gave_up(error) from None
    return found[0].next_scheduled_start_time if found else None
