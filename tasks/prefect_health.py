"""What an installation of Prefect gets wrong for pacsflow: each fault with its fix."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import prefect
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from pacsflow.errors import PacsflowError
from pacsflow.run.health import HealthError, HealthFinding, looked_at
from pacsflow.wording import counted
from tasks.patience import at_once
from tasks.server_facts import FILE_LEASES, LOOPBACKS, leases_in_memory, named_server, open_to_all, settings_of_server

OFF = timedelta(seconds=30)
"""A clock that is further off than this makes schedules and leases wrong."""
LATE = timedelta(minutes=5)
_ONLINE = "ONLINE"


def health_of_prefect(pool: str) -> Iterator[HealthFinding]:
    """Server, version, clock, leases, schedules, work pool; only the first where nobody answers."""
    try:
        url = named_server()
    except PacsflowError as error:
        yield HealthFinding("Prefect", fine=False, said=str(error), fix=error.fix)
        return
    with get_client(sync_client=True) as client, at_once():
        if fault := client.api_healthcheck():
            said = f"no answer at {url} ({type(fault).__name__})"
            yield HealthFinding(
                "Prefect", fine=False, said=said, fix="pacsflow up, or prefect server start; then look again"
            )
            return
        yield looked_at("Prefect", lambda: _version(client, url))
        yield looked_at("log-in", lambda: _log_in(url))
        yield looked_at("clock", lambda: _clock(client))
        settings = settings_of_server(client)
        yield looked_at("leases on associations", lambda: _leases(settings))
        yield looked_at("schedules", lambda: _schedules(client, settings))
        yield looked_at(f"work pool {pool}", lambda: _pool(client, pool))


def _version(client: SyncPrefectClient, url: str) -> str:
    there, here = client.api_version(), prefect.__version__
    if there.split(".")[:2] != here.split(".")[:2]:
        raise HealthError(
            f"the server is Prefect {there}, here is {here}",
            fix=f"pip install prefect=={there} on one of both sides",
        )
    return f"{url} answers, Prefect {there}"


def _log_in(url: str) -> str:
    """Whether the API wants a log-in, or is this machine's own: who reaches it reads secrets and starts runs."""
    if open_to_all(url):
        if urlsplit(url).hostname in LOOPBACKS:
            return "none; the API is this machine's own, and all its users read the secrets in it"
        raise HealthError(
            "none: whoever reaches the API reads its secrets and starts runs on the workers",
            fix="start it with PREFECT_SERVER_API_AUTH_STRING=USER:PASSWORD and give clients PREFECT_API_AUTH_STRING; "
            "or let it listen on 127.0.0.1 behind a proxy with a log-in",
        )
    return "is asked for"


def _clock(client: SyncPrefectClient) -> str:
    told = client.request("GET", "/health").headers.get("date")
    if not told:
        return "the server does not tell its time"
    gap = abs(datetime.now(UTC) - parsedate_to_datetime(told))
    if gap > OFF:
        raise HealthError(
            f"this machine and Prefect's differ by {gap.seconds} s", fix="switch on NTP: timedatectl set-ntp true"
        )
    return "agrees with Prefect's server"


def _leases(settings: dict[str, Any]) -> str:
    if leases_in_memory(settings):
        raise HealthError(
            "the server keeps them in memory: its restart leaves associations taken",
            fix=f"start it with PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE={FILE_LEASES}, or by pacsflow up",
        )
    return "outlast a restart of the server" if settings else "the server does not tell its settings"


def _schedules(client: SyncPrefectClient, settings: dict[str, Any]) -> str:
    """Whether the scheduler is on and does its work: each active schedule has runs to come, none of which is late."""
    services = settings.get("server", {}).get("services", {})
    if services.get("scheduler", {}).get("enabled") is False:
        fix = "start the server without --no-services, or prefect server services start"
        raise HealthError("the server's scheduler is switched off", fix=fix)
    active = [one for one in client.read_deployments() if not one.paused and any(s.active for s in one.schedules)]
    if not active:
        return "no deployment has an active schedule"
    coming = client.get_scheduled_flow_runs_for_deployments([one.id for one in active])
    served = {run.deployment_id for run in coming}
    old = {one for one in active if one.updated and datetime.now(UTC) - one.updated > LATE}
    if lacking := sorted(one.name for one in old if one.id not in served):
        raise HealthError(
            f"no run is planned for {', '.join(lacking)}: the scheduler does not work",
            fix="look into the server's log for `schedule_deployments`, and restart the server",
        )
    return f"{counted(len(active), 'deployment')} with active schedules, {len(served)} with runs to come"


def _pool(client: SyncPrefectClient, pool: str) -> str:
    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        raise HealthError("there is none of that name", fix="pacsflow deploy PROJECT makes it") from None
    workers = client.read_workers_for_work_pool(pool)
    online = [one for one in workers if str(getattr(one.status, "value", one.status)) == _ONLINE]
    if not online:
        raise HealthError("no worker is online", fix=f"prefect worker start --pool {pool}, or pacsflow up")
    return f"{len(online)} worker{'s' * (len(online) != 1)} online"
