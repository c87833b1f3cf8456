"""What Prefect's server says of itself."""

import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import PREFECT_API_URL

from pacsflow.errors import ServerError
from tasks.patience import at_once, gave_up
from tasks.saying import Say

SECONDS_TO_ANSWER = 45.0
FILE_LEASES = "prefect.server.concurrency.lease_storage.filesystem"


def named_server() -> str:
    """Address of the server that stays. Raises ServerError where none is named."""
    url = PREFECT_API_URL.value()
    if not url:
        raise ServerError(
            "no Prefect server is named",
            fix="pacsflow up starts one; then: export PREFECT_API_URL=http://HOST:4200/api",
        )
    return str(url)


LOOPBACKS = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 10.0


def open_to_all(url: str) -> bool:
    """Whether the API answers one who shows no log-in. Raises HTTPError where it does not answer."""
    answer = httpx.post(f"{url.rstrip('/')}/flows/count", json={}, timeout=_SECONDS)
    return answer.is_success


def told_of_secrets() -> str:
    """What those should know whose secrets Prefect keeps; empty where its API asks for a log-in."""
    url = PREFECT_API_URL.value()
    if not url:
        return ""
    try:
        if not open_to_all(str(url)):
            return ""
    except HTTPError:
        return ""
    near = urlsplit(str(url)).hostname in LOOPBACKS
    whom = "every user of this machine" if near else "whoever reaches it"
    return f"${{prefect:...}}: Prefect's API asks for no log-in, so {whom} can read these secrets; see docs/security.md"


def wait_for_server() -> None:
    """Come back when the server answers, before anything is begun. Raises ServerError."""
    end = time.monotonic() + SECONDS_TO_ANSWER
    with get_client(sync_client=True) as client, at_once():
        while (error := client.api_healthcheck()) is not None:
            if time.monotonic() > end:
                raise gave_up(error)
            time.sleep(1)


def settings_of_server(client: SyncPrefectClient) -> dict[str, Any]:
    """The server's own settings; empty where it does not tell them, as Prefect Cloud."""
    with suppress(HTTPError, ValueError), at_once():
        told: dict[str, Any] = client.request("GET", "/admin/settings").json()
        return told
    return {}


def leases_in_memory(settings: dict[str, Any]) -> bool:
    """Whether the server forgets its leases on lanes when it is restarted."""
    storage = settings.get("server", {}).get("concurrency", {}).get("lease_storage", "")
    return str(storage).endswith(".memory")


def warn_of_memory(say: Say) -> None:
    """Say so where a restart of the server would leave lanes taken that nobody holds."""
    with get_client(sync_client=True) as client:
        if leases_in_memory(settings_of_server(client)):
            say(
                "Prefect's server keeps leases on associations in memory: a restart of it stops runs for minutes; "
                f"start it with PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE={FILE_LEASES}, or by pacsflow up"
            )
