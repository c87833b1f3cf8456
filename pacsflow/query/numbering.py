"""Whether a list of series was cut, judged by their numbers: those that should come next are asked for."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom import Dataset


_GAPS = 4
"""Gaps between the numbers that are looked into."""


def next_numbers(series: Sequence[Dataset]) -> list[int]:
    """Series numbers that a cut list would lack: gaps, and what follows; none where numbers show nothing.

    They show something where each series has one of its own (0020,0011), as a device gives them.
    """
    try:
        known = sorted({int(str(one.get("SeriesNumber"))) for one in series})
    except ValueError:  # a series without a number
        return []
    if len(known) < max(2, len(series)):
        return []
    step = min(after - before for before, after in pairwise(known))
    gaps = [before + step for before, after in pairwise(known) if after - before > step]
    around = [known[-1] + step, known[-1] + 1, known[0] - step]
    return [number for number in dict.fromkeys([*around, *gaps[:_GAPS]]) if number >= 0 and number not in known]
