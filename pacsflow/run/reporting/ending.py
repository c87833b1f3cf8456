"""How a run ended, in numbers: whether a person is needed, by the project's own policy, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.project import Alert

DIGITS = 12
"""Of a plan's digest, by which a person approves this very plan."""
Kind = Literal["done", "left", "held", "failed"]
_NAMES = {
    "failed": "Failed rows",
    "incomplete": "Incomplete rows",
    "undelivered": "Undelivered rows",
    "partial": "Partial rows",
    "offline": "Offline rows",
    "unmatched": "Unmatched rows",
    "held": "Held rows",
    "unsigned": "WaitingForSignOff",
}
"""The worst first: the first that is among them names the end."""


@dataclass(frozen=True)
class Ending:
    """How a run ended. `red`: a person is needed; `name` says why. Numbers and reasons only, nothing identifying.

    `rows`: status -> number. `kinds`: what of it `notify` asks about.
    """

    name: str
    message: str
    red: bool = False
    rows: Mapping[str, int] = field(default_factory=dict)
    kinds: frozenset[Kind] = frozenset()


def needs_a_person(rows: Mapping[str, int], policy: Alert) -> bool:
    """Whether more rows are in trouble than the project bears."""
    troubled = sum(rows.get(status, 0) for status in set(policy.on))
    bounds: list[float] = [] if policy.above.rows is None else [policy.above.rows]
    if policy.above.percent is not None:
        bounds.append(sum(rows.values()) * policy.above.percent / 100)
    return any(troubled > bound for bound in bounds or [0])


def ending_of(rows: Mapping[str, int], policy: Alert, *, finished: bool, message: str) -> Ending:
    """The ending of a run that went to its end."""
    if finished:
        return Ending("Done", message, rows=rows, kinds=frozenset({"done"}))
    red = needs_a_person(rows, policy)
    troubled = [name for status, name in _NAMES.items() if rows.get(status) and (not red or status in policy.on)]
    kinds: set[Kind] = {"left"}
    if rows.get("held") or rows.get("unsigned"):
        kinds.add("held")
    if red:
        kinds.add("failed")
    return Ending(troubled[0] if troubled else "Rows left", message, red=red, rows=rows, kinds=frozenset(kinds))


def paused(message: str, rows: Mapping[str, int]) -> Ending:
    """The ending of a run outside a node's hours."""
    return Ending("Paused", message, rows=rows, kinds=frozenset({"left"}))


def waiting_for_approval(digest: str, sentence: str, project: str) -> Ending:
    """The ending of a run whose plan a person must approve."""
    ways = f"pacsflow approve {project} lets it go on, or a run with `approve` = {digest[:DIGITS]}"
    return Ending("WaitingForApproval", f"{sentence}; {ways}", kinds=frozenset({"held"}))


def refused(by: str, sentence: str, project: str) -> Ending:
    """The ending of a run whose plan a person refused."""
    return Ending("Refused", f"{by} refused the plan; `pacsflow approve {project}` lets it go on: {sentence}")


def stopped_by(fault: str) -> Ending:
    """The ending of a run that could not go on; `fault` is the name of the error's class and nothing else."""
    return Ending(
        "Failed",
        f"the run could not go on ({fault}); its page in Prefect says why",
        red=True,
        kinds=frozenset({"failed"}),
    )
