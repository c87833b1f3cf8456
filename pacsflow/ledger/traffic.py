"""What was asked of the nodes, by the hour, and when we went slower by ourselves."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from pacsflow.ledger import tables as t
from pacsflow.ledger.book import Ledger

_HOUR = 3600


@dataclass(frozen=True)
class HourOfTraffic:
    """What a node was asked within the hour that begins at `begin` (UTC).

    `counts`: echo, find, retrievals, images, bytes. `node` is empty in ledgers that counted all nodes together.
    """

    begin: datetime
    node: str
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def queries(self) -> int:
        """Queries and echoes."""
        return self.counts["find"] + self.counts["echo"]

    @property
    def retrievals(self) -> int:
        """Requests that images be sent."""
        return self.counts["retrievals"]

    @property
    def images(self) -> int:
        """Images that came."""
        return self.counts["images"]

    @property
    def size(self) -> int:
        """Bytes that came."""
        return self.counts["bytes"]


@dataclass(frozen=True)
class Slowed:
    """We went slower by ourselves: from then on so many lanes at most, and a gap before each request in seconds."""

    at: datetime
    node: str
    why: str
    lanes: int
    gap: float


def count(ledger: Ledger, node: str, numbers: Mapping[str, int]) -> None:
    """Add to what `node` was asked in this hour: operation -> number. It is written with the next transaction."""
    hour = int(time.time() // _HOUR)
    ledger.add_later({(hour, node, what): number for what, number in numbers.items()})


def by_hour(ledger: Ledger) -> list[HourOfTraffic]:
    """All that was asked, by hour and node, in the order of time; hours in which nothing was asked are left out."""
    ledger.settle_up()
    new, old = t.requests.c, t.traffic.c
    both = sa.union_all(
        sa.select(new.hour, new.node, new.operation, new.number),
        sa.select(old.hour, sa.literal("").label("node"), old.operation, old.number),
    )
    hours: dict[tuple[int, str], Counter[str]] = {}
    for row in ledger.all(both):
        hours.setdefault((row.hour, row.node), Counter())[row.operation] += row.number
    return [
        HourOfTraffic(datetime.fromtimestamp(hour * _HOUR, UTC), node, counts)
        for (hour, node), counts in sorted(hours.items(), key=lambda item: item[0])
    ]


def total(ledger: Ledger) -> Counter[str]:
    """What was asked of all nodes in all: operation -> number."""
    counts: Counter[str] = Counter()
    for hour in by_hour(ledger):
        counts.update(hour.counts)
    return counts


def note_slowing(ledger: Ledger, slowed: Slowed) -> None:
    """Write that we went slower."""
    values = {"slowed_at": slowed.at.timestamp(), "node": slowed.node, "why": slowed.why}
    with ledger.write() as connection:
        connection.execute(sa.insert(t.slowings).values(lanes=slowed.lanes, gap=slowed.gap, **values))


def slowings(ledger: Ledger, since: datetime | None = None) -> list[Slowed]:
    """When we went slower, in the order of time; all of it, or what came `since`."""
    query = sa.select(t.slowings).where(t.slowings.c.slowed_at >= (since.timestamp() if since else 0.0))
    rows = ledger.all(query.order_by(t.slowings.c.id))
    return [Slowed(datetime.fromtimestamp(r.slowed_at, UTC), r.node, r.why, r.lanes, r.gap) for r in rows]
