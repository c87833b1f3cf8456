"""Leases on slots of Prefect's global concurrency limits, and the files that tell whether their holder lives."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import IO
from uuid import UUID

from httpx import HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_HOME

from pacsflow.system import lock, try_lock

LEASE_SECONDS = 120.0
SECONDS_BETWEEN_LOOKS = 3.0
LOOKS_PER_RENEWAL = int(LEASE_SECONDS / 4 / SECONDS_BETWEEN_LOOKS)
Lease = tuple[UUID, IO[str]]
"""A lease on a slot, and its file, locked as long as we live."""


class Leases:
    """Takes, renews and gives back; and gives back what killed processes of this machine held."""

    def __init__(self) -> None:
        self._folder = Path(PREFECT_HOME.value()) / "pacsflow-lanes"
        self._folder.mkdir(parents=True, exist_ok=True)

    def take(self, client: SyncPrefectClient, name: str) -> Lease | None:
        """A lease on one slot; None when all are taken."""
        try:
            answer = client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE_SECONDS)
        except HTTPStatusError as error:
            if error.response.status_code == HTTPStatus.LOCKED:
                return None
            raise
        lease = UUID(answer.json()["lease_id"])
        unlocked = self._folder / f".{lease}"
        file = unlocked.open("w")
        lock(file)
        unlocked.rename(self._folder / str(lease))
        return lease, file

    def renew(self, client: SyncPrefectClient, leases: Sequence[Lease]) -> list[Lease]:
        """Renew; those that the server does not know any more, as they ran out or it forgot them at a restart."""
        lost = []
        for lease in leases:
            try:
                client.renew_concurrency_lease(lease[0], LEASE_SECONDS)
            except HTTPStatusError as error:
                if error.response.status_code not in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND):
                    raise
                lost.append(lease)
        for lease in lost:
            self._forget(lease)
        return lost

    def give_back(self, client: SyncPrefectClient, held: Lease) -> None:
        """Give a slot back; one whose lease has run out is back already."""
        with suppress(HTTPStatusError):
            client.release_concurrency_slots_with_lease(held[0])
        self._forget(held)

    def leave(self, held: Lease) -> None:
        """Let go of a slot where the server cannot be told: the next run on this machine gives it back."""
        held[1].close()

    def reclaim(self, client: SyncPrefectClient) -> None:
        """Give back the leases of processes of this machine that are gone: the lock of their file is free."""
        for path in self._folder.glob("[!.]*"):
            with suppress(FileNotFoundError), path.open("r") as file:
                if try_lock(file):
                    self.give_back(client, (UUID(path.name), file))

    def _forget(self, held: Lease) -> None:
        lease, file = held
        (self._folder / str(lease)).unlink(missing_ok=True)
        file.close()
