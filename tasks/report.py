"""The report: the user's table back, a page to show, a record without names."""

import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from prefect.artifacts import create_table_artifact
from pydicom import dcmread

from pacsflow.ledger import outcomes, studies, traffic
from pacsflow.ledger.outcomes import Output
from pacsflow.ledger.studies import Instance
from pacsflow.ledger.summary import SeriesState, StudyState, doubled
from pacsflow.ledger.traffic import HourOfTraffic
from pacsflow.report import (
    DeliveryResult,
    RowResult,
    RunSummary,
    SeriesResult,
    Slowdown,
    StudyResult,
    TrafficHour,
    middle_slice,
    write_page,
    write_record,
    write_table,
)
from tasks.account import FINISHED, Account, accounts, called
from tasks.elsewhere import sent_to
from tasks.greet import remarks
from tasks.session import Session
from tasks.unchanged import remember, remembered, stamp

FILES = ("results.csv", "results.xlsx", "report.html", "run.json")
PICTURES = 24
REASONS = 20
"""How many kinds of reasons, why rows are not done, a record names."""
NAMED = 10
"""How many studies a note names."""
PACKAGES = ("pacsflow", "prefect", "pynetdicom", "pydicom", "pandas", "dicom2nifti", "dcm2niix")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: whether nothing is left to do for anybody, and a sentence of numbers."""

    finished: bool
    sentence: str


def write_report(run: Session) -> Outcome:
    """Write `results.csv`, `results.xlsx` (identifying, 0600), `report.html`, `run.json`; numbers into Prefect."""
    found = accounts(run.ledger, run.project)
    slowed = traffic.slowings(run.ledger, since=run.began)
    asked = (traffic.total(run.ledger), len(slowed), remarks(run), mends(run, found))
    stamped = stamp(run, found, bool(run.paused), run.hurry, *asked)
    if remembered(run.ledger, "report", stamped, [run.reports / name for name in FILES]) is None:
        summary = _summary(run, found)
        write_table(summary, run.reports)
        write_page(summary, run.reports / "report.html")
        write_record(summary, run.reports / "run.json")
        remember(run.ledger, "report", stamped)
    statuses = Counter(a.status for a in found)
    sentence = ", ".join(f"{number} {status}" for status, number in statuses.most_common()) or "no rows"
    rows = [{"status": status, "rows": number} for status, number in statuses.most_common()]
    sentence = f"{len(found)} row{'s' * (len(found) != 1)}: {sentence}"
    create_table_artifact(rows, key="rows", description=sentence)
    return Outcome(all(a.status in FINISHED for a in found), sentence)


def _summary(run: Session, found: list[Account]) -> RunSummary:
    settings = run.project.settings
    taken = {study.key: study for one in found for study in one.studies}
    wants = {key for one in found for key in one.row.wants}
    shared = _Shared(wants, run.pseudonyms(), _Pictures(run))
    results = tuple(_study(run, study, shared) for study in taken.values())
    finished = all(a.status in FINISHED for a in found)
    return RunSummary(
        project=settings.name,
        outcome="complete" if finished else "paused" if run.paused else "partly",
        started=run.began,
        ended=datetime.now().astimezone(),
        rows=tuple(_row(run, one) for one in found),
        studies=results,
        title=settings.title,
        contact=settings.contact,
        ethics=settings.ethics,
        profile=tuple(run.cleaner.describe()),
        identifiable=run.identifiable,
        fingerprints={"profile": run.cleaner.fingerprint(), "configuration": _configuration(run)},
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        traffic=traffic.total(run.ledger),
        hours=tuple(map(_hour, traffic.by_hour(run.ledger))),
        slowdowns=tuple(
            Slowdown(one.at, one.node, one.why, one.lanes, one.gap)
            for one in traffic.slowings(run.ledger, since=run.began)
        ),
        outside_hours=run.hurry,
        sent_to=sent_to(run.project),
        notes=(*remarks(run), *_doubled(run)),
        left=dict(Counter((a.status, a.reason) for a in found if a.status not in FINISHED).most_common(REASONS)),
        mends=mends(run, found),
    )


def mends(run: Session, found: list[Account]) -> tuple[str, ...]:
    """What to do about the rows that are not done, as this run's errors say; the most frequent first."""
    open_rows = [one for one in found if one.status not in FINISHED]
    about = ({f"row {one.row.number}", *(study.key for study in one.studies)} for one in open_rows)
    told = Counter(mend for each in about for mend in {run.advice.get(key, "") for key in each} if mend)
    return tuple(mend for mend, _ in told.most_common())


def _doubled(run: Session) -> Iterator[str]:
    """That images of several studies or series go by one UID: a target that files by UID would keep one of them."""
    if found := doubled(run.ledger):
        named = ", ".join(f"study {key}" for key in list(found)[:NAMED])
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        yield f"{sum(found.values())} images share their SOP Instance UID with another image: {named}{more}"


def _hour(hour: HourOfTraffic) -> TrafficHour:
    counts = hour.counts
    asked = counts["find"] + counts["echo"]
    return TrafficHour(hour.begin, hour.node, asked, counts["retrievals"], counts["images"], counts["bytes"])


def _configuration(run: Session) -> str:
    """Digest of the project's configuration, rows apart."""
    project = run.project
    models = (project.settings, project.pacs, *project.fallback, project.deid, project.export)
    return studies.digest_of(model.model_dump_json() for model in models)


def _row(run: Session, one: Account) -> RowResult:
    row, counts = one.row, one.counts
    keys = tuple(study.key for study in one.studies)
    facts = (one.status, one.reason, tuple(row.warnings), keys, len(one.series))
    cells = run.row(row.number).cells
    return RowResult(row.number, called(run, one), *facts, counts["announced"], counts["held"], cells)


class _Pictures:
    """Middle slices of the first series that have something to show."""

    def __init__(self, run: Session) -> None:
        self._run = run
        self._left = 0 if run.identifiable else PICTURES

    def of(self, held: list[Instance]) -> bytes | None:
        """A PNG, or None: nothing to show, or enough shown."""
        if not held or not self._left:
            return None
        png = middle_slice([self._run.staging / i.path for i in held])
        self._left -= png is not None
        return png


@dataclass(frozen=True)
class _Shared:
    """What the results of all studies need: keys of the wanted series, patient -> pseudonym, pictures."""

    wants: set[str]
    pseudonyms: dict[str, str]
    pictures: _Pictures


def _study(run: Session, study: StudyState, shared: _Shared) -> StudyResult:
    held: dict[str, list[Instance]] = {}
    for instance in studies.instances(run.ledger, study.key, "held"):
        held.setdefault(instance.series_key, []).append(instance)
    outputs = {output.series_key: output for output in outcomes.outputs(run.ledger, study.key)}
    mine = [s for s in study.series if s.key in shared.wants]
    counts: Counter[str] = Counter()
    for one in mine:
        counts.update(one.counts)
    known = sum(counts.values()) or sum(s.announced or 0 for s in mine)
    return StudyResult(
        key=study.key,
        pseudonym=shared.pseudonyms.get(study.attributes.get("PatientID", ""), ""),
        status=study.status,
        reason=study.reason,
        expected=known,
        received=counts["held"],
        refused=counts["refused"],
        size=sum(s.size for s in mine),
        series=tuple(
            _series(run, s, outputs.get(s.key), held=held.get(s.key, []), pictures=shared.pictures) for s in mine
        ),
        deliveries=_deliveries(run, study),
        proof=study.proof,
        node=run.node(study.node).name,
        sent=counts["sent"],
    )


def _deliveries(run: Session, study: StudyState) -> tuple[DeliveryResult, ...]:
    known = outcomes.deliveries(run.ledger, study.key).values()
    return tuple(DeliveryResult(d.target, d.status, d.reason, tuple(d.files)) for d in known)


def _series(
    run: Session, series: SeriesState, output: Output | None, *, held: list[Instance], pictures: _Pictures
) -> SeriesResult:
    refusals = tuple(f"{number} images refused: {why}" for why, number in sorted(series.refusals.items()))
    return SeriesResult(
        number=series.attributes.get("SeriesNumber", ""),
        description=_cleaned_description(run, held),
        modality=series.attributes.get("Modality", ""),
        received=series.counts["held"],
        expected=sum(series.counts.values()) or series.announced,
        converted=output.status if output else "",
        reason=output.reason if output else "",
        warnings=(*refusals, *(output.warnings if output else ())),
        picture=pictures.of(held),
    )


def _cleaned_description(run: Session, held: list[Instance]) -> str:
    """The description that the cleaned files have: the original may hold anything."""
    if not held or run.identifiable:
        return ""
    path = run.staging / held[0].path
    header = dcmread(path, stop_before_pixels=True, specific_tags=["SeriesDescription"])
    return str(header.get("SeriesDescription") or "")
