"""The plan: what a run would fetch, in numbers, as a workbook, and whether it may go on."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from prefect.artifacts import create_table_artifact

from pacsflow.ledger import setting
from pacsflow.ledger.choices import NEW
from pacsflow.ledger.summary import SeriesState, StudyState
from pacsflow.report import HeldStudy, PlanRow, PlanSeries, PlanStudy, PlanSummary
from pacsflow.report import write_plan as write_workbook
from schemas.project import ApprovalAbove
from tasks.account import Account, accounts, called
from tasks.decisions import plan_digest
from tasks.session import Session
from tasks.unchanged import remember, remembered, stamp

MEGABYTES = {"CT": 0.53, "MR": 0.2, "PT": 0.05, "CR": 10.0, "DX": 15.0, "MG": 30.0, "US": 2.0, "XA": 8.0}
"""Usual size of an image, in MB, until the project's own images tell."""
OTHER_MEGABYTES = 0.5
MEGABYTES_PER_SECOND = 10.0
"""Speed that is assumed until the project's own fetches tell."""


@dataclass(frozen=True)
class Plan:
    """What a run would fetch, in numbers. `digest` changes when anything of it does."""

    digest: str
    sentence: str
    totals: Mapping[str, int | float]
    studies: int
    gigabytes: float


def write_plan(run: Session) -> Plan:
    """Write the plan's workbook and CSV files (identifying, 0600), and a table into Prefect (numbers only)."""
    found = accounts(run.ledger, run.project)
    stamped = stamp(run, found)
    known = remembered(run.ledger, "plan", stamped, [run.reports / "plan.xlsx", plan_file(run.project.workdir)])
    plan = Plan(**known) if known else _written(run, found)
    if not known:
        remember(run.ledger, "plan", stamped, **asdict(plan))
    rows = [{"what": name, "number": number} for name, number in plan.totals.items()]
    create_table_artifact(rows, key="plan", description=plan.sentence)
    return plan


def _written(run: Session, found: list[Account]) -> Plan:
    summary = _summary(run, found)
    write_workbook(summary, run.reports)
    statuses = Counter(a.row.status for a in found)
    wanted = [s for s in summary.series if s.wanted]
    totals: dict[str, int | float] = {
        "rows": len(found),
        **{f"rows {status}": number for status, number in sorted(statuses.items())},
        "studies": len(summary.studies),
        "series": len(wanted),
        "images": sum(s.images or 0 for s in wanted),
        "gigabytes": round(summary.gigabytes or 0.0, 2),
        "hours": round(summary.hours or 0.0, 2),
    }
    if new := sum(s.reason.startswith(NEW) for s in summary.series):
        totals["series new since chosen"] = new
    sentence = (
        f"{totals['rows']} rows, {statuses['held']} held, {statuses['unmatched']} unmatched: "
        f"{totals['studies']} studies, {totals['series']} series, {totals['images']} images, "
        f"about {totals['gigabytes']} GB and {totals['hours']} hours"
    )
    text = json.dumps({"project": summary.project, "sentence": sentence, "totals": totals}, indent=2)
    plan_file(run.project.workdir).write_text(text, encoding="utf-8")
    return Plan(plan_digest(run.ledger), sentence, totals, len(summary.studies), summary.gigabytes or 0.0)


def plan_file(workdir: Path) -> Path:
    """Where the plan's numbers are."""
    return workdir / "report" / "plan.json"


def approved(run: Session, plan: Plan) -> bool:
    """Whether a run may fetch: the plan is small enough, or a person approved this very plan."""
    rule = run.project.settings.approval
    if rule == "none":
        return True
    if isinstance(rule, ApprovalAbove):
        studies, gigabytes = rule.above.studies, rule.above.gigabytes
        large = (studies is not None and plan.studies > studies) or (
            gigabytes is not None and plan.gigabytes > gigabytes
        )
        if not large:
            return True
    given = setting(run.ledger, "approved")
    return given is not None and json.loads(given)["plan"] == plan.digest


def _summary(run: Session, found: list[Account]) -> PlanSummary:
    takers: dict[str, list[str]] = {}
    for one in found:
        for study in one.studies:
            takers.setdefault(study.key, []).append(called(run, one))
    planned = {s.key: s for one in found for s in one.studies}
    wants = {key for one in found for key in one.row.wants}
    sizes = _sizes(planned.values())
    series = [
        PlanSeries(study.key, tuple(takers[study.key]), {**study.attributes, **s.attributes}, s.announced, *why)
        for study in planned.values()
        for s in study.series
        for why in [(s.key in wants, s.reason, s.key)]
    ]
    studies = tuple(
        replace(_study(study, takers, (wants, sizes)), node=run.node(study.node).name)
        for study in planned.values()
        if any(s.key in wants for s in study.series)
    )
    megabytes = sum((s.gigabytes or 0.0) for s in studies) * 1000
    return PlanSummary(
        run.project.settings.name,
        datetime.now().astimezone(),
        tuple(_row(run, one) for one in found),
        studies,
        tuple(series),
        tuple(_held(run, found)),
        run.project.settings.title,
        megabytes / 1000,
        megabytes / _speed(planned.values()) / 3600,
        tuple(run.cleaner.describe()),
    )


def _row(run: Session, one: Account) -> PlanRow:
    row = one.row
    cells = run.row(row.number).cells
    images = one.counts["announced"]
    facts = (row.status, row.reason, tuple(row.warnings), len(one.studies), len(one.series), images)
    return PlanRow(row.number, called(run, one), *facts, cells)


def _study(
    study: StudyState, takers: Mapping[str, list[str]], known: tuple[set[str], Mapping[str, float]]
) -> PlanStudy:
    wants, sizes = known
    series = [s for s in study.series if s.key in wants]
    images = sum(s.announced or 0 for s in series)
    gigabytes = sum((s.announced or 0) * _size(s, sizes) for s in series) / 1000
    return PlanStudy(study.key, tuple(takers[study.key]), study.attributes, len(series), images, gigabytes)


def _held(run: Session, found: list[Account]) -> Iterable[HeldStudy]:
    for one in found:
        if one.row.status == "held":
            for study in one.doubtful:
                images = sum(s.announced or 0 for s in study.series)
                facts = (study.attributes, len(study.series), images)
                yield HeldStudy(one.row.number, called(run, one), study.key, one.row.reason, *facts)


def _sizes(studies: Iterable[StudyState]) -> dict[str, float]:
    """Modality -> MB per image, as far as the project's own images tell."""
    images: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for series in (s for study in studies for s in study.series):
        images[series.attributes.get("Modality", "")] += series.counts["held"]
        sizes[series.attributes.get("Modality", "")] += series.size
    return {modality: sizes[modality] / 1e6 / number for modality, number in images.items() if number}


def _size(series: SeriesState, known: Mapping[str, float]) -> float:
    modality = series.attributes.get("Modality", "")
    return known.get(modality, MEGABYTES.get(modality, OTHER_MEGABYTES))


def _speed(studies: Iterable[StudyState]) -> float:
    """MB/s of the project's own fetches, where there were any."""
    done = [s for s in studies if s.status == "complete" and s.seconds > 0]
    seconds = sum(s.seconds for s in done)
    size = sum(series.size for s in done for series in s.series) / 1e6
    return max(size / seconds, 0.01) if seconds else MEGABYTES_PER_SECOND
