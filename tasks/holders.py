"""Who holds the slots of a node: each run keeps a Prefect variable that says so, and leaked slots are healed by it.

The server tells how many slots of a limit are taken and not by whom. Where it forgot its leases (they are in memory
unless it was told otherwise, and it was restarted), slots stay taken that nobody holds: no run gets a lane any more.
"""

import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate, VariableCreate

from tasks.leases import LEASE_SECONDS

PREFIX = "pacsflow_lanes_"
LOOKS = 20
"""So often in a row slots must be seen taken without a holder: a minute, longer than a server takes to free what ran
out and than a run takes to renew after an outage."""
_MOST = 200
_NOT_FOUND = 404


@dataclass(frozen=True)
class Holder:
    """A run that has lanes of a node, or stands in a queue for more. `limits`: name of a limit -> slots of it.

    `group`: the project that it shares with other runs; '' where it shares none.
    """

    who: str
    limits: dict[str, int]
    group: str = ""


class Holders:
    """Those who said so within the time of a lease, as the server's clock tells, and this run's own word."""

    def __init__(self, who: str, group: str = "") -> None:
        self._name, self._group = f"{PREFIX}{uuid4().hex}", group
        self._who = f"{who} on {socket.gethostname()}"
        self._seen: dict[str, tuple[int, int, int]] = {}

    def say(self, client: SyncPrefectClient, limits: dict[str, int]) -> None:
        """Say what this run holds; to be said again within the time of a lease."""
        value = {"who": self._who, "limits": limits, "group": self._group}
        try:
            client.request("PATCH", "/variables/name/{name}", path_params={"name": self._name}, json={"value": value})
        except HTTPStatusError as error:
            if error.response.status_code != _NOT_FOUND:
                raise
            client.create_variable(VariableCreate(name=self._name, value=value, tags=["pacsflow"]))

    def leave(self, client: SyncPrefectClient) -> None:
        """Say no more: nothing is held."""
        client.delete_variable_by_name(self._name)

    def living(self, client: SyncPrefectClient) -> list[Holder]:
        """All holders whose word is fresh; the words of others, which are gone, are taken away."""
        asked = {"limit": _MOST, "variables": {"name": {"like_": PREFIX}}}
        found = client.request("POST", "/variables/filter", json=asked).json()
        at = {one["name"]: datetime.fromisoformat(one["updated"]) for one in found}
        now = max(at.values(), default=None)
        fresh = []
        for one in found:
            age = now - at[one["name"]] if now else timedelta()
            if age < timedelta(seconds=LEASE_SECONDS):
                told = one["value"]
                fresh.append(Holder(told["who"], told["limits"], told.get("group", "")))
            elif age > timedelta(seconds=4 * LEASE_SECONDS):
                client.delete_variable_by_name(one["name"])
        return fresh

    def sharing(self, client: SyncPrefectClient, name: str) -> int:
        """How many runs share the project, and lanes of a limit: this one, and those that hold or want some."""
        return max(1, sum(one.group == self._group and name in one.limits for one in self.living(client)))

    def heal(self, client: SyncPrefectClient, name: str, living: list[Holder]) -> int:
        """Free the slots of a limit that nobody holds, where they were seen so `LOOKS` times in a row; their number."""
        limit = client.read_global_concurrency_limit_by_name(name)
        held = sum(one.limits.get(name, 0) for one in living)
        *before, times = self._seen.get(name, (0, 0, 0))
        now = [limit.active_slots, held]
        times = times + 1 if now == before else 1
        self._seen[name] = (limit.active_slots, held, times) if limit.active_slots > held else (0, 0, 0)
        if limit.active_slots <= held or times < LOOKS:
            return 0
        self._seen.pop(name)
        client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=held))
        return limit.active_slots - held
