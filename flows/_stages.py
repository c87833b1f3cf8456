"""The mapped stages of the flows, done by tasks. Each chunk is a flow of its own, so that memory stays as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from prefect import State, Task, allow_failure, flow
from prefect.futures import PrefectFuture, wait
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from pacsflow.errors import BusyError
from pacsflow.refs import RowRef, StudyRef
from pacsflow.run import stages
from pacsflow.run.batch import Trouble
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.selection import ALL, Selection
from pacsflow.run.session import Session, session
from pacsflow.wording import counted
from tasks._policy import guarded, with_retries
from tasks.identity import named
from tasks.progress import Progress
from tasks.saying import note
from tasks.slots import slots
from tasks.steps import (
    artifact_key,
    deliver_study,
    deliver_study_on,
    describe_study,
    fetch_study,
    fetch_study_on,
    find_many,
    find_row,
    find_row_on,
    greet_node,
    listen,
    retrieve_many,
)

T = TypeVar("T")


def already_running(busy: BusyError) -> State[str]:
    """The end of a run that would disturb another: it did nothing."""
    return Completed(name="AlreadyRunning", message=f"{busy}; {busy.fix}")


class TaskCrew:
    """Prefect's tasks as `pacsflow.run.stages.Crew`."""

    def __init__(self) -> None:
        self._retrieved = 0

    @contextmanager
    def lanes(self, run: Session, node: str) -> Iterator[LanePool]:
        """Lanes to a node, as many as are free. Those to no other node are held meanwhile: none waits for another."""
        pool, settings = run.lanes_to(node), run.project.settings
        group = settings.name if run.shared else ""
        with slots(pool, priority=settings.priority, who=settings.name, group=group) as lanes:
            note(f"{lanes} of at most {counted(pool.most, 'association')} with {pool.node.place} are ours for now")
            try:
                yield pool
            finally:
                pool.close()

    def greet(self, run: Session, node: str) -> None:
        """Make sure that a node answers. Raises PacsError."""
        with_retries(greet_node, run.node(node).retries)(str(run.project.folder), node)

    def listen(self, run: Session, node: str) -> None:
        """Make sure that images of a node can come by C-MOVE. Raises PacsError."""
        with_retries(listen, run.node(node).retries)(str(run.project.folder), node)

    def begin(self, run: Session, number: int) -> None:
        """Show the share of the studies that are done."""
        name = run.project.settings.name
        run.listeners.append(Progress(number, key=artifact_key(run, "studies"), project=name))

    def find(self, run: Session, node: str, numbers: list[int]) -> None:
        """Find some rows: a task run each, or, of a large table, one for all, and each that is not found."""
        label = f"rows {numbers[0]}-{numbers[-1]}" if in_chunks(run) else ""
        with_workers(find_chunk, run.lanes_to(node).most)(str(run.project.folder), numbers, node, label)

    def retrieve(self, run: Session, node: str, keys: list[str]) -> None:
        """Fetch and deliver some studies: a worker that fetches and one that delivers, for each lane."""
        first, self._retrieved = self._retrieved + 1, self._retrieved + len(keys)
        label = f"studies {first}-{self._retrieved}" if in_chunks(run) else ""
        with_workers(retrieve_chunk, 2 * run.lanes_to(node).most)(str(run.project.folder), keys, node, label)

    def describe(self, run: Session, node: str, keys: list[str]) -> None:
        """Describe the series of some studies."""
        with_workers(describe_chunk, run.lanes_to(node).most)(str(run.project.folder), keys, node)


def find_rows(run: Session, only: Selection = ALL, *, everything: bool = False) -> int:
    """Ask the PACS for the rows it must still be asked for; their number."""
    return stages.find_rows(run, TaskCrew(), only, everything=everything)


def retrieve_studies(run: Session, only: Selection = ALL, *, greeted: bool) -> None:
    """Fetch and deliver the planned studies."""
    stages.retrieve_studies(run, TaskCrew(), only, greeted=greeted)


def describe_studies(run: Session) -> None:
    """Ask for what only images answer, of the series found."""
    stages.describe_studies(run, TaskCrew())


@flow(
    name="describe studies", flow_run_name=named("describe studies of"), persist_result=False, validate_parameters=False
)
@guarded
def describe_chunk(project: str, keys: list[str], node: str) -> None:
    """Describe the series of some studies, each study a task."""
    task = with_retries(describe_study, session(project).node(node).retries)
    with stopping_tasks(project):
        wait([task.submit(StudyRef(project, key, node)) for key in keys])


@flow(name="find rows", flow_run_name=named("find rows of"), persist_result=False, validate_parameters=False)
@guarded
def find_chunk(project: str, numbers: list[int], node: str, label: str) -> None:
    """Find the studies of some rows; a row that fails leaves the others alone.

    Each is a task. With a label all together are one, and each that fails, or is held, is another.
    """
    retries = session(project).node(node).retries
    with stopping_tasks(project):
        if label:
            on = with_retries(find_row_on, retries)
            wait([on.submit(one.ref, one) for one in _together(find_many, f"find {label}", project, numbers, node)])
        else:
            task = with_retries(find_row, retries)
            wait([task.submit(RowRef(project, number, node)) for number in numbers])


@flow(
    name="retrieve studies", flow_run_name=named("retrieve studies of"), persist_result=False, validate_parameters=False
)
@guarded
def retrieve_chunk(project: str, keys: list[str], node: str, label: str) -> None:
    """Fetch and deliver some studies; a study that fails leaves the others alone.

    Each is two tasks. With a label all together are one, and each that fails is tried on as two.
    """
    retries = session(project).node(node).retries
    fetch, deliver = with_retries(fetch_study, retries), with_retries(deliver_study, retries)
    fetch_on, deliver_on = with_retries(fetch_study_on, retries), with_retries(deliver_study_on, retries)
    futures: list[PrefectFuture[Any]] = []
    with stopping_tasks(project):
        for one in _together(retrieve_many, f"fetch and deliver {label}", project, keys, node) if label else ():
            if one.step == "deliver":
                futures.append(deliver_on.submit(one.ref, one))
                continue
            first = fetch_on.submit(one.ref, one)
            futures.append(deliver.submit(one.ref, return_state=False, wait_for=[allow_failure(first)]))
        for ref in (StudyRef(project, key, node) for key in keys if not label):
            fetched = fetch.submit(ref)
            futures.append(deliver.submit(ref, return_state=False, wait_for=[allow_failure(fetched)]))
        wait(futures)


def _together(task: Task[..., list[Trouble]], called: str, *parameters: object) -> list[Trouble]:
    """What did not go well of a chunk. Raises what ended the whole of it."""
    future = task.with_options(task_run_name=called).submit(*parameters)
    wait([future])
    return future.result()


def in_chunks(run: Session) -> bool:
    """Whether a task run is a chunk of the table, which is too large for one per row."""
    return len(run.rows) > run.project.settings.task_run_per_row_up_to


@contextmanager
def stopping_tasks(project: str) -> Iterator[None]:
    """Around tasks: a flow that is stopped (Ctrl-C, SIGTERM) has them end too, as it waits for them."""
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
