"""A project in a few numbers, for a page that shows many: nothing is made, nothing is asked of a PACS."""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from pacsflow.errors import PacsflowError, ProjectError
from pacsflow.ledger import studies
from pacsflow.ledger.pauses import paused
from pacsflow.ledger.summary import rows
from pacsflow.query.loading import load
from pacsflow.run.people.decisions import decided, plan_digest
from pacsflow.run.reporting.row_outcomes import FINISHED, row_outcomes
from pacsflow.run.stores import open_ledger_of


@dataclass(frozen=True)
class Overview:
    """`rows`: asked for by the project; `statuses`: of the ledger's. `held`: rows that wait for a person.

    `waits`: whether the plan waits for approval. `last`: seconds since 1970 of the last report; 0 for none.
    `problems`: mistakes in the files; `trouble`: why the ledger cannot be read. `by_schedule`: whether project.yaml has
    runs begin by themselves; `deployed`: the name that its deployment has. `paused`: who paused it; '' for nobody.
    """

    title: str = ""
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    held: int = 0
    waits: bool = False
    last: float = 0.0
    problems: int = 0
    trouble: str = ""
    by_schedule: bool = False
    deployed: str = ""
    paused: str = ""

    @property
    def done(self) -> int:
        """Rows that leave nothing to do for anybody."""
        return sum(self.statuses[each] for each in FINISHED)


def overview_of(folder: Path) -> Overview:
    """A project in numbers, whatever is wrong with it."""
    try:
        project, table = load(folder)
    except ProjectError as error:
        return Overview(problems=len(error.problems))
    report = project.workdir / "report" / "run.json"
    last = report.stat().st_mtime if report.exists() else 0.0
    settings = project.settings
    by_schedule = any(one.active for one in settings.schedule)
    begun = Overview(settings.title, len(table), last=last, by_schedule=by_schedule, deployed=settings.name)
    if settings.ledger == "sqlite" and not (project.workdir / "private" / "ledger.sqlite").exists():
        return begun
    try:
        with closing(open_ledger_of(project)) as ledger:
            found = row_outcomes(ledger, project)
            held = sum(each.status == "held" for each in rows(ledger))
            asks = settings.approval != "none" and bool(studies.planned(ledger))
            waits = asks and decided(ledger, plan_digest(ledger)) is None
            pause = paused(ledger)
    except PacsflowError as error:
        return replace(begun, trouble=str(error))
    statuses = Counter(one.status for one in found)
    return replace(begun, statuses=statuses, held=held, waits=waits, paused=pause.by if pause else "")
