"""What a connection asks, and by whose rules: the nodes of a project, or a node that was named in the call."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from pydicom import Dataset

from pacsflow.deid.contract import Cleaner, Person
from pacsflow.dicom.contract import Lane
from pacsflow.errors import ArgumentError
from pacsflow.projects.project import Project
from pacsflow.query.loading import load
from pacsflow.query.row import Row
from pacsflow.redaction import as_a_guest
from pacsflow.run.barring import barred_study
from pacsflow.run.lanes.local_slots import local_slots
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.search import Search
from pacsflow.run.session import Session
from pacsflow.vault import Link
from schemas.deid import DeidProfile
from schemas.pacs import PacsNode
from schemas.query import Query

PATIENCE = 60.0
"""Seconds that a call waits for an association that something else on this computer uses."""


class OpenRetrieval(Protocol):
    """A retrieval of `datasets` that is under way. `consumer`: the thread that takes the datasets."""

    consumer: int

    def waits_at(self, node: str) -> bool:
        """Whether an association to a node is held, and waits until a dataset is taken."""


@dataclass
class PacsSource:
    """Nodes by name ('' is the first), lanes to each, and the rules that answers and images pass.

    `project` and `session` are None where a node was named in the call: then images come raw only.
    """

    nodes: Mapping[str, PacsNode]
    pools: Mapping[str, LanePool]
    query: Query
    project: Project | None = None
    session: Session | None = None
    _open: ExitStack = field(default_factory=ExitStack)
    streams: list[OpenRetrieval] = field(default_factory=list)
    """Retrievals of `datasets` that are under way."""

    @contextmanager
    def lane(self, name: str) -> Iterator[Lane]:
        """A lane to a node for one piece of work. Raises PausedError outside its hours, BusyError, PacsError."""
        with self.slot(name), self.pools[name].borrow() as lane:
            yield lane

    @contextmanager
    def slot(self, name: str, *, asker: int | None = None) -> Iterator[LanePool]:
        """One association to a node, to be borrowed from its pool again and again. Raises PausedError, BusyError.

        `asker`: the thread that waits for what is asked; None: this one.
        """
        pool, useless = self.pools[name], partial(self._stuck, name, asker or threading.get_ident())
        pool.keep_hours()
        with local_slots(pool, most=1, patience=PATIENCE, useless=useless):
            yield pool

    def _stuck(self, name: str, asker: int) -> str:
        """Why no association to a node becomes free: those who wait for it are to take what holds all of them."""
        stuck = [one for one in self.streams if one.consumer == asker and one.waits_at(name)]
        enough = len(stuck) >= self.pools[name].most
        return "an unfinished datasets() of the same thread waits until its images are taken" if enough else ""

    def keep_free(self) -> None:
        """Make sure that no loop over `datasets` in this thread holds all associations to a node. Raises BusyError."""
        for name in self.nodes if any(one.consumer == threading.get_ident() for one in self.streams) else ():
            with self.slot(name):
                pass

    def search(self, lane: Lane, row: Row, name: str) -> Search:
        """The questions of a row, put to a node over a lane."""
        asked, barred = partial(self.count, name, find=1), self.barred
        return Search(lane, row, self.query, ceiling=self.pools[name].ceiling, asked=asked, barred=barred)

    def barred(self, answer: Dataset) -> str:
        """Why a study is left out: its patient is excluded, or a person withdrew it; '' where neither is so."""
        return barred_study(self.session.ledger, self.session.exclusions, answer) if self.session else ""

    def count(self, name: str, **numbers: int) -> None:
        """Count what was asked of a node, where a project keeps account of it."""
        if self.session:
            self.session.traffic(self.nodes[name].name, **numbers)

    def cleaner(self, *, raw: bool) -> Cleaner:
        """What images pass: the project's profile, or nothing where they are raw. Raises ArgumentError."""
        if raw:
            from pacsflow.deid.compile import compile_profile

            return compile_profile(DeidProfile(base="none"), b"")
        if self.session is None:
            raise without_profile()
        return self.session.cleaner

    def nameless(self, patient_id: str, *, raw: bool) -> str:
        """Why a patient has no pseudonym; '' where he has one, or needs none. Raises ServiceError."""
        return self.session.missing_reason(patient_id) if self.session and patient_id and not raw else ""

    def remember(self, person: Person, *, raw: bool) -> None:
        """Have the project's vault know a patient whose image was de-identified."""
        if self.session and self.session.vault and not raw:
            link = Link(person.patient_id, person.issuer, person.pseudonym, person.shift_days)
            self.session.vault.record(link)

    def close(self) -> None:
        """Release all associations, and what the project keeps open."""
        for pool in self.pools.values():
            pool.close()
        self._open.close()


def without_profile() -> ArgumentError:
    """What is wrong where images are asked for without a profile to de-identify them by."""
    return ArgumentError(
        "there is no project whose profile could de-identify the images",
        fix="connect to a project folder; or say raw=True: the images are then IDENTIFIABLE, as the PACS sends them",
    )


def project_source(folder: Path) -> PacsSource:
    """The nodes of a project, asked beside its runs. Raises ProjectError, SecretError, LedgerError and their kin."""
    from pacsflow.run.opening import open_apart

    project, rows = load(folder)
    with ExitStack() as stack, as_a_guest():
        session = stack.enter_context(open_apart(project, rows))
        pools = {name: session.lanes_to(name) for name in project.nodes}
        return PacsSource(project.nodes, pools, project.query, project, session, stack.pop_all())


def node_source(nodes: tuple[PacsNode, ...]) -> PacsSource:
    """A node that was named in the call, and its fallbacks."""
    with as_a_guest():
        known = {"": nodes[0], **{node.name: node for node in nodes[1:]}}
        return PacsSource(known, {name: LanePool(node) for name, node in known.items()}, Query())
