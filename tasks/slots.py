"""How many lanes this run may open: slots of a Prefect global concurrency limit, shared by all runs on a node.

Slots are held under leases that are renewed while the run lives. A run that was killed leaves a lease file
whose lock is free; the next run on the same machine gives such a lease back at once, others wait for it to
run out.

A run that would like more slots than it holds stands in the queue of its priority: a slot of a second limit,
held in the same way. A run that sees somebody stand in the queue of a higher priority begins nothing new, and gives
its slots back as its lanes come back, one study each.
"""

import fcntl
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, get_args
from uuid import UUID

from httpx import HTTPError, HTTPStatusError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_HOME

from schemas.pacs import PacsNode
from schemas.project import Priority
from tasks.lanes import LanePool

LEASE_SECONDS = 120.0
SECONDS_BETWEEN_LOOKS = 3.0
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""From the lowest to the highest."""
_LOCKED = 423
_QUEUE = 1000
Lease = tuple[UUID, IO[str]]
"""A lease on a slot, and its file, locked as long as we live."""


def limit_name(node: PacsNode) -> str:
    """Name of the node's concurrency limit in Prefect."""
    return re.sub("[/%&<>]", "_", f"pacsflow {node.place}")


@contextmanager
def slots(pool: LanePool, *, priority: Priority = "normal") -> Iterator[int]:
    """Have the pool lend lanes: waits for one slot, takes what is free, goes on to take and to give way.

    Gives the number of lanes at the beginning.
    """
    with get_client(sync_client=True) as client:
        share = Share(client, pool, priority)
        done = threading.Event()
        keeping = threading.Thread(target=_keep, args=(share, done), daemon=True, name="lane leases")
        try:
            share.begin(done)
            keeping.start()
            yield len(share.held)
        finally:
            done.set()
            if keeping.ident:
                keeping.join()
            share.client = client
            share.end()


def _keep(share: "Share", done: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        share.client = client
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            with suppress(HTTPError):  # a server that is restarted is there again at the next look
                share.look()


class Share:
    """What a run has of a node's slots. Used by one thread at a time."""

    def __init__(self, client: SyncPrefectClient, pool: LanePool, priority: Priority) -> None:
        self.client = client
        self.held: list[Lease] = []
        self._pool, self._name = pool, limit_name(pool.node)
        self._leases = _Leases()
        self._rank = PRIORITIES.index(priority)
        self._queued: Lease | None = None
        for name in (self._queue(rank) for rank in range(1, len(PRIORITIES))):
            client.upsert_global_concurrency_limit_by_name(name, _QUEUE)
        client.upsert_global_concurrency_limit_by_name(self._name, pool.most)

    def begin(self, done: threading.Event) -> None:
        """Wait for the first slot."""
        self.look()
        while not self.held:
            done.wait(SECONDS_BETWEEN_LOOKS)
            self.look()

    def look(self) -> None:
        """Renew, give way or take, and say in the queue whether more is wanted."""
        self._leases.renew(self.client, [*self.held, *([self._queued] if self._queued else [])])
        if self._wanting:
            self._leases.reclaim(self.client)
        if any(self._taken(self._queue(rank)) for rank in range(self._rank + 1, len(PRIORITIES))):
            self._pool.allow(-self._pool.allowed)
            self._give_back(self._pool.busy)
        else:
            while self._may_take() and (lease := self._leases.take(self.client, self._name)):
                self.held.append(lease)
            self._pool.allow(len(self.held) - self._pool.allowed)
            self._share_pace()
        self._stand_in_queue(wanting=self._wanting)

    def _share_pace(self) -> None:
        """The part of the node's pace that is ours is that of the lanes which are."""
        if self._pool.paced and self.held:
            self._pool.share(len(self.held) / max(len(self.held), self._taken(self._name)))

    @property
    def _wanting(self) -> bool:
        return len(self.held) < self._pool.most

    def _may_take(self) -> bool:
        """A run of low priority leaves one slot free for others, where it holds one already."""
        free = self._rank > 0 or not self.held or self._taken(self._name) + 1 < self._pool.most
        return self._wanting and free

    def _stand_in_queue(self, *, wanting: bool) -> None:
        if wanting and self._rank and not self._queued:
            self._queued = self._leases.take(self.client, self._queue(self._rank))
        elif not wanting and self._queued:
            self._leases.give_back(self.client, self._queued)
            self._queued = None

    def _give_back(self, keep: int) -> None:
        while len(self.held) > keep:
            self._leases.give_back(self.client, self.held.pop())

    def end(self) -> None:
        """Give everything back."""
        self._pool.allow(-self._pool.allowed)
        self._give_back(0)
        self._stand_in_queue(wanting=False)

    def _queue(self, rank: int) -> str:
        return f"{self._name}, waiting: {PRIORITIES[rank]}"

    def _taken(self, name: str) -> int:
        try:
            return self.client.read_global_concurrency_limit_by_name(name).active_slots
        except ObjectNotFound:
            return 0


class _Leases:
    """Leases on slots, and the files that tell whether their holder lives."""

    def __init__(self) -> None:
        self._folder = Path(PREFECT_HOME.value()) / "pacsflow-lanes"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._looks = 0

    def take(self, client: SyncPrefectClient, name: str) -> Lease | None:
        """A lease on one slot; None when all are taken."""
        try:
            answer = client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE_SECONDS)
        except HTTPStatusError as error:
            if error.response.status_code == _LOCKED:
                return None
            raise
        lease = UUID(answer.json()["lease_id"])
        unlocked = self._folder / f".{lease}"
        file = unlocked.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(self._folder / str(lease))
        return lease, file

    def renew(self, client: SyncPrefectClient, leases: list[Lease]) -> None:
        """Renew, a few times within the time of a lease."""
        self._looks += 1
        if self._looks % int(LEASE_SECONDS / 4 / SECONDS_BETWEEN_LOOKS) == 0:
            for lease, _ in leases:
                with suppress(HTTPStatusError):
                    client.renew_concurrency_lease(lease, LEASE_SECONDS)

    def give_back(self, client: SyncPrefectClient, held: Lease) -> None:
        """Give a slot back; one whose lease has run out is back already."""
        lease, file = held
        with suppress(HTTPStatusError):
            client.release_concurrency_slots_with_lease(lease)
        (self._folder / str(lease)).unlink(missing_ok=True)
        file.close()

    def reclaim(self, client: SyncPrefectClient) -> None:
        """Give back the leases of processes of this machine that are gone: nobody holds the lock of their file."""
        for path in self._folder.glob("[!.]*"):
            with suppress(FileNotFoundError), path.open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                self.give_back(client, (UUID(path.name), file))
