"""How many lanes of each node there are in Prefect, and how many are taken."""

import re

from httpx import HTTPError
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL

from tasks.patience import at_once

_NODE = re.compile(r"pacsflow (.+)")
_QUEUE = ", waiting: "
_MOST = 200
Labels = tuple[tuple[str, str], ...]


def lanes_taken() -> dict[Labels, float]:
    """(node, state) -> number of lanes; none where no server is named, or it does not answer."""
    if not PREFECT_API_URL.value():
        return {}
    found: dict[Labels, float] = {}
    try:
        with get_client(sync_client=True) as client, at_once():
            for limit in client.read_global_concurrency_limits(limit=_MOST, offset=0):
                if (named := _NODE.fullmatch(limit.name)) and _QUEUE not in limit.name:
                    node = ("node", named[1])
                    found[node, ("state", "permitted")] = limit.limit
                    found[node, ("state", "taken")] = limit.active_slots
    except (HTTPError, RuntimeError):
        return {}
    return found
