"""How far a project is, from the ledger alone."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pacsflow.hours import OpenHours, spoken, told
from pacsflow.ledger import traffic
from pacsflow.ledger.pauses import paused
from pacsflow.ledger.traffic import HourOfTraffic, Slowed
from pacsflow.query.loading import load
from pacsflow.run.lanes.clock import SYSTEM, Clock
from pacsflow.run.reporting.left_behind import left_behind
from pacsflow.run.reporting.row_outcomes import row_outcomes
from pacsflow.run.stores import open_ledger_of
from schemas.pacs import PacsNode


@dataclass(frozen=True)
class Status:
    """Rows, studies and images by status; what was asked of the PACS, in all and by the hour; when we went slower.

    `hours`: when the node may be asked, in words; empty for always. `left_behind`: what lies at targets, or is held
    here, and is wanted by no row, in sentences. `paused`: who paused it and when, in words; empty for nobody.
    """

    counts: dict[str, Counter[str]]
    traffic: Sequence[HourOfTraffic]
    slowed: Sequence[Slowed]
    hours: str
    left_behind: Sequence[str] = ()
    paused: str = ""


def status_of(folder: Path) -> Status:
    """How far a project is. Raises ProjectError, LedgerError."""
    project, _ = load(folder)
    with closing(open_ledger_of(project)) as ledger:
        found = row_outcomes(ledger, project)
        studies = {study.key: study for one in found for study in one.studies}
        images: Counter[str] = Counter()
        for series in (s for study in studies.values() for s in study.series):
            images.update(series.counts)
        nodes = Counter(project.nodes.get(study.node, project.pacs).name for study in studies.values())
        counts = {
            "rows": Counter(one.status for one in found),
            "studies": Counter(study.status for study in studies.values()),
            "images": images,
            "studies by node": nodes if project.fallback else Counter(),
            "asked of the PACS": traffic.total(ledger),
        }
        slowings, behind = traffic.slowings(ledger), left_behind(ledger)
        hours, pause = hours_of(project.pacs), paused(ledger)
        held = (
            f"paused by {pause.by} since {datetime.fromtimestamp(pause.at).astimezone():%Y-%m-%d %H:%M}"
            if pause
            else ""
        )
        return Status(counts, traffic.by_hour(ledger), slowings, hours, behind, held)


def hours_of(node: PacsNode, clock: Clock = SYSTEM) -> str:
    """`may be asked mon-fri 19:00-07:00 (Europe/Zurich); the next window begins …`; empty for always."""
    if node.hours is None:
        return ""
    hours, now = OpenHours(node.hours), clock.now()
    if hours.is_open(now):
        end = hours.closes(now)
        then = f"open until {spoken(end)}" if end else "open"
    else:
        begin = hours.opens(now)
        then = f"the next window begins {spoken(begin)}" if begin else "no window begins within two months"
    return f"{node.name} may be asked {told(node.hours)}; {then}"
