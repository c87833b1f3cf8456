"""Many rows or studies in one go: each gets one attempt, by threads; what did not go well is given back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa

from pacsflow.errors import PacsError, PacsflowError
from pacsflow.ledger import tables as t
from pacsflow.refs import RowRef, StudyRef
from pacsflow.run.delivering import deliver_study
from pacsflow.run.fetching.study import fetch_study
from pacsflow.run.finding import find_row
from pacsflow.run.session import session
from pacsflow.run.unexpected import fault_of

Ref = RowRef | StudyRef


@dataclass(frozen=True)
class Trouble:
    """A row or study that is not done after its first attempt: the step it is at, and the error, or why it is held."""

    ref: Ref
    step: str
    error: PacsflowError | None
    reason: str = ""


def find_many(project: str, numbers: Sequence[int], node: str) -> list[Trouble]:
    """Ask for rows, as many at once as there may be lanes; those that failed or are held."""
    refs, workers = [RowRef(project, number, node) for number in numbers], session(project).lanes_to(node).most

    def find(ref: RowRef) -> list[Trouble]:
        return [*_attempt("find", find_row, ref)]

    failed = {one.ref: one for one in _each(find, refs, workers)}
    held = _held(project, refs)
    known = ((ref, failed.get(ref), held.get(ref)) for ref in refs)
    return [failure or Trouble(ref, "find", None, why or "") for ref, failure, why in known if failure or why]


def retrieve_many(project: str, keys: Sequence[str], node: str) -> list[Trouble]:
    """Fetch and deliver studies, two for each lane: while one is delivered another comes; those that failed."""
    refs, workers = [StudyRef(project, key, node) for key in keys], 2 * session(project).lanes_to(node).most

    def retrieve(ref: StudyRef) -> list[Trouble]:
        return [*_attempt("fetch", fetch_study, ref), *_attempt("deliver", deliver_study, ref)]

    return list(_each(retrieve, refs, workers))


def _attempt(step: str, do: Callable[..., object], ref: Ref) -> Iterator[Trouble]:
    try:
        do(ref)
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the others
        fault = fault_of(error, step)
        fault.__cause__ = fault.__context__ = None
        if isinstance(fault, PacsError):
            fault.partial = []
        yield Trouble(ref, step, fault)


def _each(do: Callable[..., list[Trouble]], refs: Iterable[Ref], workers: int) -> Iterator[Trouble]:
    with ThreadPoolExecutor(workers, thread_name_prefix="pacsflow chunk") as pool:
        for troubles in pool.map(do, refs):
            yield from troubles


def _held(project: str, refs: Sequence[RowRef]) -> dict[RowRef, str]:
    run = session(project)
    ids = {run.row(ref.number).id: ref for ref in refs}
    query = sa.select(t.rows.c.id, t.rows.c.reason).where(t.rows.c.id.in_(ids), t.rows.c.status == "held")
    return {ids[row.id]: row.reason or "held" for row in run.ledger.all(query)}
