"""The stages of a run: which node is asked for which rows and studies, in order. Who does the work is a `Crew`."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from pacsflow.errors import PacsError, PausedError
from pacsflow.ledger import rows, studies
from pacsflow.ledger.rows import Finding
from pacsflow.ledger.studies import Planned
from pacsflow.run.describing import undescribed
from pacsflow.run.excluding import exclude_rows
from pacsflow.run.fetching.missing import to_retrieve
from pacsflow.run.finding import told_by
from pacsflow.run.greeting import moves
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.remaining import unsigned_studies
from pacsflow.run.room import check_room
from pacsflow.run.selection import ALL, Selection
from pacsflow.run.session import Session
from pacsflow.run.sharing import own_rows, own_studies, portion, rows_come, studies_come, take_rows, untried

T = TypeVar("T")

ROWS_PER_CHUNK = 500
STUDIES_PER_CHUNK = 250
"""How much a crew is given at once, so that memory does not grow with rows."""


class Crew(Protocol):
    """Who does the work of the stages: Prefect's tasks, or threads of this process. `node`: '' is the first.

    Each tries again after errors that may pass, as the node's `retries` say.
    """

    def lanes(self, run: Session, node: str) -> AbstractContextManager[LanePool]:
        """Lanes to a node, as many as are free."""

    def greet(self, run: Session, node: str) -> None:
        """Make sure that a node answers. Raises PacsError."""

    def listen(self, run: Session, node: str) -> None:
        """Make sure that images of a node can come by C-MOVE. Raises PacsError."""

    def begin(self, run: Session, number: int) -> None:
        """Hear how many studies are left to fetch and deliver."""

    def find(self, run: Session, node: str, numbers: list[int]) -> None:
        """Find some rows; one that fails leaves the others alone."""

    def retrieve(self, run: Session, node: str, keys: list[str]) -> None:
        """Fetch and deliver some studies; one that fails leaves the others alone."""

    def describe(self, run: Session, node: str, keys: list[str]) -> None:
        """Describe the series of some studies."""


def shut(run: Session, node: str = "") -> bool:
    """Whether a node may not be asked now; work that is left for that is remembered as paused."""
    try:
        run.lanes_to(node).keep_hours()
    except PausedError:
        return True
    return False


def pause_told(run: Session) -> str:
    """What a run waits for: which node's hours, and when the next begin; or who paused the project."""
    return next(pool.paused for pool in run.pools if pool.paused)


def find_rows(run: Session, crew: Crew, only: Selection = ALL, *, everything: bool = False) -> int:
    """Ask the PACS for the rows it must still be asked for, its fallbacks for what it lacks; the rows' number."""
    left_out = exclude_rows(run)
    open_rows = rows.open_rows(run.ledger, everything=everything)
    numbers_left = only.of(run.numbers(row_id for row_id in open_rows if row_id not in left_out))
    run.tell("rows to find", len(numbers_left))
    if numbers_left and not shut(run):
        with crew.lanes(run, ""):
            crew.greet(run, "")
            _find(run, crew, "", numbers_left)
    while run.shared and (come := rows_come(run, _untried(run, numbers_left))):
        with crew.lanes(run, ""):
            _find(run, crew, "", come)
    for node in run.others:
        lacking = only.of(run.numbers(own_rows(run, rows.unmatched_rows(run.ledger))))
        if lacking and not shut(run, node):
            _find_at(run, crew, node, lacking)
    return len(numbers_left)


def _find_at(run: Session, crew: Crew, node: str, numbers: list[int]) -> None:
    """Ask a fallback for rows; where it does not answer, it is not known whether it has them."""
    with crew.lanes(run, node):
        try:
            crew.greet(run, node)
        except PacsError as error:
            for number, row in zip(numbers, map(run.row, numbers), strict=True):
                rows.record(run.ledger, row.id, Finding("failed", told_by(node, str(error)), row.warnings))
                run.advise(f"row {number}", error)
            return
        _find(run, crew, node, numbers)


def _find(run: Session, crew: Crew, node: str, numbers: list[int]) -> None:
    for chunk in chunks(numbers, portion(run, len(numbers), ROWS_PER_CHUNK)):
        if not shut(run, node) and (mine := chunk if node else take_rows(run, chunk)):
            crew.find(run, node, mine)


def _untried(run: Session, numbers: list[int]) -> list[int]:
    return [number for number in numbers if run.row(number).id not in run.tried]


def retrieve_studies(run: Session, crew: Crew, only: Selection = ALL, *, greeted: bool) -> None:
    """Fetch and deliver the planned studies, from the first node and then from its fallbacks.

    A node that was not greeted yet in this run is greeted first.
    """
    waiting = {plan.key for plan in unsigned_studies(run.ledger, run.project)}
    left = [plan for plan in only.studies(run, run.remaining.plans()) if plan.key not in waiting]
    check_room(run, left)
    run.tell("studies to fetch", len(left))
    if left:
        crew.begin(run, len(left))
    going, before = True, set[str]()
    while going:
        for node in run.project.nodes:
            todo = own_studies(run, only.studies(run, to_retrieve(run, node)))
            if todo := [plan for plan in todo if plan.key not in before | waiting]:
                _retrieve(run, crew, node, todo, greeted=greeted and not node)
        before = set(run.tried)
        going = studies_come(run, only) or _referred(run, only)


def _referred(run: Session, only: Selection) -> bool:
    """Whether studies get a turn, or another one, as what this run fetched refers to them, or they to it."""
    if not run.referred:
        return False
    return any(plan.key in run.referred for plan in untried(run, only.studies(run, run.remaining.plans())))


def _retrieve(run: Session, crew: Crew, node: str, plans: list[Planned], *, greeted: bool) -> None:
    keys, incomplete = [plan.key for plan in plans], {plan.key for plan in plans if not plan.complete}
    with crew.lanes(run, node):
        if incomplete and not shut(run, node):
            try:
                if not greeted:
                    crew.greet(run, node)
                if moves(run.node(node)):
                    crew.listen(run, node)
            except PacsError as error:
                if not node:
                    raise
                studies.not_reached(run.ledger, incomplete, told_by(node, str(error)))
                run.remaining.changed()
                for key in incomplete:
                    run.advise(key, error)
                keys = [key for key in keys if key not in incomplete]
        for chunk in chunks(keys, portion(run, len(keys), STUDIES_PER_CHUNK)):
            crew.retrieve(run, node, chunk)


def describe_studies(run: Session, crew: Crew) -> None:
    """Ask for what only images answer, of the series found."""
    for node in run.project.nodes:
        if found := undescribed(run.ledger, node):
            with crew.lanes(run, node):
                for chunk in chunks(found, STUDIES_PER_CHUNK):
                    crew.describe(run, node, chunk)


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
