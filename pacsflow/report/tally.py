"""The numbers of a run, counted once for page and record."""

from collections import Counter
from dataclasses import dataclass

from pacsflow.report.records import RowOutcome, RunSummary


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
class PixelTally:
    """Counts of a run. `images_expected` counts what was received where the PACS gave no number."""

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


def tally(run: RunSummary) -> PixelTally:
    """Count a run."""
    studies, counts, converted = Counter[str](), Counter[str](), Counter[str]()
    series = expected = delivered = size = 0
    for study in run.studies:
        studies[study.status] += 1
        counts.update(study.counts)
        converted.update(one.converted[0] for one in study.series if one.converted[0])
        series, expected = series + len(study.series), expected + study.images
        delivered, size = delivered + study.delivered, size + study.size
    return PixelTally(
        rows=Counter(row.status for row in run.rows),
        studies=studies,
        series=series,
        images_expected=expected,
        images_received=counts["held"],
        images_refused=counts["refused"],
        images_sent=counts["sent"],
        converted=converted,
        delivered=delivered,
        size=size,
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


def _is_found(row: RowOutcome) -> bool:
    """A row that failed before it had a study was not found; one that failed later was."""
    return row.status not in ("pending", "unmatched") and (row.status != "failed" or bool(row.studies))
