"""The number of answers at which a node cuts: what pacs.yaml says, or what its answers show."""

import threading
from dataclasses import dataclass
from typing import Literal

ROUND = frozenset({100, 200, 250, 300, 500, 1000, 2000, 2500, 5000, 10_000, 20_000, 50_000, 100_000})
"""Limits that nodes are set up with: lists of images that long are doubted where nothing smaller can be asked."""
FEW = 10
"""From so many answers on, a number that nothing proves is a doubt; fewer are only tested."""
CLOSER = 3
"""Wide rows without an answer that are asked in parts too, at each node in each run: it may answer nothing above a
number."""
_UNFOLDED, _LOOKED = "UNFOLDED", "LOOKED"
LEVELS = ("STUDY", "SERIES", "IMAGE")


class Ceiling:
    """Where one node may have cut its answers; shared by all that ask it.

    A node that gave so many answers gives fewer without cutting them. So the largest number met so far is the one to
    doubt, at each level by itself, until pieces of the question, each with fewer answers, prove it whole. A node that
    was seen to cut is doubted from the smallest number on at which it did, also where it gave more at another time.
    A node whose pieces lacked what the whole had is not believed any more: each of its wide answers is tested.
    """

    def __init__(self, said: int | Literal["auto"]) -> None:
        self._said = None if said == "auto" else said
        self._told: int | None = None
        self._least_told = 0
        self._cut: dict[str, int] = {}
        self._whole = dict.fromkeys(LEVELS, 0)
        self._groups: dict[str, int] = {}
        self._marks: set[tuple[str, int]] = set()
        self._closer = {False: CLOSER, True: CLOSER}
        self._hides = False
        self.knows_patients = True
        """Whether the node can be asked what it counts of a patient."""
        self._proven = dict.fromkeys(LEVELS, 0)
        self._folds = False
        self._rows: dict[int, dict[str, int]] = {}
        self._distrusted: set[str] = set()
        self._again: set[int] = set()
        self._named: dict[int, tuple[object, ...]] = {}
        """Row -> what was known of the node when it was named last: it is named again only where more is known."""
        self._lock = threading.Lock()

    def reached(self, level: str, number: int, mark: int = 0) -> bool:
        """Whether so many answers may be a part only; from now on the node is known to give fewer whole.

        `mark` tells a question from others: as many answers as came whole to another may be cut at this number.
        """
        with self._lock:
            if self._told and number > self._told:
                self._told = None  # what is known is out of date: the node gives more
            if self._known(level, number):
                return True
            another = number == self._proven[level] > 1 and (level, mark) not in self._marks
            largest = number > self._whole[level] or (another and number == self._whole[level])
            self._whole[level] = max(self._whole[level], number - 1)
            return largest or (level in self._distrusted and number > 1)

    def known(self, level: str, number: int) -> bool:
        """Whether the node is known to cut at so many answers, or at fewer."""
        with self._lock:
            return self._known(level, number)

    def grave(self, level: str, number: int) -> bool:
        """Whether so many answers, where nothing proves them whole, are a doubt for a person."""
        return number >= FEW or self.known(level, number)

    def proved(self, level: str, number: int, mark: int = 0) -> None:
        """So many answers came, and were all."""
        with self._lock:
            self._marks.add((level, mark))
            self._proven[level] = max(self._proven[level], number)
            self._whole[level] = max(self._whole[level], number)

    def looks_closer(self, *, named: bool = False) -> bool:
        """Whether a question without an answer is to be asked in parts; each call uses up one of `CLOSER`.

        `named`: it names a patient; such questions are counted apart.
        """
        with self._lock:
            self._closer[named] -= 1
            return self._hides or self._closer[named] >= 0

    def hide(self) -> None:
        """The node was seen to answer nothing where there is something: no empty answer is believed any more."""
        with self._lock:
            self._hides = True

    @property
    def hides(self) -> bool:
        """Whether the node was seen to answer nothing where there is something."""
        return self._hides

    def most_of(self, level: str) -> int:
        """The largest number of answers that was whole so far."""
        with self._lock:
            return self._whole[level]

    def untested(self, group: str, number: int, mark: int = 0) -> bool:
        """Whether so many studies of one patient, year or modality may be a part; `mark` as in `reached`."""
        with self._lock:
            known = self._groups.get(group, 0)
            another = number == known >= FEW and (group, mark) not in self._marks
            return number > max(1, known) or another

    def tested(self, group: str, number: int, mark: int = 0) -> None:
        """So many studies of one patient, year or modality came, and were all."""
        with self._lock:
            self._marks.add((group, mark))
            self._groups[group] = max(number, self._groups.get(group, 0))

    def learn(self, number: int, level: str = "") -> None:
        """The node was seen to give so many answers of a level and no more; without a level: the node announced it."""
        with self._lock:
            if level:
                self._cut[level] = min(number, self._cut.get(level, number))
            else:
                self._told = number
                self._least_told = min(number, self._least_told or number)

    def distrust(self, level: str) -> None:
        """A piece of a question lacked an answer that the question had: numbers prove nothing at this level."""
        with self._lock:
            if level not in self._distrusted:
                self._distrusted.add(level)
                self._again |= {row for row, most in self._rows.items() if most.get(level, 0) > 1}

    def answered(self, row: int, most: dict[str, int]) -> None:
        """A row was answered: level -> the largest number of answers that was taken for whole."""
        with self._lock:
            self._rows[row] = {**most, _LOOKED: int(self._hides)}

    def unfolded(self, most: dict[str, int]) -> None:
        """Note in a row's numbers that it was not asked for counts."""
        most[_UNFOLDED] = 1

    def fold(self) -> None:
        """The node was seen to answer with one where there are several, as it was asked to count what is in each."""
        with self._lock:
            self._folds = True

    @property
    def folds(self) -> bool:
        """Whether the node gives a single answer as soon as it is asked to count."""
        return self._folds

    def suspects(self) -> list[int]:
        """Rows answered before it was known that the node cuts at so few, folds, or loses.

        A row that was asked again knowing this is not named: as many answers as the node gives may be all there are.
        """
        with self._lock:
            known = (*sorted(self._cut.items()), self._least_told, self._folds, self._hides)
            found = [
                row
                for row, most in self._rows.items()
                if row in self._again or (self._suspect(most) and self._named.get(row) != known)
            ]
            self._again.clear()
            for row in found:
                del self._rows[row]
                self._named[row] = known
            return sorted(found)

    def _suspect(self, most: dict[str, int]) -> bool:
        return (
            any(self._known(*one) for one in most.items() if one[0] in LEVELS)
            or (self._folds and not most.get(_UNFOLDED))
            or (self._hides and not most.get("STUDY", 1) and not most[_LOOKED])
        )

    @property
    def cuts(self) -> bool:
        """Whether the node is known to cut at all."""
        return bool(self._said or self._told or self._cut)

    def at(self, level: str, *, enough: int = 0, narrow: int = 0) -> "Level":
        """What one question of a level is judged by."""
        return Level(self, level, enough, narrow)

    def _known(self, level: str, number: int) -> bool:
        """A limit that was seen holds for its level; an announced one, or one of another level, where it is met."""
        own = self._cut.get(level)
        if own is not None and number >= own:
            return True
        told = {self._said, self._told, self._cut.get("STUDY"), self._cut.get("SERIES")}  # images may have come since
        return number in told


@dataclass(frozen=True)
class Level:
    """The ceiling for one question: `enough` answers are all there are (0: not known).

    `narrow`: so many answers are not tested unless the node is known to cut, as it was asked for one thing.
    """

    ceiling: Ceiling
    level: str
    enough: int = 0
    narrow: int = 0

    @property
    def cuts(self) -> bool:
        """Whether the node is known to cut at all."""
        return self.ceiling.cuts

    @property
    def hides(self) -> bool:
        """Whether the node was seen to answer nothing where there is something."""
        return self.ceiling.hides

    def reached(self, number: int, mark: int = 0) -> bool:
        """Whether so many answers may be a part only."""
        if 0 < self.enough <= number:
            return False
        reached = self.ceiling.reached(self.level, number, mark)
        return reached and (number > self.narrow or self.known(number))

    def known(self, number: int) -> bool:
        """Whether the node is known to cut at so many answers, or at fewer."""
        return number > 0 and self.ceiling.known(self.level, number)

    def grave(self, number: int) -> bool:
        """Whether so many answers, where nothing proves them whole, are a doubt for a person."""
        return self.ceiling.grave(self.level, number)

    def proved(self, number: int, mark: int = 0) -> None:
        """So many answers came, and were all."""
        self.ceiling.proved(self.level, number, mark)

    def learn(self, number: int) -> None:
        """The node was seen to give so many answers and no more."""
        self.ceiling.learn(number, self.level)

    def distrust(self) -> None:
        """A piece of a question lacked an answer that the question had."""
        self.ceiling.distrust(self.level)

    def untested(self, group: str, number: int, mark: int = 0) -> bool:
        """Whether so many answers of one group (patient, year, modality) are to be tested by themselves."""
        return self.ceiling.untested(group, number, mark)

    def tested(self, group: str, number: int, mark: int = 0) -> None:
        """So many answers of one group came, and were all."""
        self.ceiling.tested(group, number, mark)

    def looks_closer(self, *, named: bool = False) -> bool:
        """Whether a question without an answer is to be asked in parts; `named`: it names a patient."""
        return self.ceiling.looks_closer(named=named)

    def hide(self) -> None:
        """The node was seen to answer nothing where there is something."""
        self.ceiling.hide()
