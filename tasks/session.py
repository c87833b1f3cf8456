"""What a run has open, by project: the tasks of the run find it here, as only references travel between them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from pacsflow.deid import compile_profile
from pacsflow.deid.contract import Cleaner
from pacsflow.discretion import keep_libraries_quiet
from pacsflow.errors import LedgerError, PacsflowError
from pacsflow.ledger import Ledger, open_ledger, outcomes, rows, setting, traffic
from pacsflow.ledger.book import canonical
from pacsflow.ledger.studies import new_owner
from pacsflow.ledger.traffic import Slowed
from pacsflow.projects import Project
from pacsflow.pseudonyms import Means, day_shifts, pseudonyms_of, wanting
from pacsflow.query import Row, load
from pacsflow.scratch import scratch
from pacsflow.secrets import project_key, register_resolver, resolve
from pacsflow.vault import Vault
from schemas.pacs import PacsNode
from tasks.blocks import secret_block
from tasks.caution import Slowing
from tasks.clock import SYSTEM, Clock
from tasks.lanes import LanePool
from tasks.pseudonyms import pseudonyms_of_rows, reopen_refused

register_resolver("prefect", secret_block)

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
    hurry: str = ""
    """Why this run asks outside the nodes' hours; empty where it keeps to them."""
    others: Mapping[str, LanePool] = field(default_factory=dict)
    arrivals: LanePool | None = None
    wanting: Callable[[str], str] = lambda _patient_id: ""
    """Why a Patient ID has no pseudonym, '' where it has one. Raises ServiceError."""
    advice: dict[str, str] = field(default_factory=dict)
    """What to do about rows and studies that are not done: number of a row, or key of a study, -> a remedy."""

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
        """The row of a 1-based number."""
        return self.rows[number - 1]

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

    def tell(self, what: str, number: int = 1) -> None:
        """Tell the listeners."""
        for listener in self.listeners:
            listener(what, number)

    def advise(self, about: str, error: PacsflowError | None) -> None:
        """Remember the remedy of what keeps a row or a study from being done; forget it where nothing does."""
        if error and error.remedy:
            self.advice[about] = error.remedy
        else:
            self.advice.pop(about, None)

    def stop(self) -> None:
        """End what is under way as soon as can be, and begin nothing new: the next run goes on."""
        self.tell("stopping")
        for pool in (*self.pools, *filter(None, [self.arrivals])):
            pool.stop()

    @property
    def paused(self) -> bool:
        """Whether work was sent away, as a node may not be asked at this hour."""
        return any(pool.paused for pool in self.pools)

    def traffic(self, node: str = "", **numbers: int) -> None:
        """Count what was asked of a node: of that of pacs.yaml where no other is named."""
        traffic.count(self.ledger, node or self.project.pacs.name, {k: v for k, v in numbers.items() if v})


_sessions: dict[str, Session] = {}
_listeners: dict[str, list[Listener]] = {}
_hurries: dict[str, str] = {}


def session(project: str) -> Session:
    """The open session of a project folder (its absolute path as text)."""
    return _sessions[project]


def listen(project: str, listener: Listener) -> None:
    """Have `listener` hear of the progress of the next session of a project folder."""
    _listeners.setdefault(project, []).append(listener)


def hurry(project: str, reason: str) -> None:
    """Have the next session of a project folder ask outside the node's hours; the reason is recorded."""
    _hurries[project] = reason


@contextmanager
def open_session(project: str, *, action: str, clock: Clock = SYSTEM) -> Iterator[Session]:
    """Load the project, open ledger and vault, check key and profile; nothing is asked of the PACS yet.

    Raises ProjectError, SecretError, KeyMismatchError, LedgerError.
    """
    keep_libraries_quiet()
    with ExitStack() as stack:
        loaded, table = load(Path(project))
        name = str(loaded.folder)
        opened = _open(stack, loaded, table, clock=clock)
        if action == "run" and opened.vault:
            reopen_refused(opened.ledger, opened.wanting)
        opened.listeners.extend(_listeners.pop(name, []))
        facts = {"profile": opened.cleaner.fingerprint(), "outside hours": opened.hurry}
        outcomes.begin_run(opened.ledger, owner=opened.owner, action=action, facts=facts)
        _sessions[name] = opened
        stack.callback(_sessions.pop, name)
        try:
            yield opened
        except BaseException as error:
            with suppress(Exception):
                outcomes.end_run(opened.ledger, opened.owner, type(error).__name__)
            raise
        outcomes.end_run(opened.ledger, opened.owner, "ended")


def _open(stack: ExitStack, project: Project, table: tuple[Row, ...], *, clock: Clock) -> Session:
    key = key_of(project)
    ledger = open_ledger_of(project)
    stack.callback(ledger.close)
    stack.enter_context(private_scratch(project))
    vault = Vault(project.workdir / "private" / "vault", key) if key else None
    means = means_of(project, ledger, table, vault)
    given = pseudonyms_of(means) if vault else None
    cleaner = compile_profile(project.deid, key or b"", pseudonyms=given)
    _same_profile(ledger, cleaner.fingerprint())
    rows.sync(ledger, ((r.id, r.number, _asked(project, r)) for r in table))
    (project.workdir / "staging").mkdir(mode=0o700, exist_ok=True)
    reason = _hurries.pop(str(project.folder), "")

    def lanes_to(node: PacsNode) -> LanePool:
        pool = _lanes(node.model_copy(update={"hours": None}) if reason else node, ledger, clock)
        stack.callback(pool.close)
        return pool

    others = {node.name: lanes_to(node) for node in project.fallback}
    arrivals = lanes_to(project.arrivals) if project.arrivals else None
    if arrivals:
        arrivals.allow(1)
    lanes, owner = lanes_to(project.pacs), new_owner()
    opened = Session(project, table, ledger, vault, cleaner, lanes, owner, hurry=reason)
    opened = replace(opened, others=others, arrivals=arrivals)
    return replace(opened, wanting=wanting(means)) if vault else opened


def _lanes(node: PacsNode, ledger: Ledger, clock: Clock) -> LanePool:
    """Lanes to a node, whose troubles are written down."""

    def slowed(told: Slowing) -> None:
        traffic.note_slowing(ledger, Slowed(clock.now(), node.name, told.why, told.lanes, told.gap))

    return LanePool(node, clock=clock, slowed=slowed)


def means_of(project: Project, ledger: Ledger, table: tuple[Row, ...], vault: Vault | None) -> Means:
    """What the project's source of pseudonyms draws from."""
    patient = project.deid.patient
    of_rows = pseudonyms_of_rows(ledger, table, patient.column or "")
    shifts = project.deid.dates.source == "api"
    return Means(
        patient, vault, of_rows, project.settings.name, service_shifts=shifts, day_shifts=day_shifts(project.deid)
    )


def _asked(project: Project, row: Row) -> str:
    """Digest of all that decides what a row finds: another digest means the row is asked anew."""
    query = project.query
    cut_at = project.pacs.limits.results_per_query
    parts = [dict(row.keys), query.level, query.series.model_dump(), query.guards.model_dump(), cut_at]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def _same_profile(ledger: Ledger, fingerprint: str) -> None:
    """Instances held under two profiles must not be mixed."""
    if setting(ledger, "profile") not in (None, fingerprint):
        raise LedgerError(
            "deid.yaml says something else than when this project's first images were fetched",
            remedy="put the former profile back, or set another workdir and fetch anew under the new one",
        )
    setting(ledger, "profile", fingerprint)


def private_scratch(project: Project) -> AbstractContextManager[Path]:
    """A place for temporary files, below the project's private folder; see `scratch`."""
    private = project.workdir / "private"
    private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return scratch(private / "temporary")


def open_ledger_of(project: Project) -> Ledger:
    """The ledger of a project, its key checked. Raises KeyMismatchError, LedgerError, SecretError."""
    where = project.settings.ledger
    place = project.workdir / "private" / "ledger.sqlite" if where == "sqlite" else resolve(where)
    return open_ledger(place, project=project.settings.name, key=key_of(project))


def key_of(project: Project) -> bytes | None:
    """The project's key; None where nothing is de-identified."""
    return project_key(project.deid) if project.deid.base != "none" else None
