"""All answers of a service that gives them page by page, whatever it makes of `limit` and `offset` (PS3.18 8.3.4.4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydicom import Dataset

from pacsflow.dicom.advice import NARROWER
from pacsflow.dicom.budget import MOST_ANSWERED, MOST_ANSWERS
from pacsflow.errors import PacsPermanentError, UnsureError
from pacsflow.wording import counted

MOST_PAGES = 2000
"""Pages of one query that are asked for."""
_SLACK = 6
_ROUNDS = 20
"""How often the pages of a service that changes their order are asked for from the beginning."""


@dataclass(frozen=True)
class Page:
    """Answers, whether the service says that there are `more`, and how many there are in all where it says that.

    `size`: its bytes.
    """

    answers: list[Dataset]
    more: bool = False
    total: int | None = None
    size: int = 0


@dataclass
class Paging:
    """One query, page by page. `get` gives the page behind so many answers.

    `unique`: keyword of the UID that distinguishes answers. `enough`: the number of all answers; 0 where that
    is not known.

    A page is the last one only where the next one is empty, or where a count says so. A page that holds an answer of
    a page before it shows that their order changes: then they are asked for again from the beginning, until as many
    different answers have come as one round had answers, and a whole round brings nothing new.
    """

    get: Callable[[int], Page]
    unique: str
    enough: int = 0
    _found: dict[str, Dataset] = field(default_factory=dict)
    _asked: int = 0
    _held: int = 0

    def pages(self) -> Iterator[list[Dataset]]:
        """What each page brings that is new.

        Raises UnsureError where the service says that there is more than it gives, where its order changes and
        answers may be missing, and PacsPermanentError where there is no end.
        """
        before: list[str] = []
        for _ in range(_ROUNDS):
            known, order = len(self._found), list[str]()
            yield from self._round(order)
            all_came = len(self._found) >= len(order)
            if order == before or (all_came and (not before or len(self._found) == known)):
                return
            before = order
        raise self._changing()

    def _round(self, order: list[str]) -> Iterator[list[Dataset]]:
        """All pages, once; `order` takes the UIDs as they come."""
        first, same, promised = list[str](), 0, False
        while True:
            page = self.get(len(order))
            uids = [str(answer.get(self.unique) or "") for answer in page.answers]
            again = bool(uids) and uids == first  # the first page again: `offset` is not heeded
            same += again
            promised = page.more or (promised and not uids)
            if not again:
                order += uids
                fresh = self._fresh(uids, page.answers)
                self._held += page.size if fresh else 0
                yield fresh
            if same >= _sure(len(uids)) or self._last(page, len(order)):
                if promised or (page.total or 0) > len(self._found):
                    raise self._unsure(f"the service has more than the {counted(len(self._found), 'answer')} it gives")
                return
            first = first or uids
            self._go_on(len(order) + same * len(uids), len(uids))

    def _go_on(self, given: int, size: int) -> None:
        """Raise where the pages have no end."""
        self._asked += 1
        if given > 2 * (len(self._found) + size) + _SLACK * size:
            raise self._changing()
        if self._asked > MOST_PAGES or len(self._found) > MOST_ANSWERS or self._held > MOST_ANSWERED:
            raise PacsPermanentError(
                f"the service gives answers without end: {len(self._found)} so far",
                fix=NARROWER,
                answers=len(self._found),
            )

    def _last(self, page: Page, given: int) -> bool:
        if not page.answers:
            return True
        if page.more:
            return False
        counted = page.total is not None and given >= page.total and given > len(page.answers)
        return counted or 0 < self.enough <= len(self._found)

    def _changing(self) -> UnsureError:
        return self._unsure("the service gives its pages in an order that changes, and answers may be missing")

    def _fresh(self, uids: list[str], answers: list[Dataset]) -> list[Dataset]:
        new = {uid: answer for uid, answer in zip(uids, answers, strict=True) if uid not in self._found}
        self._found |= new
        return list(new.values())

    def _unsure(self, why: str) -> UnsureError:
        error = UnsureError(why, fix=NARROWER, answers=len(self._found))
        error.partial = list(self._found.values())
        return error


def _sure(size: int) -> int:
    """How often the first page must come again, before it cannot be by chance where the order changes."""
    return next(times for most, times in ((2, 6), (9, 3), (size, 1)) if size <= most)
