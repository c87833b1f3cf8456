"""The mapped stages of the flows. Each chunk is a flow of its own, so that memory does not grow with rows."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from prefect import State, allow_failure, flow
from prefect.futures import wait
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from pacsflow.errors import PausedError
from pacsflow.ledger import rows, studies
from pacsflow.refs import RowRef, StudyRef
from tasks._policy import guarded, named, persistent
from tasks.deliver import deliver_study, left_to_do
from tasks.describe import describe_study, undescribed
from tasks.fetch import fetch_study
from tasks.find import find_row
from tasks.greet import greet_node
from tasks.progress import Progress
from tasks.session import Session, session

T = TypeVar("T")

ROWS_PER_CHUNK = 500
STUDIES_PER_CHUNK = 250


def shut(run: Session) -> bool:
    """Whether the node may not be asked at this hour; work that is left for that is remembered as paused."""
    try:
        run.lanes.keep_hours()
    except PausedError:
        return True
    return False


def paused(run: Session) -> State[str]:
    """The end of a run outside the node's hours."""
    return Completed(name="Paused", message=f"outside the hours of the node: {run.lanes.next_hours()}")


def greet(run: Session) -> None:
    """Make sure that the node answers. Raises PacsError."""
    persistent(greet_node, run.project.pacs.retries)(str(run.project.folder))


def find_rows(run: Session, *, everything: bool = False) -> int:
    """Ask the PACS for the rows it must still be asked for; their number."""
    project = str(run.project.folder)
    numbers_left = rows.to_find(run.ledger, everything=everything)
    run.tell("rows to find", len(numbers_left))
    if numbers_left and not shut(run):
        greet(run)
    for numbers in chunks(numbers_left, ROWS_PER_CHUNK):
        if not shut(run):
            with_workers(find_chunk, run.lanes.most)(project, numbers)
    return len(numbers_left)


def retrieve_studies(run: Session, *, greeted: bool) -> None:
    """Fetch and deliver the planned studies; a node that was not greeted yet in this run is greeted first."""
    project = str(run.project.folder)
    left = left_to_do(run.ledger, run.project)
    run.tell("studies to fetch", len(left))
    if not greeted and any(not plan.complete for plan in studies.planned(run.ledger)) and not shut(run):
        greet(run)
    if left:
        run.listeners.append(Progress(len(left)))
    for chunk in chunks(left, STUDIES_PER_CHUNK):
        # a worker that fetches and one that delivers, for each lane
        with_workers(retrieve_chunk, 2 * run.lanes.most)(project, chunk)


def describe_studies(run: Session) -> None:
    """Ask for what only images answer, of the series found."""
    project = str(run.project.folder)
    for chunk in chunks(undescribed(run.ledger), STUDIES_PER_CHUNK):
        with_workers(describe_chunk, run.lanes.most)(project, chunk)


@flow(
    name="describe studies", flow_run_name=named("describe studies of"), persist_result=False, validate_parameters=False
)
@guarded
def describe_chunk(project: str, keys: list[str]) -> None:
    """Describe the series of some studies, each study a task."""
    task = persistent(describe_study, session(project).project.pacs.retries)
    wait([task.submit(StudyRef(project, key)) for key in keys])


@flow(name="find rows", flow_run_name=named("find rows of"), persist_result=False, validate_parameters=False)
@guarded
def find_chunk(project: str, numbers: list[int]) -> None:
    """Find the studies of some rows, each a task; a row that fails leaves the others alone."""
    task = persistent(find_row, session(project).project.pacs.retries)
    wait([task.submit(RowRef(project, number)) for number in numbers])


@flow(
    name="retrieve studies", flow_run_name=named("retrieve studies of"), persist_result=False, validate_parameters=False
)
@guarded
def retrieve_chunk(project: str, keys: list[str]) -> None:
    """Fetch and deliver some studies; a study that fails leaves the others alone."""
    retries = session(project).project.pacs.retries
    fetch, deliver = persistent(fetch_study, retries), persistent(deliver_study, retries)
    futures = []
    for ref in (StudyRef(project, key) for key in keys):
        fetched = fetch.submit(ref)
        futures.append(deliver.submit(ref, return_state=False, wait_for=[allow_failure(fetched)]))
    wait(futures)


def with_workers(chunk_flow: T, workers: int) -> T:
    """The flow, run by so many threads."""
    return chunk_flow.with_options(task_runner=ThreadPoolTaskRunner(max_workers=workers))  # type: ignore[attr-defined,no-any-return]


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
