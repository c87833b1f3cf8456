"""Deployments of projects, made from their project.yaml: what `prefect deploy` would make of a file for each."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from httpx import HTTPError
from prefect import serve
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron, Interval, Schedule
from prefect.types.entrypoint import EntrypointType
from pydantic import ValidationError

from flows.run_project import run_project
from pacsflow.errors import ProjectError
from pacsflow.projects import Project, read_project
from schemas.project import Schedule as Wished
from tasks.identity import node_tag, project_tag
from tasks.patience import PATIENCE, gave_up

POOL = "pacsflow"
ENVIRONMENT = {**PATIENCE, "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}
"""Of the processes of runs: they wait for a server that is away, and say twice a minute that they live."""


def projects_in(folder: Path) -> list[Path]:
    """The project folders directly below a folder."""
    return sorted(file.parent for file in folder.glob("*/project.yaml"))


def read_all(folders: Sequence[Path]) -> list[Project]:
    """The projects, each checked as a whole. Raises ProjectError where two go by one name."""
    projects = [read_project(folder) for folder in folders]
    known: dict[str, Project] = {}
    for project in projects:
        other = known.setdefault(project.settings.name, project)
        if other is not project:
            told = f"is the name of another project too, in {other.folder.name}"
            raise ProjectError.at(
                f"{project.folder.name}/project.yaml", told, "give it a name of its own", field="name"
            )
    return projects


def deployment_of(project: Project, *, pool: str | None = POOL) -> RunnerDeployment:
    """The deployment of a project: schedules, tags, description, how many runs at a time. Nothing is sent yet."""
    settings = project.settings
    made: RunnerDeployment = run_project.to_deployment(  # type: ignore[assignment] # not in an event loop
        name=settings.name,
        description=settings.title or f"The project {settings.name}",
        tags=[project_tag(settings.name), node_tag(project.pacs.name)],
        parameters={"project": str(project.folder)},
        schedules=[*_schedules(project)],
        concurrency_limit=_together(settings.workers),
        work_pool_name=pool,
        job_variables={"env": ENVIRONMENT} if pool else None,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return made


def _together(workers: int) -> ConcurrencyLimitConfig:
    """A run that goes on is not joined by the next, where the project does not say that several share it."""
    return ConcurrencyLimitConfig(limit=workers, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)


def _schedules(project: Project) -> Iterator[Schedule]:
    for number, wished in enumerate(project.settings.schedule):
        try:
            yield _schedule(wished)
        except (ValidationError, ValueError):
            line = project.line_of("project.yaml", "schedule", number, "cron")
            fix = "write minute, hour, day, month and day of the week, such as 0 20 * * mon-fri"
            raise ProjectError.at(
                "project.yaml", "is not a cron expression", fix, line=line, field=f"schedule[{number}].cron"
            ) from None


def _schedule(wished: Wished) -> Schedule:
    if wished.cron:
        CronSchedule(cron=wished.cron, timezone=wished.timezone)
        return Cron(wished.cron, timezone=wished.timezone, active=wished.active)
    gap = timedelta(minutes=wished.every_minutes or 0)
    IntervalSchedule(interval=gap, timezone=wished.timezone)
    return Interval(gap, timezone=wished.timezone, active=wished.active)


def deploy(projects: Sequence[Project], *, pool: str = POOL) -> list[str]:
    """Bring the deployments of projects, and the work pool, to Prefect's server; their names. Raises ServerError."""
    made = [deployment_of(project, pool=pool) for project in projects]
    try:
        with get_client(sync_client=True) as client:
            make_pool(client, pool)
        for one in made:
            one.apply()
    except HTTPError as error:
        raise gave_up(error) from None
    return [f"{one.flow_name}/{one.name}" for one in made]


def make_pool(client: SyncPrefectClient, pool: str) -> None:
    """Make a work pool of processes where there is none of that name."""
    try:
        client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    except ObjectAlreadyExists:
        return


def serve_all(projects: Sequence[Project]) -> None:
    """Run projects in processes of this one's, as their schedules and Prefect's UI say, until told to end."""
    serve(*(deployment_of(project, pool=None) for project in projects))
