"""Tables that pacsflow writes, read back."""

import csv
from pathlib import Path


def lines(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file below its headings: heading -> cell."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
