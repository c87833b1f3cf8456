"""A clock that a test sets; a sleep by it returns at once, later."""

from datetime import UTC, datetime, timedelta


class TestClock:
    """As `pacsflow.run.lanes.clock.Clock`; `at` is a moment in ISO form, UTC where it says nothing else."""

    __test__ = False

    def __init__(self, at: str = "2026-11-23T12:00") -> None:
        moment = datetime.fromisoformat(at)
        self._began = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
            self.passed += seconds

    def go(self, seconds: float) -> None:
        """Time passes."""
        self.passed += seconds
