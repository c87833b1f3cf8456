"""A pause of a project, by a person: until it ends no run asks a node for anything new, whoever begins it."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from pacsflow.ledger.acts import Act, deciding
from pacsflow.ledger.book import Ledger, remember, setting

_NAME = "paused"
FRESH = 1.0
"""Seconds for which a run goes by its last look: a pause holds that soon."""


@dataclass(frozen=True)
class ProjectPause:
    """Who paused it, and when (seconds since 1970). `at_work`: a run was at work then."""

    by: str
    at: float
    at_work: bool = False


def paused(ledger: Ledger) -> ProjectPause | None:
    """The pause that holds; None where none does."""
    found = json.loads(setting(ledger, _NAME) or "null")
    return ProjectPause(**found) if found else None


def pause(ledger: Ledger, *, by: str, at_work: bool = False) -> ProjectPause:
    """Begin a pause; one that holds stays as it is."""
    if found := paused(ledger):
        return found
    begun = ProjectPause(by, time.time(), at_work)
    with deciding(ledger, Act("pause", by)) as connection:
        remember(ledger, connection, _NAME, json.dumps(asdict(begun)))
    return begun


def resume(ledger: Ledger, *, by: str) -> ProjectPause | None:
    """End the pause; the one that held, None where none did."""
    if (found := paused(ledger)) is not None:
        with deciding(ledger, Act("resume", by)) as connection:
            remember(ledger, connection, _NAME, "null")
    return found


class PauseLook:
    """Who paused a project, as of a moment ago: '' for nobody. Called by each lane before it begins anything."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger, self._clock = ledger, clock
        self._by, self._until = "", float("-inf")

    def __call__(self) -> str:
        """The name of the person; see the class."""
        if (now := self._clock()) >= self._until:
            found = paused(self._ledger)
            self._by, self._until = found.by if found else "", now + FRESH
        return self._by
