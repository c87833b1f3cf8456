"""The report: the user's table back, a page to show, a record without names."""

import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version

from pacsflow.export.names import in_names
from pacsflow.extras import missing
from pacsflow.ledger import outcomes, studies, traffic
from pacsflow.ledger.outcomes import Delivery
from pacsflow.ledger.summary import StudyState, doubled
from pacsflow.ledger.withdrawals import EXCLUDED
from pacsflow.report.page import write_page
from pacsflow.report.record import write_record
from pacsflow.report.records import RowOutcome, RunSummary, StudyOutcome
from pacsflow.report.sheets import WORKBOOK_ROWS
from pacsflow.report.table import write_table
from pacsflow.run.node_remarks import remarks
from pacsflow.run.receiving_entity import sent_to
from pacsflow.run.reporting.decoration import decorated
from pacsflow.run.reporting.kept import is_long, kept
from pacsflow.run.reporting.left_behind import left_behind
from pacsflow.run.reporting.report_cache import cache, cached, stamp
from pacsflow.run.reporting.row_outcomes import FINISHED, beside, new_studies, outcomes_of
from pacsflow.run.reporting.series_table import FILES as SERIES_TABLE
from pacsflow.run.reporting.series_table import write_series_table
from pacsflow.run.session import Session
from pacsflow.wording import counted
from schemas.converters import CONVERTERS

FILES = ("results.csv", "results.xlsx", "report.html", "run.json")
REASONS = 20
"""How many kinds of reasons, why rows are not done, a record names."""
NAMED = 10
"""How many studies a note names."""
CONVERTING = [spec.package for spec in CONVERTERS.values() if spec.package]
PACKAGES = ("pacsflow", "prefect", "pynetdicom", "pydicom", "pandas", *CONVERTING)


@dataclass(frozen=True)
class RowLeft:
    """A row that is not done, by its number: what may be said of it anywhere."""

    number: int
    status: str


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: whether nothing is left to do for anybody, a sentence of numbers, rows by status.

    `left`: the rows that are not done.
    """

    finished: bool
    sentence: str
    statuses: Mapping[str, int] = field(default_factory=dict)
    left: tuple[RowLeft, ...] = ()


def write_report(run: Session) -> RunOutcome:
    """Write `results.csv`, `results.xlsx` (identifying, 0600), `report.html`, `run.json`.

    Memory does not grow with the rows of a large table: they lie in a file meanwhile, see `kept`.
    """
    found = outcomes_of(run)
    write_files(run, found)
    statuses = Counter(a.status for a in found)
    sentence = ", ".join(f"{number} {status}" for status, number in statuses.most_common()) or "no rows"
    sentence = f"{len(found)} row{'s' * (len(found) != 1)}: {sentence}"
    left = tuple(RowLeft(a.row.number, a.status) for a in found if a.status not in FINISHED)
    return RunOutcome(not left, sentence, dict(statuses.most_common()), left)


def write_files(run: Session, found: Sequence[RowOutcome]) -> None:
    """Write the report's files where anything changed: table and record first, then the page, which has pictures."""
    slowed = traffic.slowings(run.ledger, since=run.began)
    own = (name for name in FILES if name != "results.xlsx" or len(found) <= WORKBOOK_ROWS)
    wanted = (*own, *(SERIES_TABLE if run.project.export.header_table else ()))
    asked = (traffic.total(run.ledger), len(slowed), remarks(run), fixes(run, found), left_behind(run.ledger))
    delivered = outcomes.done(run.ledger) if run.project.export.header_table else {}
    told = (bool(run.paused), run.hours_overridden, sorted(delivered.items()), *asked)
    stamped = stamp(run, found, *told)
    if cached(run, "report", stamped, [run.reports / name for name in wanted]) is None:
        summary = _summary(run, found)
        write_table(summary, run.reports)
        write_record(summary, run.reports / "run.json")
        write_page(decorated(run, summary), run.reports / "report.html")
        write_series_table(run)
        cache(run, "report", stamped)


def _summary(run: Session, found: Sequence[RowOutcome]) -> RunSummary:
    settings = run.project.settings
    finished = all(a.status in FINISHED for a in found)
    return RunSummary(
        project=settings.name,
        outcome="complete" if finished else "paused" if run.paused else "partly",
        started=run.began,
        ended=datetime.now().astimezone(),
        rows=found,
        studies=kept(_studies(run, found), len(found)),
        title=settings.title,
        contact=settings.contact,
        ethics=settings.ethics,
        profile=tuple(run.cleaner.describe()),
        identifiable=run.identifiable,
        fingerprints={"profile": run.cleaner.fingerprint(), "configuration": _configuration(run)},
        versions={
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES if not missing(name)},
        },
        traffic=traffic.total(run.ledger),
        hours=tuple(traffic.by_hour(run.ledger)),
        slowdowns=tuple(traffic.slowings(run.ledger, since=run.began)),
        outside_hours=run.hours_overridden,
        sent_to=sent_to(run.project),
        notes=(*remarks(run), *_doubled(run), *left_behind(run.ledger)),
        left=dict(Counter((a.status, a.reason) for a in found if _is_told(a)).most_common(REASONS)),
        fixes=fixes(run, found),
        left_behind=left_behind(run.ledger),
        converters=_converters(run),
    )


def _converters(run: Session) -> tuple[str, ...]:
    """Packages of the converters that the project names, each once."""
    used = (CONVERTERS[one.converter].package for one in run.project.export.nifti)
    return tuple(dict.fromkeys(filter(None, used)))


def _is_told(one: RowOutcome) -> bool:
    """Whether the end of a run names a row and why: those that are not done, and those nothing came of."""
    return one.status not in FINISHED or one.status in ("refused", EXCLUDED)


def fixes(run: Session, found: Iterable[RowOutcome]) -> tuple[str, ...]:
    """What to do about the rows that are not done, as this run's errors say; the most frequent first."""
    open_rows = (one for one in found if one.status not in FINISHED) if run.advice else ()
    about = ({f"row {one.row.number}", *(study.key for study in one.studies)} for one in open_rows)
    told = Counter(fix for each in about for fix in {run.advice.get(key, "") for key in each} if fix)
    return tuple(fix for fix, _ in told.most_common())


def _doubled(run: Session) -> Iterator[str]:
    """That images of several studies or series go by one UID: a target that files by UID would keep one of them."""
    if found := doubled(run.ledger):
        named = ", ".join(f"study {key}" for key in list(found)[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        yield (
            f"{counted(sum(found.values()), 'image shares', 'images share')} their SOP Instance UID with "
            f"another image: {named}{more}"
        )


def _configuration(run: Session) -> str:
    """Digest of the project's configuration, rows apart."""
    project = run.project
    models = (project.settings, project.pacs, *project.fallback, project.deid, project.export)
    return studies.digest_of(model.model_dump_json() for model in models)


@dataclass(frozen=True)
class _Shared:
    """What the outcomes of all studies need: patient and study -> pseudonym."""

    pseudonyms: dict[str, str]
    of_studies: dict[str, str]


def _studies(run: Session, found: Sequence[RowOutcome]) -> Iterator[StudyOutcome]:
    """The studies that rows take, each once, in the order of the first row that does."""
    shared = _Shared(run.pseudonyms(), run.pseudonyms_of_studies())
    for part, fresh in new_studies(found):
        wants = {key for one in beside(run, part, found) for key in one.row.wants}
        delivered = outcomes.deliveries_of(run.ledger, [a.row.id for a in part] if is_long(found) else None)
        yield from (_study(run, study, wants, shared, delivered.get(study.key, ())) for study in fresh)


def _study(
    run: Session, study: StudyState, wants: set[str], shared: _Shared, deliveries: tuple[Delivery, ...]
) -> StudyOutcome:
    pseudonym = shared.of_studies.get(study.attributes.get("StudyInstanceUID", "")) or shared.pseudonyms.get(
        study.attributes.get("PatientID", ""), ""
    )
    spelled = in_names(pseudonym)[0]
    return StudyOutcome(
        study,
        tuple(one for one in study.series if one.key in wants),
        node=run.node(study.node).name,
        pseudonym=pseudonym,
        in_folders=spelled if spelled != pseudonym else "",
        deliveries=deliveries,
    )
