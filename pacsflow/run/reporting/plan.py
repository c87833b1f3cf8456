"""The plan: what a run would fetch, in numbers, as a workbook, and whether it may go on."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pacsflow.ledger.choices import NEW
from pacsflow.ledger.summary import StudyState
from pacsflow.report.plan import write_plan as write_workbook
from pacsflow.report.records import PlanSummary, RowOutcome, StudyOutcome
from pacsflow.report.sheets import WORKBOOK_ROWS
from pacsflow.run.fetching.kinds_of_objects import REFERRING
from pacsflow.run.people.decisions import decided, plan_digest
from pacsflow.run.reporting.kept import kept
from pacsflow.run.reporting.left_behind import left_behind, left_studies
from pacsflow.run.reporting.report_cache import cache, cached, stamp
from pacsflow.run.reporting.row_outcomes import beside, new_studies, outcomes_of
from pacsflow.run.reporting.sizes import size_of, sizes
from pacsflow.run.room import rooms
from pacsflow.run.session import Session
from pacsflow.wording import counted
from schemas.project import ApprovalAbove

MEGABYTES_PER_SECOND = 10.0
"""Speed that is assumed until the project's own fetches are known."""


@dataclass(frozen=True)
class Plan:
    """What a run would fetch, in numbers. `digest` changes when anything of it does."""

    digest: str
    sentence: str
    totals: Mapping[str, int | float]
    studies: int
    gigabytes: float


def write_plan(run: Session) -> Plan:
    """Write the plan's workbook and CSV files (identifying, 0600), unless nothing changed."""
    found = outcomes_of(run)
    stamped = stamp(run, found, left_behind(run.ledger))
    workbook = "plan.xlsx" if len(found) <= WORKBOOK_ROWS else "plan-rows.csv"
    known = cached(run, "plan", stamped, [run.reports / workbook, plan_file(run.project.workdir)])
    plan = Plan(**known) if known else _written(run, found)
    if not known:
        cache(run, "plan", stamped, **asdict(plan))
    return plan


def _written(run: Session, found: Sequence[RowOutcome]) -> Plan:
    summary = _summary(run, found)
    write_workbook(summary, run.reports)
    statuses = Counter(a.row.status for a in found)
    studies = sum(1 for _ in summary.to_fetch)
    images = [one.images or 0 for one in summary.wanted]
    totals: dict[str, int | float] = {
        "rows": len(found),
        **{f"rows {status}": number for status, number in sorted(statuses.items())},
        "studies": studies,
        "series": len(images),
        "images": sum(images),
        "gigabytes": round(summary.gigabytes or 0.0, 2),
        "hours": round(summary.hours or 0.0, 2),
    }
    if nobodys := left_behind(run.ledger):
        totals["studies at targets that no row wants"] = left_studies(run.ledger)
    if new := sum(one.reason.startswith(NEW) for study in summary.studies for one in study.state.series):
        totals["series new since chosen"] = new
    sentence = (
        f"{counted(len(found), 'row')}, {statuses['held']} held, {statuses['unmatched']} unmatched, "
        f"{statuses['excluded']} excluded: "
        f"{counted(studies, 'study', 'studies')}, {totals['series']} series, "
        f"{counted(sum(images), 'image')}, "
        f"about {totals['gigabytes']} GB and {float(totals['hours'])} hours"
    )
    if summary.referring:
        sentence += f"; what {counted(summary.referring, 'series refers', 'series refer')} to, counted when fetched"
    facts = {"project": summary.project, "sentence": sentence, "totals": totals, "left behind": nobodys}
    facts["room"] = [str(room) for room in rooms(run, run.remaining.plans())]
    text = json.dumps(facts, indent=2)
    plan_file(run.project.workdir).write_text(text, encoding="utf-8")
    return Plan(plan_digest(run.ledger), sentence, totals, studies, summary.gigabytes or 0.0)


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
    given = decided(run.ledger, plan.digest)
    return given is not None and given.approved


def _summary(run: Session, found: Sequence[RowOutcome]) -> PlanSummary:
    studies = kept(_studies(run, found), len(found))
    megabytes = sum((s.gigabytes or 0.0) for s in studies) * 1000
    return PlanSummary(
        run.project.settings.name,
        datetime.now().astimezone(),
        found,
        studies,
        run.project.settings.title,
        megabytes / 1000,
        megabytes / _speed(study.state for study in studies) / 3600,
        tuple(run.cleaner.describe()),
        _referring(studies) if run.project.query.references == "fetch" else 0,
    )


def _referring(studies: Iterable[StudyOutcome]) -> int:
    """The number of series to be fetched that are of objects about others, as far as the node tells their modality."""
    left = (one for study in studies if study.state.status != "complete" for one in study.series)
    return sum(one.attributes.get("Modality", "") in REFERRING for one in left)


def _studies(run: Session, found: Sequence[RowOutcome]) -> Iterator[StudyOutcome]:
    """The studies that rows take, each once, in the order of the first row that does."""
    rates = sizes(study for _, fresh in new_studies(found) for study in fresh)
    for part, fresh in new_studies(found):
        takers: dict[str, list[str]] = {}
        wants: set[str] = set()
        for one in beside(run, part, found):
            wants |= one.row.wants
            for study in one.studies:
                takers.setdefault(study.key, []).append(one.label)
        for study in fresh:
            yield _study(study, wants, rates, rows=tuple(takers[study.key]), node=run.node(study.node).name)


def _study(
    study: StudyState, wants: set[str], rates: Mapping[str, float], *, rows: tuple[str, ...], node: str
) -> StudyOutcome:
    series = tuple(one for one in study.series if one.key in wants)
    gigabytes = sum((one.images or 0) * size_of(one, rates) for one in series) / 1000
    return StudyOutcome(study, series, node, rows, gigabytes=gigabytes)


def _speed(studies: Iterable[StudyState]) -> float:
    """MB/s of the project's own fetches, where there were any."""
    seconds = size = 0.0
    for study in studies:
        if study.status == "complete" and study.fetch_seconds > 0:
            seconds += study.fetch_seconds
            size += sum(series.size for series in study.series) / 1e6
    return max(size / seconds, 0.01) if seconds else MEGABYTES_PER_SECOND
