"""Which rows of a table a run is about: all, or those whose numbers a person wrote into the run's form."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pacsflow.errors import ProjectError
from pacsflow.ledger import summary
from pacsflow.ledger.studies import Planned
from pacsflow.run.session import Session

PATTERN = r"^\s*(\d+\s*(-\s*\d+)?\s*(,\s*\d+\s*(-\s*\d+)?\s*)*)?$"


@dataclass(frozen=True)
class Selection:
    """Ranges of 1-based row numbers, both ends within; none means all rows."""

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def read(cls, text: str, rows: int) -> Self:
        """From text such as `1-20, 35`. Raises ProjectError where it is not so, or names rows that there are not."""
        parts = [part.split("-") for part in text.replace(" ", "").split(",") if part]
        try:
            ranges = tuple((int(part[0]), int(part[-1])) for part in parts if len(part) in (1, 2))
        except ValueError:
            ranges = ()
        if len(ranges) < len(parts) or any(not 1 <= first <= last <= rows for first, last in ranges):
            raise ProjectError.at(
                "run", "is not a list of row numbers", f"write 1-20, 35; the last row is {rows}", field="rows"
            )
        return cls(ranges)

    def of(self, numbers: Iterable[int]) -> list[int]:
        """Those of some numbers that are selected."""
        return [one for one in numbers if not self.ranges or any(first <= one <= last for first, last in self.ranges)]

    def studies(self, run: Session, plans: list[Planned]) -> list[Planned]:
        """Those of some studies that a selected row takes."""
        if not self.ranges:
            return plans
        mine = {run.rows[number - 1].id for number in self.of(range(1, len(run.rows) + 1))}
        wanted = {key for row in summary.rows(run.ledger) if row.id in mine for key in row.hits}
        return [plan for plan in plans if plan.key in wanted]


ALL = Selection()
