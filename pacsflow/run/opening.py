"""A session opened: project loaded, ledger and vault open, key and profile checked, lanes made."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pydicom import Dataset

from pacsflow.deid.compile import compile_profile
from pacsflow.deid.contract import Cleaner
from pacsflow.errors import LedgerError
from pacsflow.ledger import Ledger, traffic
from pacsflow.ledger.book import agreed, canonical
from pacsflow.ledger.pauses import PauseLook
from pacsflow.ledger.runs import Run, at_work
from pacsflow.ledger.sharing import let_go
from pacsflow.ledger.studies import new_owner
from pacsflow.ledger.traffic import Slowed
from pacsflow.projects.project import Project
from pacsflow.pseudonyms import missing_reason, pseudonyms_of
from pacsflow.query.exclusions import load_exclusions
from pacsflow.query.loading import load
from pacsflow.query.row import Row
from pacsflow.redaction import keep_libraries_quiet
from pacsflow.run.fetching.referred import look_again
from pacsflow.run.lanes.clock import SYSTEM, Clock
from pacsflow.run.lanes.pool import LanePool
from pacsflow.run.lanes.throttle import Slowing
from pacsflow.run.people.held_pictures import held_pictures
from pacsflow.run.pseudonyms import reopen_refused
from pacsflow.run.session import REGISTRY, Session, Wishes
from pacsflow.run.stores import key_of, open_ledger_of, private_scratch, pseudonym_context, work_directory_name
from pacsflow.run.vaults import open_vault
from schemas.pacs import PacsNode


@contextmanager
def open_session(project: str, *, action: str, clock: Clock = SYSTEM) -> Iterator[Session]:
    """Load the project, open ledger and vault, check key and profile; nothing is asked of the PACS yet.

    Raises ProjectError, SecretError, KeyMismatchError, LedgerError; BusyError while another run is at work on it.
    """
    loaded, table = load(Path(project))
    with open_loaded(loaded, table, action=action, clock=clock) as opened:
        yield opened


@contextmanager
def open_loaded(
    project: Project,
    table: tuple[Row, ...],
    *,
    action: str,
    clock: Clock = SYSTEM,
    vault: Path | None = None,
    barred: Callable[[Dataset], str] = lambda _answer: "",
) -> Iterator[Session]:
    """As `open_session`, of a project that is in memory already; `vault`: another place than in its workdir.

    `barred`: why a study is left out beside what the project says, as `Session.barred`.
    """
    keep_libraries_quiet()
    with ExitStack() as stack:
        opening = _Opening(stack, project, table, vault=vault)
        opened = opening.session(REGISTRY.granted(str(project.folder)), action=action, clock=clock, barred=barred)
        if action == "run" and opened.vault:
            reopen_refused(opened.ledger, opened.missing_reason)
        if action == "run":
            look_again(opened)
        stack.enter_context(REGISTRY.holding(opened))
        yield opened


@contextmanager
def open_apart(project: Project, table: tuple[Row, ...]) -> Iterator[Session]:
    """A session that no step finds by its project: for questions beside a run, which it leaves alone.

    Raises as `open_session`.
    """
    keep_libraries_quiet()
    with ExitStack() as stack:
        yield _Opening(stack, project, table).session(Wishes(), action="plan", clock=SYSTEM)


class _Opening:
    """What a session holds, opened in an order in which each needs only those before it; the stack closes all."""

    def __init__(
        self, stack: ExitStack, project: Project, table: tuple[Row, ...], *, vault: Path | None = None
    ) -> None:
        self._stack, self._project, self._table = stack, project, table
        self._key = key_of(project)
        self._ledger = open_ledger_of(project)
        stack.callback(self._ledger.close)
        stack.enter_context(private_scratch(project))
        self._vault = open_vault(project, self._ledger, self._key, vault) if self._key else None
        self._context = pseudonym_context(project, self._ledger, table, self._vault)

    def session(
        self, wishes: Wishes, *, action: str, clock: Clock, barred: Callable[[Dataset], str] = lambda _answer: ""
    ) -> Session:
        """The session: profile compared, rows written down, lanes made, of which none is open yet."""
        project, ledger, vault = self._project, self._ledger, self._vault
        cleaner, owner = self._cleaner(), new_owner()
        place, workers = work_directory_name(project), project.settings.workers
        facts = {"profile": cleaner.fingerprint(), "outside hours": wishes.hours_overridden}
        beginning = Run(owner, action, {**facts, "place": place, "workers": workers})
        asked = [(row.id, row.number, _asked(project, row)) for row in self._table]
        self._stack.enter_context(at_work(ledger, beginning, asked))
        shared = workers > 1 and action == "run"
        if shared:
            self._stack.callback(let_go, ledger, owner)
        (project.workdir / "staging").mkdir(mode=0o700, exist_ok=True)
        lanes_to = partial(self._lanes, clock=clock, at_all_hours=bool(wishes.hours_overridden))
        others = {node.name: lanes_to(node) for node in project.fallback}
        arrivals = lanes_to(project.arrivals) if project.arrivals else None
        if arrivals:
            arrivals.allow(1)
        return Session(
            project,
            self._table,
            ledger,
            vault,
            cleaner,
            lanes_to(project.pacs),
            owner,
            listeners=wishes.listeners,
            hours_overridden=wishes.hours_overridden,
            others=others,
            arrivals=arrivals,
            exclusions=load_exclusions(project),
            barred=barred,
            missing_reason=missing_reason(self._context) if vault else lambda _patient_id: "",
            place=place,
            shared=shared,
        )

    def _cleaner(self) -> Cleaner:
        """The profile compiled. Raises LedgerError where the images held were fetched under another one."""
        given = pseudonyms_of(self._context) if self._vault else None
        held = held_pictures(self._project, self._key)
        cleaner = compile_profile(self._project.deid, self._key or b"", pseudonyms=given, book=self._vault, held=held)
        _same_profile(self._ledger, cleaner)
        return cleaner

    def _lanes(self, node: PacsNode, *, clock: Clock, at_all_hours: bool) -> LanePool:
        pool = _lanes(node.model_copy(update={"hours": None}) if at_all_hours else node, self._ledger, clock)
        self._stack.callback(pool.close)
        return pool


def _lanes(node: PacsNode, ledger: Ledger, clock: Clock) -> LanePool:
    """Lanes to a node, whose troubles are written down."""

    def slowed(told: Slowing) -> None:
        traffic.note_slowing(ledger, Slowed(clock.now(), node.name, told.why, told.lanes, told.gap))

    return LanePool(node, clock=clock, slowed=slowed, held=PauseLook(ledger))


def _asked(project: Project, row: Row) -> str:
    """Digest of all that decides what a row finds: another digest means the row is asked again."""
    query = project.query
    cut_at = project.pacs.limits.results_per_query
    guards = query.guards.model_dump(exclude={"fewer_images_than_counted", "patient_differs_in_images"})  # of fetching
    parts: list[object] = [dict(row.keys), query.level, query.series.model_dump(), guards, cut_at]
    parts += [query.match_case] if query.match_case else []
    parts += [query.studies.model_dump(), row.index_date] if query.studies else []
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def _same_profile(ledger: Ledger, cleaner: Cleaner) -> None:
    """Instances held under two profiles must not be mixed; a project that was begun before `unlisted` may go on."""
    if agreed(ledger, "profile", cleaner.fingerprint()) not in (cleaner.fingerprint(), cleaner.former() or None):
        raise LedgerError(
            "deid.yaml says something else than when this project's first images were fetched",
            fix="put the former profile back (`unlisted: keep` for a project begun before that field was there), or "
            "set another workdir and fetch again under the new one",
        )
