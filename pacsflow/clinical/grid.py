"""A table in memory: headings and typed values."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

Value = str | int | float | bool | dt.datetime | dt.date | dt.time | None
"""What a cell holds; None and '' are blank."""


@dataclass(frozen=True)
class Grid:
    """A table. `lines`: 1-based line of each row in its file. Its representation shows no value."""

    file: str
    headings: tuple[str, ...]
    rows: Sequence[Sequence[Value]] = field(repr=False)
    lines: Sequence[int] = field(repr=False)

    def column(self, heading: str) -> list[Value]:
        """The values below a heading."""
        place = self.headings.index(heading)
        return [row[place] for row in self.rows]


def text_of(value: Value) -> str:
    """A value as text, as a person would write it; whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
