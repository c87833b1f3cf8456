"""The mapped stages of the flows. Each chunk is a flow of its own, so that memory does not grow with rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from prefect import State, allow_failure, flow
from prefect.futures import wait
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from pacsflow.errors import PacsError, PausedError
from pacsflow.ledger import rows, studies
from pacsflow.ledger.rows import Finding
from pacsflow.ledger.studies import Planned
from pacsflow.refs import RowRef, StudyRef
from tasks._policy import guarded, named, persistent
from tasks.asking import to_retrieve
from tasks.deliver import deliver_study, left_to_do
from tasks.describe import describe_study, undescribed
from tasks.fetch import fetch_study
from tasks.find import find_row, told_by
from tasks.greet import greet_node, listen, moves
from tasks.lanes import LanePool
from tasks.progress import Progress
from tasks.session import Session, session
from tasks.slots import slots

T = TypeVar("T")

ROWS_PER_CHUNK = 500
STUDIES_PER_CHUNK = 250


def shut(run: Session, node: str = "") -> bool:
    """Whether a node may not be asked at this hour; work that is left for that is remembered as paused."""
    try:
        run.lanes_to(node).keep_hours()
    except PausedError:
        return True
    return False


def paused(run: Session) -> State[str]:
    """The end of a run outside a node's hours."""
    waiting = next(pool for pool in run.pools if pool.paused)
    return Completed(name="Paused", message=f"outside the hours of node {waiting.node.name}: {waiting.next_hours()}")


@contextmanager
def lanes_at(run: Session, node: str = "") -> Iterator[LanePool]:
    """Lanes to a node, as many as are free. Those to no other node are held meanwhile: none waits for another."""
    pool = run.lanes_to(node)
    with slots(pool, priority=run.project.settings.priority):
        try:
            yield pool
        finally:
            pool.close()


def greet(run: Session, node: str = "") -> None:
    """Make sure that a node answers. Raises PacsError."""
    persistent(greet_node, run.node(node).retries)(str(run.project.folder), node)


def find_rows(run: Session, *, everything: bool = False) -> int:
    """Ask the PACS for the rows it must still be asked for, its fallbacks for what it lacks; the rows' number."""
    numbers_left = rows.to_find(run.ledger, everything=everything)
    run.tell("rows to find", len(numbers_left))
    if numbers_left and not shut(run):
        with lanes_at(run):
            greet(run)
            _find(run, "", numbers_left)
    for node in run.others:
        lacking = rows.unmatched(run.ledger)
        if lacking and not shut(run, node):
            _find_at(run, node, lacking)
    return len(numbers_left)


def _find_at(run: Session, node: str, numbers: list[int]) -> None:
    """Ask a fallback for rows; where it does not answer, nobody knows whether it has them."""
    with lanes_at(run, node):
        try:
            greet(run, node)
        except PacsError as error:
            for number, row in zip(numbers, map(run.row, numbers), strict=True):
                rows.record(run.ledger, row.id, Finding("failed", told_by(node, str(error)), row.warnings))
                run.advise(f"row {number}", error)
            return
        _find(run, node, numbers)


def _find(run: Session, node: str, numbers: list[int]) -> None:
    for chunk in chunks(numbers, ROWS_PER_CHUNK):
        if not shut(run, node):
            with_workers(find_chunk, run.lanes_to(node).most)(str(run.project.folder), chunk, node)


def retrieve_studies(run: Session, *, greeted: bool) -> None:
    """Fetch and deliver the planned studies, from the first node and then from its fallbacks.

    A node that was not greeted yet in this run is greeted first.
    """
    left = left_to_do(run.ledger, run.project)
    run.tell("studies to fetch", len(left))
    if left:
        run.listeners.append(Progress(len(left)))
    for node in run.project.nodes:
        if todo := to_retrieve(run, node):
            _retrieve(run, node, todo, greeted=greeted and not node)


def _retrieve(run: Session, node: str, plans: list[Planned], *, greeted: bool) -> None:
    keys, incomplete = [plan.key for plan in plans], {plan.key for plan in plans if not plan.complete}
    with lanes_at(run, node) as lanes:
        if incomplete and not shut(run, node):
            try:
                if not greeted:
                    greet(run, node)
                if moves(run.node(node)):
                    persistent(listen, run.node(node).retries)(str(run.project.folder), node)
            except PacsError as error:
                if not node:
                    raise
                studies.not_reached(run.ledger, incomplete, told_by(node, str(error)))
                for key in incomplete:
                    run.advise(key, error)
                keys = [key for key in keys if key not in incomplete]
        for chunk in chunks(keys, STUDIES_PER_CHUNK):
            # a worker that fetches and one that delivers, for each lane
            with_workers(retrieve_chunk, 2 * lanes.most)(str(run.project.folder), chunk, node)


def describe_studies(run: Session) -> None:
    """Ask for what only images answer, of the series found."""
    project = str(run.project.folder)
    for node in run.project.nodes:
        if found := undescribed(run.ledger, node):
            with lanes_at(run, node) as lanes:
                for chunk in chunks(found, STUDIES_PER_CHUNK):
                    with_workers(describe_chunk, lanes.most)(project, chunk, node)


@flow(
    name="describe studies", flow_run_name=named("describe studies of"), persist_result=False, validate_parameters=False
)
@guarded
def describe_chunk(project: str, keys: list[str], node: str) -> None:
    """Describe the series of some studies, each study a task."""
    task = persistent(describe_study, session(project).node(node).retries)
    with stopping_tasks(project):
        wait([task.submit(StudyRef(project, key, node)) for key in keys])


@flow(name="find rows", flow_run_name=named("find rows of"), persist_result=False, validate_parameters=False)
@guarded
def find_chunk(project: str, numbers: list[int], node: str) -> None:
    """Find the studies of some rows, each a task; a row that fails leaves the others alone."""
    task = persistent(find_row, session(project).node(node).retries)
    with stopping_tasks(project):
        wait([task.submit(RowRef(project, number, node)) for number in numbers])


@flow(
    name="retrieve studies", flow_run_name=named("retrieve studies of"), persist_result=False, validate_parameters=False
)
@guarded
def retrieve_chunk(project: str, keys: list[str], node: str) -> None:
    """Fetch and deliver some studies; a study that fails leaves the others alone."""
    retries = session(project).node(node).retries
    fetch, deliver = persistent(fetch_study, retries), persistent(deliver_study, retries)
    futures = []
    with stopping_tasks(project):
        for ref in (StudyRef(project, key, node) for key in keys):
            fetched = fetch.submit(ref)
            futures.append(deliver.submit(ref, return_state=False, wait_for=[allow_failure(fetched)]))
        wait(futures)


@contextmanager
def stopping_tasks(project: str) -> Iterator[None]:
    """Around tasks: a flow that is told to end (Ctrl-C, SIGTERM) has them end too, as it waits for them."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        session(project).stop()
        raise


def with_workers(chunk_flow: T, workers: int) -> T:
    """The flow, run by so many threads."""
    return chunk_flow.with_options(task_runner=ThreadPoolTaskRunner(max_workers=workers))  # type: ignore[attr-defined,no-any-return]


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
