"""Time as a run sees it: the machine's, or a test's."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The moment, aware of its zone."""

    def monotonic(self) -> float:
        """Seconds from some beginning, never set back."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class _System:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


SYSTEM: Clock = _System()
"""The machine's own time."""
