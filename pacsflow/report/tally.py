"""The numbers of a run, counted once for page and record."""

from collections import Counter
from dataclasses import dataclass

from pacsflow.report.records import RowResult, RunSummary


@dataclass(frozen=True)
class Stage:
    """A step of the way: `done` of `asked` things called `what`."""

    name: str
    done: int
    asked: int
    what: str

    @property
    def share(self) -> float:
        """Between 0 and 1; 0 where nothing was asked."""
        return min(1.0, self.done / self.asked) if self.asked else 0.0


@dataclass(frozen=True)
class Tally:
    """Counts of a run. `images_expected` counts what was received where the PACS told no number."""

    rows: Counter[str]
    studies: Counter[str]
    series: int
    images_expected: int
    images_received: int
    images_refused: int
    images_sent: int
    converted: Counter[str]
    delivered: int
    size: int


def tally(run: RunSummary) -> Tally:
    """Count a run."""
    series = [one for study in run.studies for one in study.series]
    return Tally(
        rows=Counter(row.status for row in run.rows),
        studies=Counter(study.status for study in run.studies),
        series=len(series),
        images_expected=sum(s.received + s.refused if s.expected is None else s.expected for s in run.studies),
        images_received=sum(s.received for s in run.studies),
        images_refused=sum(s.refused for s in run.studies),
        images_sent=sum(s.sent for s in run.studies),
        converted=Counter(one.converted for one in series if one.converted),
        delivered=sum(study.delivered for study in run.studies),
        size=sum(study.size for study in run.studies),
    )


def stages(run: RunSummary) -> list[Stage]:
    """The way from rows to deliveries."""
    counts = tally(run)
    if run.sent_to:
        sent = Stage("Sent on", counts.images_sent, counts.images_expected, "images")
        return [Stage("Found", sum(map(_is_found, run.rows)), len(run.rows), "rows"), sent]
    came = counts.images_received + counts.images_refused
    steps = [
        Stage("Found", sum(map(_is_found, run.rows)), len(run.rows), "rows"),
        Stage("Fetched", counts.studies["complete"], len(run.studies), "studies"),
        Stage("Received" if run.identifiable else "De-identified", counts.images_received, came, "images"),
        Stage("Converted", counts.converted["done"], counts.converted.total(), "series"),
        Stage("Delivered", counts.delivered, len(run.studies), "studies"),
    ]
    return [step for step in steps if step.asked or step.name != "Converted"]


def _is_found(row: RowResult) -> bool:
    """A row that failed before it had a study was not found; one that failed later was."""
    return row.status not in ("pending", "unmatched") and (row.status != "failed" or bool(row.studies))
