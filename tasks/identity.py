"""What a flow run is called and tagged in Prefect, and the former runs of its project that died without an end."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from pacsflow.ledger import Ledger
from pacsflow.ledger.runs import may_live
from pacsflow.run.session import Session

OWNER = "pacsflow.owner"
"""Label of a flow run: host and process at work in it."""
UNENDED = [StateType.RUNNING, StateType.CANCELLING]


def project_tag(name: str) -> str:
    """Tag of all that is done for a project."""
    return f"project:{name}"


def node_tag(name: str) -> str:
    """Tag of all that is asked of a node."""
    return f"node:{name}"


def named(verb: str = "") -> Callable[[], str]:
    """Name of a flow run: the verb, the project's folder and, of a run that is no part of another, its beginning."""

    def name() -> str:
        project = Path(flow_run.parameters["project"]).name
        if flow_run.parent_flow_run_id:
            return f"{verb} {project}".strip()
        return f"{verb} {project} {flow_run.scheduled_start_time.astimezone():%Y-%m-%d %H:%M}".strip()

    return name


def introduce(run: Session) -> list[str]:
    """Tag the present flow run, say whose it is, and mark as crashed what is left of dead runs of the project.

    The names of those that were marked. To be called while the session is open: no other run is at work then.
    """
    own = UUID(flow_run.id)
    project = project_tag(run.project.settings.name)
    with get_client(sync_client=True) as client:
        me = client.read_flow_run(own)
        client.update_flow_run(own, tags={*me.tags, project, node_tag(run.project.pacs.name)})
        client.update_flow_run_labels(own, {OWNER: run.owner})
        return [name for dead in _dead(client, run.ledger, project, own) for name in _bury(client, dead)]


def _dead(client: SyncPrefectClient, ledger: Ledger, project: str, own: UUID) -> list[FlowRun]:
    """Flow runs of the project that have not ended, though the process at work in them is gone."""
    wanted = FlowRunFilter(
        tags=FlowRunFilterTags(all_=[project]), state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNENDED))
    )
    others = [one for one in client.read_flow_runs(flow_run_filter=wanted) if one.id != own]
    return [one for one in others if (owner := one.labels.get(OWNER)) and not may_live(ledger, str(owner))]


def _bury(client: SyncPrefectClient, dead: FlowRun) -> list[str]:
    below = FlowRunFilter(
        parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[dead.id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNENDED)),
    )
    for one in [*client.read_flow_runs(flow_run_filter=below), dead]:
        client.set_flow_run_state(one.id, Crashed(message="the process at work in it is gone"), force=True)
    return [dead.name]
