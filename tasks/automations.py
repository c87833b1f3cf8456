"""Automations that pacsflow brings to Prefect's server: runs whose process is gone are marked as crashed."""

from datetime import timedelta

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

from tasks.patience import gave_up

ZOMBIES = "pacsflow: runs whose process is gone"
SILENCE = timedelta(seconds=300)
"""A run says every 30 s that it lives, where its deployment was made by pacsflow; every 180 s at the latest."""


def bring_automations() -> list[str]:
    """As `make_automations`, by a client of its own. Raises ServerError."""
    try:
        with get_client(sync_client=True) as client:
            return make_automations(client)
    except HTTPError as error:
        raise gave_up(error) from None


def make_automations(client: SyncPrefectClient) -> list[str]:
    """Make those that are missing; their names. One that is there stays as an operator left it."""
    if client.read_automations_by_name(ZOMBIES):
        return []
    client.create_automation(_zombies())
    return [ZOMBIES]


def _zombies() -> AutomationCore:
    ended = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Cancelled", "Crashed")}
    trigger = EventTrigger(
        after={"prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *ended},
        match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=SILENCE,
    )
    action = ChangeFlowRunState(state=StateType.CRASHED, message="no sign of life for five minutes")
    return AutomationCore(name=ZOMBIES, description="Marked as crashed", trigger=trigger, actions=[action])
