"""All answers to a C-FIND (PS3.4 C.4.1) or a search, asked in pieces where the node may have cut the list.

A node with a limit of results ends in success after that many answers, or with a status that says so (A700). The
question is then divided, by date, time or modality, until each piece has fewer answers than the limit; what stays
doubtful is in `doubts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pacsflow.errors import PacsError, PacsPermanentError, UnsureError
from pacsflow.query.emptiness import windows
from pacsflow.query.groups import largest_groups, sizes
from pacsflow.query.matching import matches
from pacsflow.query.pieces import Keys, Pieces, Split
from pacsflow.wording import counted

if TYPE_CHECKING:
    from pydicom import Dataset

MOST_QUESTIONS = 1000
"""Questions into which one may grow."""
MOST_ANSWERS = 100_000
"""Answers to one question, all its pieces together, that are held."""
_FEW_PIECES = 3
_BY_GROUPS = 16
"""Questions without anything new after which a node that cuts has no limit for each patient, year or modality."""
_OFTEN = 3
"""Answers with as many as were seen to be cut: then the limit is one of each question."""
_ROUNDS = 2
_WINDOWS = ("StudyDate", "StudyTime", "ModalitiesInStudy", "Modality", "SeriesTime")


class Question(Protocol):
    """Puts a question to a node. Raises PacsError; its `answers` is the number that came before the node cut them."""

    def __call__(self, keys: Keys, /) -> list[Dataset]: ...  # noqa: D102


class Judge(Protocol):
    """What is known of where a node cuts; see `Ceiling`, of one level."""

    @property
    def cuts(self) -> bool: ...  # noqa: D102
    @property
    def hides(self) -> bool: ...  # noqa: D102
    def reached(self, number: int, mark: int = 0, /) -> bool: ...  # noqa: D102
    def known(self, number: int, /) -> bool: ...  # noqa: D102
    def grave(self, number: int, /) -> bool: ...  # noqa: D102
    def proved(self, number: int, mark: int = 0, /) -> None: ...  # noqa: D102
    def learn(self, number: int, /) -> None: ...  # noqa: D102
    def distrust(self) -> None: ...  # noqa: D102
    def looks_closer(self, *, named: bool = False) -> bool: ...  # noqa: D102
    def hide(self) -> None: ...  # noqa: D102
    def untested(self, group: str, number: int, mark: int, /) -> bool: ...  # noqa: D102
    def tested(self, group: str, number: int, mark: int, /) -> None: ...  # noqa: D102


Proof = Callable[[Keys, int], bool]
"""Whether it is known by other means than pieces that so many answers to a question are all."""


class Gathering:
    """One question and the smaller ones it grows into, `MOST_QUESTIONS` at most. Not for several threads.

    `ask` puts one question, `split` divides it, `prove` is asked where pieces would be many, or do not see all; `more`
    whether there may be more, where answers are few and no smaller question tells.
    `unique`: keyword of the UID that distinguishes answers.

    `doubts`: why answers may be missing, `blind` what could not be asked for in pieces. Neither holds a value.
    `most` is the largest number of answers to one question that was taken for whole.
    """

    def __init__(
        self,
        ask: Question,
        split: Split,
        *,
        unique: str,
        judge: Judge,
        prove: Proof = lambda _keys, _number: False,
        more: Proof = lambda _keys, _number: False,
    ) -> None:
        self._ask, self._split, self._unique, self._judge = ask, split, unique, judge
        self._prove, self._more = prove, more
        self._left = MOST_QUESTIONS
        self._total = 0
        self._ignores_split_keys = self._whole_was_tested = False
        self._undivided = ""
        self._whole: list[tuple[Keys, dict[str, Dataset]]] = []
        self.doubts: set[str] = set()
        self.blind: set[str] = set()
        self._totals = Counter[int]()
        self.cut_at = 0
        self.most = 0

    def everything(self, keys: Keys) -> list[Dataset]:
        """The answers to `keys` (keyword -> value as it is sent), each once, in the order they came.

        Raises the PacsError of the node where it says that it cut, and there is no smaller question;
        PacsPermanentError above `MOST_ANSWERS` answers.

        `cut_at` is the number of answers at which the node was seen to cut, 0 where it was not.
        """
        found = self._all(keys)
        if self._unique == "StudyInstanceUID":
            found |= self._in_groups(keys, found)
            self._look_closer(keys, found)
        for _ in range(_ROUNDS):  # what was taken for whole before the limit was learnt is asked again
            if not self._judge.known(self.most):
                break
            self.most = self._total = 0
            found |= self._all(keys)
        if self._unique == "StudyInstanceUID" and self._judge.cuts and self._totals[self.cut_at] < _OFTEN:
            found |= self._by_size_of_groups()
        if self._undivided and self._more(keys, len(found)):
            self.doubts.add(self._undivided)
            self._judge.learn(self.most)
        return list(found.values())

    def _all(self, keys: Keys) -> dict[str, Dataset]:
        self._left -= 1
        try:
            answers = self._ask(keys)
        except PacsError as error:
            if not error.answers:
                raise
            self._cut(error.answers)
            self._hold(error.answers)
            first, error.partial = self._by_uid(error.partial), []
            return self._in_pieces(keys, first, error)
        found = self._by_uid(answers)
        self._hold(len(found))
        self._totals[len(answers)] += 1
        if not self._judge.reached(len(answers), _mark(keys, found)):
            self.most = max(self.most, len(answers))
            self._whole.append((keys, found))
            return found
        return self._tested(keys, found, len(answers))

    def _hold(self, number: int) -> None:
        self._total += number
        if self._total > MOST_ANSWERS:
            raise PacsPermanentError(
                f"one row has more than {MOST_ANSWERS} answers", fix="narrow the row, by dates or modality"
            )

    def _tested(self, keys: Keys, found: dict[str, Dataset], number: int) -> dict[str, Dataset]:
        """What pieces of a question add to its answers: nothing, where all are proven."""
        self._whole_was_tested = True
        doubts = len(self.doubts)
        self._total -= len(found)
        every = self._in_pieces(keys, found, number=number)
        if len(every) > len(found):
            self._cut(number)
        elif len(self.doubts) == doubts:
            self._judge.proved(number, _mark(keys, found))
        return every

    def _look_closer(self, keys: Keys, found: Mapping[str, Dataset]) -> None:
        """A doubt where nothing answers a question, and something a part of it; of few rows, or it costs much."""
        parts = [] if found else list(windows(keys))
        named = bool(keys.get("PatientID", "").strip("*? "))
        if not parts or self._prove(keys, 0) or not self._judge.looks_closer(named=named):
            return
        for narrower in parts:
            with suppress(PacsError):  # it was asked for no more than before
                if self._ask(narrower):
                    self._judge.hide()
                    self.doubts.add(
                        "the node answers nothing to the whole question, and something to a part of it: narrow the row"
                    )
                    return
        if self._judge.hides and not named:
            self.doubts.add("the node gave no answer, as it did to others where it has some: narrow the row")

    def _in_groups(self, keys: Keys, found: Mapping[str, Dataset]) -> dict[str, Dataset]:
        """What the largest groups of answers give when each is asked for in pieces: the node may cut each by itself."""
        every: dict[str, Dataset] = {}
        for group in largest_groups(keys, found):
            number, doubts, mark = len(group.answers), len(self.doubts), _mark(group.keys, group.answers)
            if self._ignores_split_keys or not self._judge.untested(group.name, number, mark):
                continue
            if group.keys != keys or not self._whole_was_tested:
                every |= self._group(group.keys, dict(group.answers))
            if len(self.doubts) == doubts:
                self._judge.tested(group.name, number, mark)
        return every

    def _by_size_of_groups(self) -> dict[str, Dataset]:
        """What pieces of answers give that were taken for whole, of a node that was seen to cut somewhere.

        Where its limit is one of each group, the largest groups of a kind that it gave are those it cut. So answers
        with a group as large as the largest are asked for in pieces, until each group is smaller, or by itself. Where
        nothing new comes of it, the limit is not of that kind, and nothing that such pieces lack is a doubt.
        """
        before, blind = set(self.doubts), set(self.blind)
        every: dict[str, Dataset] = {}
        known = {uid for _, found in self._whole for uid in found}
        measured, largest, stop = list[_Measured](), dict[str, int](), self._left - _BY_GROUPS
        while self._left > stop:
            fresh = [_Measured(keys, found, sizes(found.values())) for keys, found in self._whole]
            self._whole.clear()
            measured += fresh
            for one in fresh:
                largest = {name: max(size, largest.get(name, 0)) for name, size in one.sizes.items()}
            chosen = next((one for one in measured if one.is_cut(largest)), None)
            if chosen is None:
                break
            measured.remove(chosen)
            brought = self._in_pieces(chosen.keys, chosen.found, number=len(chosen.found))
            if brought.keys() - known:
                self._cut(len(chosen.found))
                every |= brought
                known |= brought.keys()
                stop = self._left - _BY_GROUPS
        if not every:
            self.doubts, self.blind = before, blind
        return every

    def _group(self, keys: Keys, known: dict[str, Dataset]) -> dict[str, Dataset]:
        """Of a node that was seen to cut, a group is asked for whole first: its own limit shows where fewer come."""
        given = known
        if self.cut_at:
            try:
                given = self._by_uid(self._ask(keys))
            except PacsError as error:
                if not error.answers:
                    raise
                return known  # it says where it cuts
        every = known | self._in_pieces(keys, given, number=len(given))
        if len(every) > len(given):
            self._cut(len(given))
        return every

    def _cut(self, number: int) -> None:
        self.cut_at = self.cut_at or number
        self._judge.learn(number)

    def _by_uid(self, answers: list[Dataset]) -> dict[str, Dataset]:
        return {str(answer.get(self._unique) or ""): answer for answer in answers}

    def _in_pieces(
        self, keys: Keys, first: dict[str, Dataset], cut: PacsError | None = None, *, number: int = 0
    ) -> dict[str, Dataset]:
        """What the pieces of a question that may have been cut give, and what came `first`: `number` answers."""
        obstacle, parts = self._obstacle(keys, first), None
        if not obstacle:
            parts = self._parts(keys, first, sure=cut is not None)
            if not cut and (parts is None or len(parts.questions) > _FEW_PIECES) and self._proven(keys, number):
                return first
            obstacle = "" if parts else "there is no smaller question"
        if parts is None:
            if isinstance(cut, UnsureError):
                self.doubts.add(str(cut))
                return first
            if cut is not None:
                raise cut
            self._doubt(
                f"the node gave exactly {counted(len(first), 'answer')}, where it may have cut, and {obstacle}: "
                f"narrow the row",
                len(first),
            )
            return first
        found: dict[str, Dataset] = {}
        for question in parts.questions:
            found |= self._all(question)
            if self._ignores_split_keys:
                break
        lost = [answer for uid, answer in first.items() if uid not in found]
        if lost and not self._ignores_split_keys:
            self._lost(keys, lost, parts, 0 if cut or found.keys() - first.keys() else number, len(first))
        self.blind |= {parts.blind} - {""}
        return first | found

    def _proven(self, keys: Keys, number: int) -> bool:
        return self._judge.grave(number) and self._prove(keys, number)

    def _lost(self, keys: Keys, lost: list[Dataset], parts: Pieces, number: int, came: int) -> None:
        """Answers that no piece gave: what pieces cannot see may be proven; what they can see speaks against the node.

        `number` is that of the answers to the whole question; 0 where it is known that they are a part.
        """
        windows = [{k: v for k, v in piece.items() if v != keys.get(k, "")} for piece in parts.questions]
        if any((match := matches(one, answer)) and not match.unseen for answer in lost for one in windows):
            self._judge.distrust()
        elif number and self._proven(keys, number):
            return
        why = f"the node may have cut its answers, and {len(lost)} of them did not come when asked in pieces"
        self._doubt(why, came)

    def _parts(self, keys: Keys, first: dict[str, Dataset], *, sure: bool) -> Pieces | None:
        """Smaller questions; for a few answers, without a sign that they are cut, only where there are few of them."""
        parts = self._split(keys, first.values())
        if parts is None or sure or self._judge.grave(len(first)) or len(parts.questions) <= _FEW_PIECES:
            return parts
        return None

    def _doubt(self, why: str, number: int) -> None:
        if self._judge.grave(number):
            self.doubts.add(why)
        else:
            self._undivided = why
            self.most = max(self.most, number)

    def _obstacle(self, keys: Keys, first: dict[str, Dataset]) -> str:
        """Why pieces would not help; empty where they may."""
        if self._left <= 0:
            return f"{MOST_QUESTIONS} smaller questions were not enough"
        windows = {keyword: keys[keyword] for keyword in _WINDOWS if keys.get(keyword)}
        compared = [matches(windows, answer) for answer in first.values()]
        ignored = {keyword for match in compared for keyword in (*match.differs, *match.unseen)}
        self._ignores_split_keys |= bool(ignored)
        return f"it does not keep to {', '.join(sorted(ignored))}" if ignored else ""


@dataclass(eq=False)
class _Measured:
    """A question, its answers, and how many of them are in the largest group of each kind."""

    keys: Keys
    found: dict[str, Dataset]
    sizes: dict[str, int]

    def is_cut(self, largest: Mapping[str, int]) -> bool:
        """Whether a group is as large as the largest of its kind."""
        return len(self.found) > 1 and any(size == largest[name] > 1 for name, size in self.sizes.items())


def _mark(keys: Keys, found: Mapping[str, Dataset]) -> int:
    """What tells a question and its answers from others."""
    return hash((frozenset(keys.items()), frozenset(found)))
