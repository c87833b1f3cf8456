"""All answers to a question, asked in pieces where the node may have cut them; what stays doubtful is said."""

from collections.abc import Callable
from typing import Protocol

from pydicom import Dataset

from pacsflow.errors import PacsError
from pacsflow.query.matching import matches
from pacsflow.query.pieces import Keys, Split

MOST_QUESTIONS = 1000
"""Questions into which one may grow."""
_WINDOWS = ("StudyDate", "StudyTime", "ModalitiesInStudy", "Modality", "SeriesTime")


class Ask(Protocol):
    """Puts a question to a node. Raises PacsError; its `answers` tells how many came before the node cut them."""

    def __call__(self, keys: Keys, /) -> list[Dataset]: ...  # noqa: D102


class Gathering:
    """One question, whatever it takes. `unique` is the keyword that tells answers apart.

    `doubts` says why answers may be missing, `blind` what could not be asked for in pieces. Neither holds a value.
    """

    def __init__(self, ask: Ask, split: Split, *, unique: str, reached: Callable[[int], bool]) -> None:
        self._ask, self._split, self._unique, self._reached = ask, split, unique, reached
        self._left = MOST_QUESTIONS
        self._deaf = False
        self.doubts: set[str] = set()
        self.blind: set[str] = set()
        self.cut_at = 0

    def everything(self, keys: Keys) -> list[Dataset]:
        """The answers, each once. Raises the node's own error where it says that it cut, and nothing smaller helps.

        `cut_at` is the number of answers at which the node was seen to cut, 0 where it was not.
        """
        self._left -= 1
        try:
            answers = self._ask(keys)
        except PacsError as error:
            if not error.answers:
                raise
            self.cut_at = error.answers
            first, error.partial = self._by_uid(error.partial), []
            found = self._in_pieces(keys, first, error)
        else:
            found = self._by_uid(answers)
            if self._reached(len(answers)):
                found = self._in_pieces(keys, found)
                self.cut_at = self.cut_at or (len(answers) if len(found) > len(answers) else 0)
        return list(found.values())

    def _by_uid(self, answers: list[Dataset]) -> dict[str, Dataset]:
        return {str(answer.get(self._unique) or ""): answer for answer in answers}

    def _in_pieces(self, keys: Keys, first: dict[str, Dataset], cut: PacsError | None = None) -> dict[str, Dataset]:
        """What the pieces of a question that was cut give, and what came `first`."""
        obstacle, parts = self._obstacle(keys, first), None
        if not obstacle and (parts := self._split(keys)) is None:
            obstacle = "there is no smaller question"
        if parts is None:
            if cut is not None:
                raise cut
            self.doubts.add(
                f"the node gave exactly {len(first)} answers, where it may have cut, and {obstacle}: narrow the row"
            )
            return first
        found: dict[str, Dataset] = {}
        for question in parts.questions:
            found |= self._by_uid(self.everything(question))
            if self._deaf:
                break
        if not self._deaf and (lost := len(first.keys() - found.keys())):
            self.doubts.add(f"the node may have cut its answers, and {lost} of them did not come when asked in pieces")
        self.blind |= {parts.blind} - {""}
        return first | found

    def _obstacle(self, keys: Keys, first: dict[str, Dataset]) -> str:
        """Why pieces would not help; empty where they may."""
        if self._left <= 0:
            return f"{MOST_QUESTIONS} smaller questions were not enough"
        windows = {keyword: keys[keyword] for keyword in _WINDOWS if keys.get(keyword)}
        compared = [matches(windows, answer) for answer in first.values()]
        ignored = {keyword for match in compared for keyword in (*match.differs, *match.unseen)}
        self._deaf |= bool(ignored)
        return f"it does not keep to {', '.join(sorted(ignored))}" if ignored else ""
