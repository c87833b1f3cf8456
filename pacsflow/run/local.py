"""A run without Prefect: the same stages and steps, by threads of this process, with the same retries."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pacsflow.errors import PacsflowError
from pacsflow.refs import RowRef, StudyRef
from pacsflow.run import stages
from pacsflow.run.again import tried_again
from pacsflow.run.delivering import deliver_study
from pacsflow.run.describing import describe_study
from pacsflow.run.fetching.study import fetch_study
from pacsflow.run.finding import find_row
from pacsflow.run.greeting import greet_node, listen
from pacsflow.run.lanes.local_slots import local_slots
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.reporting.plan import Plan, approved, write_plan
from pacsflow.run.reporting.report import RunOutcome, write_report
from pacsflow.run.session import Session
from pacsflow.run.withdrawing import withdraw_excluded
from schemas.pacs import Retries

Ref = TypeVar("Ref", RowRef, StudyRef)
Ending = Literal["done", "work left", "waiting for approval", "waiting for sign-off", "paused"]


@dataclass(frozen=True)
class LocalRun:
    """How a run ended: `state`, a sentence of numbers, its report; `report` is None where it waits for approval."""

    state: Ending
    sentence: str
    plan: Plan
    report: RunOutcome | None = None


def run_locally(run: Session) -> LocalRun:
    """Do all that is left to do: find, plan, fetch, deliver, report; as the flow `run project` does.

    Raises PacsError where the first node does not answer. KeyboardInterrupt ends what is under way, and is raised
    again once that has ended: the next run goes on.
    """
    crew = ThreadCrew()
    withdraw_excluded(run)
    asked = stages.find_rows(run, crew)
    plan = write_plan(run)
    if not run.paused:
        if not approved(run, plan):
            return LocalRun("waiting for approval", plan.sentence, plan)
        stages.retrieve_studies(run, crew, greeted=asked > 0)
    outcome = write_report(run)
    if run.paused and not outcome.finished:
        return LocalRun("paused", stages.pause_told(run), plan, outcome)
    state: Ending = "done" if outcome.finished else "work left"
    if {row.status for row in outcome.left} == {"unsigned"}:
        state = "waiting for sign-off"
    return LocalRun(state, outcome.sentence, plan, outcome)


def plan_locally(run: Session, *, again: bool = False, info: bool = False) -> Plan:
    """Ask for the rows that were not asked for yet and write the plan; as the flow `plan project` does."""
    crew = ThreadCrew()
    stages.find_rows(run, crew, everything=again)
    if info:
        stages.describe_studies(run, crew)
    return write_plan(run)


@dataclass
class ThreadCrew:
    """Threads of this process as `pacsflow.run.stages.Crew`: one for each lane that fetches, and one that delivers."""

    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def lanes(self, run: Session, node: str) -> Iterator[LanePool]:
        """Lanes to a node, as many as other processes of this computer leave; at least one."""
        pool = run.lanes_to(node)
        with local_slots(pool):
            try:
                yield pool
            finally:
                pool.close()

    def greet(self, run: Session, node: str) -> None:
        """Make sure that a node answers. Raises PacsError."""
        self._again(lambda: greet_node(str(run.project.folder), node), run.node(node).retries, "greet_node")

    def listen(self, run: Session, node: str) -> None:
        """Make sure that images of a node can come by C-MOVE. Raises PacsError."""
        self._again(lambda: listen(str(run.project.folder), node), run.node(node).retries, "listen")

    def begin(self, run: Session, number: int) -> None:
        """Nothing: who listens to the run was told."""

    def find(self, run: Session, node: str, numbers: list[int]) -> None:
        """Find some rows."""
        refs = [RowRef(str(run.project.folder), number, node) for number in numbers]
        self._each(run, refs, self._step(find_row, run.node(node).retries), run.lanes_to(node).most)

    def describe(self, run: Session, node: str, keys: list[str]) -> None:
        """Describe the series of some studies."""
        step = self._step(describe_study, run.node(node).retries)
        self._each(run, _studies(run, node, keys), step, run.lanes_to(node).most)

    def retrieve(self, run: Session, node: str, keys: list[str]) -> None:
        """Fetch and deliver some studies. While one is delivered, the next is fetched."""
        retries = run.node(node).retries
        fetch, deliver = self._step(fetch_study, retries), self._step(deliver_study, retries)

        def both(ref: StudyRef) -> None:
            fetch(ref)
            deliver(ref)

        self._each(run, _studies(run, node, keys), both, 2 * run.lanes_to(node).most)

    def _step(self, step: Callable[[Ref], object], retries: Retries) -> Callable[[Ref], None]:
        """A step that is tried again; its error is in the ledger, and is no matter of the other rows and studies."""

        def do(ref: Ref) -> None:
            with suppress(PacsflowError):
                self._again(lambda: step(ref), retries, step.__name__)

        return do

    def _each(self, run: Session, refs: Iterable[Ref], work: Callable[[Ref], None], workers: int) -> None:
        """Work on each by so many threads. What ends the program ends them too, in order, and is raised again."""
        with ThreadPoolExecutor(workers, thread_name_prefix="pacsflow run") as pool:
            futures = [pool.submit(work, ref) for ref in refs]
            try:
                wait(futures)
            except BaseException:
                self._stopped.set()
                run.stop()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
            for future in futures:
                future.result()

    def _again(self, call: Callable[[], object], retries: Retries, name: str) -> None:
        tried_again(call, retries, name, stopped=self._stopped)


def _studies(run: Session, node: str, keys: Iterable[str]) -> list[StudyRef]:
    return [StudyRef(str(run.project.folder), key, node) for key in keys]
