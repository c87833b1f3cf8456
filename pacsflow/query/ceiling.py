"""The number of answers at which a node cuts: what pacs.yaml says, or what its answers tell."""

import threading
from typing import Literal

ROUND = frozenset({100, 200, 250, 300, 500, 1000, 2000, 2500, 5000, 10_000, 20_000, 50_000, 100_000})
"""Limits that nodes are set up with."""
FEW = 10
"""Below so many answers, the same number twice tells nothing."""


class Ceiling:
    """Where one node may have cut its answers; shared by all that ask it."""

    def __init__(self, said: int | Literal["auto"]) -> None:
        self._said = None if said == "auto" else said
        self._learnt: int | None = None
        self._most = {"STUDY": (0, 0), "SERIES": (0, 0), "IMAGE": (0, 0)}
        self._lock = threading.Lock()

    def reached(self, level: str, number: int) -> bool:
        """Whether so many answers may be a part only: as many as the node gives, and never gave more.

        Where nobody said or learnt how many it gives, that is a round number; at STUDY level also the largest
        so far, met again (series and images are the same number by the protocol they were made by).
        """
        if self._said:
            return number == self._said
        with self._lock:
            most, times = self._most[level]
            most, times = (number, 1) if number > most else (most, times + (number == most))
            self._most[level] = most, times
            if self._learnt and level != "IMAGE" and number > self._learnt:
                self._learnt = None
        if number < most:
            return False
        again = level == "STUDY" and number >= FEW and times > 1
        return number in ROUND or number == self._learnt or again

    def learn(self, number: int) -> None:
        """The node was seen to give so many answers and no more."""
        self._learnt = number
