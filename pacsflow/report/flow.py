"""The flow of a cohort, as CONSORT draws it: rows, studies, series, images; who leaves where, and why."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pacsflow.ledger.summary import SeriesState
from pacsflow.report.records import RunSummary, StudyOutcome

REASONS_NAMED: Final = 12
"""How many reasons a level names; the others are counted together."""
OTHERS: Final = "for other reasons"
UNWANTED: Final = "no series of it is wanted"
NOT_WANTED: Final = "not wanted by the rules"
NOTHING_CAME: Final = "none of its images is kept"
DID_NOT_COME: Final = "did not come"
NOT_AT_TARGETS: Final = "not at all targets"


@dataclass(frozen=True)
class FlowLevel:
    """A box: `number` of `unit` (rows, studies, series, images), what it is (`name`), and who leaves here, and why."""

    name: str
    unit: str
    number: int
    left: tuple[tuple[str, int], ...] = ()

    @property
    def kept(self) -> int:
        """How many go on."""
        return self.number - sum(number for _, number in self.left)


def cohort_flow(run: RunSummary) -> list[FlowLevel]:
    """The boxes, from the rows asked to the images kept and the studies delivered. Each sums up: number = left + kept.

    Series and images are those of whole studies; a study that several rows find counts once.
    """
    rows, studies, series, images, short = (Counter[str]() for _ in range(5))
    total = several = shown = whole = 0
    for study in run.studies:
        total += 1
        if study.status != "complete":
            studies[_why(study.status, study.state.reason)] += 1
            continue
        whole += 1
        several += len(study.state.series)
        series.update(_series_left(study))
        shown += sum(one.images or 0 for one in study.series)
        images.update(_images_left(study))
        short[NOT_AT_TARGETS] += bool(study.deliveries) and not study.delivered
    taken = {study.key for study in run.studies} if any(row.aside for row in run.rows) else set()
    aside = {study.key for row in run.rows if row.studies for study in row.aside} - taken
    studies[UNWANTED] += len(aside)
    rows.update(_why(row.status, row.reason) for row in run.rows if not row.studies)
    return [
        _level("asked for", "rows", len(run.rows), rows),
        _level("found", "studies", total + len(aside), studies),
        _level("in whole studies", "series", several, series),
        _level("of wanted series", "images", shown, images),
        _level("whole", "studies", whole, short),
    ]


def _level(name: str, unit: str, number: int, why: Counter[str]) -> FlowLevel:
    return FlowLevel(name, unit, number, _named(+why))


def _named(why: Counter[str]) -> tuple[tuple[str, int], ...]:
    """The most frequent reasons, and the others together."""
    named = why.most_common(REASONS_NAMED)
    others = why.total() - sum(number for _, number in named)
    return (*named, *([(OTHERS, others)] if others else []))


def _why(status: str, reason: str) -> str:
    return f"{status}: {reason}" if reason else status


def _series_left(study: StudyOutcome) -> Iterator[str]:
    """Why series of a whole study go no further."""
    wanted = {one.key for one in study.series}
    for one in study.state.series:
        if one.key not in wanted:
            yield one.reason or NOT_WANTED
        elif not _kept(one):
            yield NOTHING_CAME


def _kept(one: SeriesState) -> int:
    return one.counts["held"] + one.counts["sent"]


def _images_left(study: StudyOutcome) -> Counter[str]:
    """Images of the wanted series that are not kept: refused ones by their reasons, and those that did not come."""
    why = sum((one.refusals for one in study.series), Counter[str]())
    number = sum(one.images or 0 for one in study.series)
    why[DID_NOT_COME] += number - why.total() - sum(map(_kept, study.series))
    return why
