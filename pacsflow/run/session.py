"""What a run has open, by project: the tasks of the run find it here, as only references travel between them."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from pydicom import Dataset

from pacsflow.deid.contract import Cleaner
from pacsflow.errors import PacsflowError
from pacsflow.ledger import Ledger, traffic
from pacsflow.projects.project import Project
from pacsflow.query.excluded import Exclusions
from pacsflow.query.row import Row
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.remaining import Remaining
from pacsflow.vault import Vault
from schemas.pacs import PacsNode

Listener = Callable[[str, int], None]
"""Hears of progress: what happened (rows, studies, images, bytes, …) and how often."""


@dataclass(frozen=True)
class Session:
    """One run of one project in this process. `others`: name of a fallback node -> lanes to it.

    `arrivals`: the lane to where another application entity receives, if it can be asked.
    """

    project: Project
    rows: tuple[Row, ...]
    ledger: Ledger
    vault: Vault | None
    cleaner: Cleaner
    lanes: LanePool
    owner: str
    began: datetime = field(default_factory=lambda: datetime.now().astimezone())
    listeners: list[Listener] = field(default_factory=list)
    hours_overridden: str = ""
    """Why this run asks outside the nodes' hours; empty where it keeps to them."""
    others: Mapping[str, LanePool] = field(default_factory=dict)
    arrivals: LanePool | None = None
    missing_reason: Callable[[str], str] = lambda _patient_id: ""
    """Why a Patient ID has no pseudonym, '' where it has one. Raises ServiceError."""
    exclusions: Exclusions = field(default_factory=Exclusions)
    """The patients whom the project's file excludes; see `excluding` for those whom persons withdrew."""
    barred: Callable[[Dataset], str] = lambda _answer: ""
    """Why a study is left out for a reason that this project does not know, '' where there is none: of a download."""
    advice: dict[str, str] = field(default_factory=dict)
    """What to do about rows and studies that are not done: number of a row, or key of a study, -> a fix."""
    place: str = ""
    """Name of the work directory among those of all runs that share the project."""
    shared: bool = False
    """Whether other runs may be at work on the project at the same time."""
    referred: set[str] = field(default_factory=set)
    """Keys of the studies that get another turn in this run: what was fetched refers to them, or they to it."""
    beside: list["Session"] = field(default_factory=list)
    """Projects that take what they want of what this run retrieves: see `fetching.handed_on`."""
    tried: set[str] = field(default_factory=set)
    """Ids of the rows and keys of the studies that this run has taken, where it shares them with others."""

    def node(self, name: str) -> PacsNode:
        """The node of a name; the project's first for '', and for a name that left the project."""
        return self.project.nodes.get(name, self.project.pacs)

    def lanes_to(self, name: str) -> LanePool:
        """The lanes to the node of a name."""
        return self.others.get(name, self.lanes)

    @property
    def pools(self) -> list[LanePool]:
        """The lanes to all nodes that studies come from."""
        return [self.lanes, *self.others.values()]

    def row(self, number: int) -> Row:
        """The row of a 1-based number in this run's own table, which the ledger's may not be: see `row_of`."""
        return self.rows[number - 1]

    @cached_property
    def table(self) -> Mapping[str, Row]:
        """The rows this run works on, by their ids."""
        return {row.id: row for row in self.rows}

    @cached_property
    def remaining(self) -> Remaining:
        """The studies that are left to do, read once and again after work on them: see `Remaining`."""
        return Remaining(self.ledger, self.project)

    def row_of(self, row_id: str) -> Row:
        """The row of an id, by which ledger and table agree, whatever its position."""
        return self.table[row_id]

    def numbers(self, row_ids: Iterable[str]) -> list[int]:
        """Numbers in this run's own table of those of the rows that are in it."""
        return sorted(self.table[row_id].number for row_id in row_ids if row_id in self.table)

    @property
    def identifiable(self) -> bool:
        """Whether images stay as the PACS sent them."""
        return self.project.deid.base == "none"

    @property
    def staging(self) -> Path:
        """Folder of the instances that are held and of what was converted from them."""
        return self.project.workdir / "staging"

    @property
    def reports(self) -> Path:
        """Folder of plans and reports."""
        return self.project.workdir / "report"

    def pseudonyms(self) -> dict[str, str]:
        """Patient id -> pseudonym, of the patients met so far."""
        return {link.patient_id: link.pseudonym for link in self.vault.known()} if self.vault else {}

    def pseudonyms_of_studies(self) -> dict[str, str]:
        """Study Instance UID -> pseudonym, of the studies of which images were met."""
        return {uid: link.pseudonym for uid, link in self.vault.studies().items()} if self.vault else {}

    def tell(self, what: str, number: int = 1) -> None:
        """Tell the listeners."""
        for listener in self.listeners:
            listener(what, number)

    def advise(self, about: str, error: PacsflowError | None) -> None:
        """Remember the fix of what keeps a row or a study from being done; forget it where nothing does."""
        if error and error.fix:
            self.advice[about] = error.fix
        else:
            self.advice.pop(about, None)

    def another_turn(self, study_key: str) -> None:
        """Have this run look at a study that it may have had its turn at."""
        self.referred.add(study_key)
        self.tried.discard(study_key)

    def stop(self) -> None:
        """End what is under way as soon as can be, and begin nothing new: the next run goes on."""
        self.tell("stopping")
        for pool in (*self.pools, *filter(None, [self.arrivals])):
            pool.stop()

    @property
    def paused(self) -> bool:
        """Whether work was sent away, as a node may not be asked at this hour, or a person paused the project."""
        return any(pool.paused for pool in self.pools)

    @property
    def held(self) -> bool:
        """Whether work was sent away as a person paused the project."""
        return any(pool.held for pool in self.pools)

    def traffic(self, node: str = "", **numbers: int) -> None:
        """Count what was asked of a node: of that of pacs.yaml where no other is named."""
        traffic.count(self.ledger, node or self.project.pacs.name, {k: v for k, v in numbers.items() if v})


@dataclass
class Wishes:
    """What is wished of the next session of a project before it is open."""

    listeners: list[Listener] = field(default_factory=list)
    hours_overridden: str = ""


class Registry:
    """The open sessions of this process and the wishes for those to come, by the path of the project's folder.

    Two runs of one project are never open at once (`at_work` refuses the second); a plan may be open beside a run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, list[Session]] = {}
        self._wishes: dict[str, Wishes] = {}

    def of(self, project: str) -> Session:
        """The session of a project that was opened last. Raises KeyError where none is open."""
        return self._open[project][-1]

    def wish(self, project: str) -> Wishes:
        """The wishes for the next session of a project, to be added to."""
        with self._lock:
            return self._wishes.setdefault(project, Wishes())

    def granted(self, project: str) -> Wishes:
        """The wishes for a session that opens now; they hold for no further one."""
        with self._lock:
            return self._wishes.pop(project, Wishes())

    @contextmanager
    def holding(self, opened: Session) -> Iterator[None]:
        """Have the tasks of a run find its session while it is open."""
        project = str(opened.project.folder)
        with self._lock:
            self._open.setdefault(project, []).append(opened)
        try:
            yield
        finally:
            with self._lock:
                self._open[project] = [one for one in self._open[project] if one is not opened]
                if not self._open[project]:
                    del self._open[project]


REGISTRY: Final = Registry()


def session(project: str) -> Session:
    """The open session of a project folder (its absolute path as text). Raises KeyError where none is open."""
    return REGISTRY.of(project)


def listen(project: str, listener: Listener) -> None:
    """Have `listener` hear of the progress of the next session of a project folder."""
    REGISTRY.wish(project).listeners.append(listener)


def override_hours(project: str, reason: str) -> None:
    """Have the next session of a project folder ask outside the node's hours; the reason is recorded."""
    REGISTRY.wish(project).hours_overridden = reason
