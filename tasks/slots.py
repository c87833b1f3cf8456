"""How many lanes this run may open: slots of a Prefect global concurrency limit, shared by all runs on a node.

Slots are held under leases that are renewed while the run lives. A run that was killed leaves a lease file
whose lock is free; the next run on the same machine gives such a lease back at once, others wait for it to
run out.

Each run says in Prefect which slots it holds (`holders`): so another can tell what it waits for, and slots without a
holder, as a server forgets its leases where they are in memory, are freed.

A run that wants more slots than it holds takes a slot of a second limit, the queue of its priority, in the same way.
A run that sees a slot taken in the queue of a higher priority begins nothing new, and gives its slots back as its
lanes come back, after one study each. Leases last `LEASE_SECONDS`; every `SECONDS_BETWEEN_LOOKS` each run looks.

Invariant: a run opens no more lanes than it holds slots, and holds one at least while it works.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import get_args

from httpx import HTTPError
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from pacsflow.errors import ServerError
from pacsflow.run.lanes.pool import LanePool
from pacsflow.wording import counted
from schemas.pacs import PacsNode
from schemas.project import Priority
from tasks.holders import Holder, Holders
from tasks.leases import LOOKS_PER_RENEWAL, SECONDS_BETWEEN_LOOKS, Lease, Leases
from tasks.patience import ServerPatience, at_once
from tasks.saying import speaker
from tasks.temporary_server import is_temporary

PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""From the lowest to the highest."""
_QUEUE = 1000
SECONDS_TO_END = 5.0
"""So long the last look may take when all is given back; a server that is away is not waited for."""


def limit_name(node: PacsNode) -> str:
    """Name of the node's concurrency limit in Prefect."""
    return re.sub("[/%&<>]", "_", f"pacsflow {node.place}")


@contextmanager
def slots(pool: LanePool, *, priority: Priority = "normal", who: str = "a run", group: str = "") -> Iterator[int]:
    """Have the pool lend lanes: waits for one slot, takes what is free, then takes more and gives way in a thread.

    Yields the number of lanes at the beginning. Says what is waited for, and who holds it. All slots are given back at
    the end, whatever happens within. Of runs of one `group` each takes an equal part. Under a temporary server, which
    no other run knows, all are ours at once. Raises ServerError where the server stays away at the beginning.
    """
    if is_temporary():
        pool.allow(pool.most - pool.allowed)
        try:
            yield pool.most
        finally:
            pool.allow(-pool.allowed)
        return
    share = Share(pool, priority, who, group=group)
    done = threading.Event()
    keeping = threading.Thread(target=_keep, args=(share, done), daemon=True, name="lane leases")
    try:
        with get_client(sync_client=True) as client:
            share.begin(client, done)
        keeping.start()
        yield len(share.held)
    finally:
        done.set()
        if keeping.ident:
            keeping.join(SECONDS_TO_END)
        if not keeping.is_alive():
            with get_client(sync_client=True) as client:
                share.end(client)


def _keep(share: "Share", done: threading.Event) -> None:
    patience = ServerPatience(share.say)
    with get_client(sync_client=True) as client, at_once():
        while not done.wait(SECONDS_BETWEEN_LOOKS):
            try:
                share.look(client)
                patience.answered()
            except HTTPError as error:  # a server that is restarted is there again at a later look
                with suppress(ServerError):  # raised by what needs the server: the next state of a flow
                    patience.unanswered(error)


def _create(client: SyncPrefectClient, name: str, limit: int) -> None:
    """Make a node's limit where there is none. One that is there stays: an operator or another project has set it."""
    try:
        client.read_global_concurrency_limit_by_name(name)
    except ObjectNotFound:
        with suppress(ObjectAlreadyExists):
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=limit))


class Share:
    """What a run has of a node's slots. Used by one thread at a time."""

    def __init__(
        self,
        pool: LanePool,
        priority: Priority,
        who: str,
        *,
        say: Callable[[str], None] | None = None,
        group: str = "",
    ) -> None:
        self.held: list[Lease] = []
        self._pool, self._name = pool, limit_name(pool.node)
        self._leases, self._holders = Leases(), Holders(who, group)
        self._group, self._part, self._known = group, pool.most, False
        self._rank = PRIORITIES.index(priority)
        self._queued: Lease | None = None
        self.say = say or speaker()
        self._looks, self._said, self._waits_for = 0, {}, ""  # type: int, dict[str, int], str

    def begin(self, client: SyncPrefectClient, done: threading.Event) -> None:
        """Wait for the first slot, however long; and for the server, as long as patience says.

        A look that the server did not answer to its end is made again, though it took a slot: it may have taken more.
        """
        patience, made, whole = ServerPatience(self.say), False, False
        with at_once():
            while not (self.held and whole) and not done.is_set():
                try:
                    made = made or self._make_limits(client)
                    self.look(client)
                    patience.answered()
                    whole = True
                except HTTPError as error:
                    whole = False
                    patience.unanswered(error)
                if not (self.held and whole):
                    done.wait(SECONDS_BETWEEN_LOOKS)

    def _make_limits(self, client: SyncPrefectClient) -> bool:
        for name in (self._queue(rank) for rank in range(1, len(PRIORITIES))):
            client.upsert_global_concurrency_limit_by_name(name, _QUEUE)
        _create(client, self._name, self._pool.most)
        return True

    def look(self, client: SyncPrefectClient) -> None:
        """Renew the leases, give slots back or take more, and enter or leave the queue of our priority."""
        self._looks += 1
        self._renew(client)
        if self._wanting:
            self._leases.reclaim(client)
        above = [self._queue(rank) for rank in range(self._rank + 1, len(PRIORITIES))]
        queues = [name for name in above if self._taken(client, name)]
        if queues:
            self._pool.allow(-self._pool.allowed)
            self._give_back(client, self._pool.busy)
        else:
            self._part = self._fair_part(client)
            while self._may_take(client) and (lease := self._leases.take(client, self._name)):
                self.held.append(lease)
            self._pool.allow(min(self._part, len(self.held)) - self._pool.allowed)
            self._give_back(client, max(self._part, self._pool.busy))
            self._share_rate(client)
        self._stand_in_queue(client, wanting=self._wanting)
        self._tell(client, queues)

    def _renew(self, client: SyncPrefectClient) -> None:
        """Renew, a few times within the time of a lease. What the server forgot is taken again, where it is free."""
        if self._looks % LOOKS_PER_RENEWAL:
            return
        lost = self._leases.renew(client, [*self.held, *([self._queued] if self._queued else [])])
        self.held = [lease for lease in self.held if lease not in lost]
        self._queued = None if self._queued in lost else self._queued
        self._pool.allow(min(0, len(self.held) - self._pool.allowed))
        self._said = {}

    def _tell(self, client: SyncPrefectClient, queues: list[str]) -> None:
        """Say in Prefect what is held; where none is, what is waited for, and free what has no holder."""
        limits = {self._name: len(self.held)}
        limits |= {self._queue(self._rank): 1} if self._queued else {}
        if limits != self._said:
            self._holders.say(client, limits)
            self._said, self._known = limits, True
        if self._wanting:
            self._wait_for(client, queues)
        if self.held and self._waits_for:
            self._waits_for = ""
            self.say(f"has {len(self.held)} of the associations with {self._pool.node.place}; goes on")

    def _wait_for(self, client: SyncPrefectClient, queues: list[str]) -> None:
        living = self._holders.living(client)
        for name in (self._name, *queues):
            if freed := self._holders.heal(client, name, living):
                self.say(
                    f"freed {counted(freed, 'slot')} of `{name}` without a holder: the server had forgotten its leases"
                )
                return
        text = "" if self.held else self._reason(client, living, queues)
        if text and text != self._waits_for:
            self._waits_for = text
            self.say(text)

    def _reason(self, client: SyncPrefectClient, living: list[Holder], queues: list[str]) -> str:
        place = self._pool.node.place
        if queues:
            above = sorted({one.who for one in living for name in queues if one.limits.get(name)})
            return (
                f"waits for associations with {place}: gives way to {', '.join(above) or 'a queue without a known run'}"
            )
        limit = client.read_global_concurrency_limit_by_name(self._name)
        holders = sorted(f"{one.who} ({one.limits[self._name]})" for one in living if one.limits.get(self._name))
        by = ", ".join(holders) or "no run that is known"
        return f"waits for an association with {place}: {limit.active_slots} of {limit.limit} held by {by}"

    def _share_rate(self, client: SyncPrefectClient) -> None:
        """Of the node's rate limit this run has the share that it has of the lanes."""
        if self._pool.rate_limited and self.held:
            self._pool.share(len(self.held) / max(len(self.held), self._taken(client, self._name)))

    @property
    def _wanting(self) -> bool:
        return len(self.held) < self._part

    def _fair_part(self, client: SyncPrefectClient) -> int:
        """The most lanes this run may have: of a project that several runs share, its part of the node's limit."""
        if not self._group or not self._known:
            return 1 if self._group else self._pool.most
        limit = client.read_global_concurrency_limit_by_name(self._name).limit
        return min(self._pool.most, max(1, -(-limit // self._holders.sharing(client, self._name))))

    def _may_take(self, client: SyncPrefectClient) -> bool:
        """A run of low priority leaves one slot free for others, where it holds one already."""
        free = self._rank > 0 or not self.held or self._taken(client, self._name) + 1 < self._pool.most
        return self._wanting and free

    def _stand_in_queue(self, client: SyncPrefectClient, *, wanting: bool) -> None:
        if wanting and self._rank and not self._queued:
            self._queued = self._leases.take(client, self._queue(self._rank))
        elif not wanting and self._queued:
            self._leases.give_back(client, self._queued)
            self._queued = None

    def _give_back(self, client: SyncPrefectClient, keep: int) -> None:
        while len(self.held) > keep:
            self._leases.give_back(client, self.held.pop())

    def end(self, client: SyncPrefectClient) -> None:
        """Give everything back; where the server is away, the next run on this machine does, or the leases run out."""
        self._pool.allow(-self._pool.allowed)
        left = [*self.held, *([self._queued] if self._queued else [])]
        with at_once():
            try:
                self._give_back(client, 0)
                self._stand_in_queue(client, wanting=False)
                self._holders.leave(client)
            except (HTTPError, ObjectNotFound):
                for lease in left:
                    self._leases.leave(lease)

    def _queue(self, rank: int) -> str:
        return f"{self._name}, waiting: {PRIORITIES[rank]}"

    def _taken(self, client: SyncPrefectClient, name: str) -> int:
        try:
            return client.read_global_concurrency_limit_by_name(name).active_slots
        except ObjectNotFound:
            return 0
