"""What plan and report are made of: the states of rows, studies and series as the ledger has them, and what follows.

Rows and studies of a large project lie in a file: what goes through them does so once, and keeps nothing of each.

There is one family of records: `RowState`, `StudyState` and `SeriesState` of the ledger hold what is known;
`RowOutcome` and `StudyOutcome` hold a state and what a run concludes of it; `PlanSummary` and `RunSummary` hold those.

Texts named `reason`, `warnings`, `notes` hold no identifier. `cells` and `attributes` may; they go into tables for the
user only, never into the page or the record.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from pacsflow.ledger.outcomes import Delivery
from pacsflow.ledger.summary import RowState, SeriesState, StudyState
from pacsflow.ledger.traffic import HourOfTraffic, Slowed

FINISHED = ("complete", "sent", "refused", "dropped", "excluded")
"""Row statuses that leave nothing to do for anybody."""


@dataclass(frozen=True)
class RowOutcome:
    """A row in the end.

    `status`: complete, sent, refused (the profile lets none of its images leave), partial, incomplete, offline,
    undelivered, unsigned (it waits for a sign-off), failed, found (its studies are not fetched yet), pending, held,
    unmatched, dropped, excluded; any other word is shown as it is. `reason`: why.
    `studies`, `series` and `counts` (images by status) are those the row wants; `doubtful`: the studies a person must
    choose from; `aside`: studies that it found, and of which it wants no series.
    `label` is what plan and report call the row; `cells`: the row as the user wrote it, heading -> text. `images`:
    SHA-256 of the images it wants of studies of which other rows want other series.
    """

    row: RowState
    status: str
    reason: str = ""
    studies: tuple[StudyState, ...] = ()
    series: tuple[SeriesState, ...] = ()
    doubtful: tuple[StudyState, ...] = ()
    counts: Counter[str] = field(default_factory=Counter)
    aside: tuple[StudyState, ...] = ()
    label: str = ""
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)
    images: frozenset[str] = frozenset()

    @property
    def number(self) -> int:
        """Its place in the user's table, from 1."""
        return self.row.number

    @property
    def warnings(self) -> Sequence[str]:
        """What was found of it and does not stop it."""
        return self.row.warnings

    @property
    def keys(self) -> tuple[str, ...]:
        """Keyed digests of the studies it takes."""
        return tuple(study.key for study in self.studies)

    @property
    def remarks(self) -> str:
        """Its reason and its warnings in one line."""
        return "; ".join(filter(None, (self.reason, *self.warnings)))


@dataclass(frozen=True)
class StudyOutcome:
    """A study that rows take. `series`: those of it that rows want; all numbers are of them.

    `node`: name of the node it comes from. `rows`: labels of the rows that take it. `pseudonym`: '' before the study
    was fetched; `in_folders`: the pseudonym as names of folders spell it, '' where that is the same. `gigabytes`: an
    estimate of what it takes; None where none was made.
    """

    state: StudyState
    series: tuple[SeriesState, ...] = ()
    node: str = ""
    rows: tuple[str, ...] = ()
    pseudonym: str = ""
    in_folders: str = ""
    deliveries: tuple[Delivery, ...] = ()
    gigabytes: float | None = None

    @property
    def key(self) -> str:
        """Its keyed digest."""
        return self.state.key

    @property
    def status(self) -> str:
        """Found, complete, incomplete, offline, failed."""
        return self.state.status

    @property
    def counts(self) -> Counter[str]:
        """Images by status: expected, held, refused, sent."""
        return sum((one.counts for one in self.series), Counter())

    @property
    def images(self) -> int:
        """Images, as far as they are known or counted by the node."""
        return sum(one.images or 0 for one in self.series)

    @property
    def size(self) -> int:
        """Bytes held."""
        return sum(one.size for one in self.series)

    @property
    def delivered(self) -> bool:
        """Whether every target has it."""
        return bool(self.deliveries) and all(d.status == "done" for d in self.deliveries)


@dataclass(frozen=True)
class Look:
    """Description and picture (a PNG) of a series; empty and None where there is nothing to show.

    `planes`: the picture is of three planes of a volume, else of the middle slice.
    """

    description: str = ""
    picture: bytes | None = None
    planes: bool = False


@dataclass(frozen=True)
class RunSummary:
    """A run. `outcome`: complete, partly, paused, failed, interrupted.

    `profile`: the de-identification in sentences; `identifiable`: there was none. `fingerprints`: name ->
    digest of configuration, profile and the like. `traffic`: what was asked of the PACS, operation -> number;
    `hours`: the same by hour and node; both of all runs of the project. `outside_hours`: why this run asked
    outside the node's hours, where it did. `sent_to`: the application entity that receives in our place, and how it is
    known what arrived there. `left`: why rows are not done, with the number of rows of each status and reason.
    `fixes`: what a person can do about it, the most frequent first. `left_behind`: what lies at targets and is wanted
    by no row, in sentences. `converters`: packages that make NIfTI in this project. `looks`: key of a series ->
    what the page shows of it. None of them holds anything that identifies a patient.
    """

    project: str
    outcome: str
    started: datetime
    ended: datetime
    rows: Sequence[RowOutcome]
    studies: Sequence[StudyOutcome]
    title: str = ""
    contact: str = ""
    ethics: str = ""
    profile: tuple[str, ...] = ()
    identifiable: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    traffic: Mapping[str, int] = field(default_factory=dict)
    hours: tuple[HourOfTraffic, ...] = ()
    slowdowns: tuple[Slowed, ...] = ()
    outside_hours: str = ""
    sent_to: str = ""
    notes: tuple[str, ...] = ()
    left: Mapping[tuple[str, str], int] = field(default_factory=dict)
    fixes: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    converters: tuple[str, ...] = ()
    looks: Mapping[str, Look] = field(default_factory=dict, repr=False)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {study.key: place for place, study in enumerate(self.studies)}

    def taken(self, row: RowOutcome) -> list[StudyOutcome]:
        """The studies that a row takes."""
        return [self.studies[self._places[key]] for key in row.keys if key in self._places]


@dataclass(frozen=True)
class PlanSummary:
    """What a run would do. `studies`: all that rows take, those of which no series is wanted too.

    `referring`: number of series still to be fetched of objects that refer to others, where those are fetched too.
    `gigabytes` and `hours` are estimates, None where nothing is known.
    """

    project: str
    made: datetime
    rows: Sequence[RowOutcome]
    studies: Sequence[StudyOutcome]
    title: str = ""
    gigabytes: float | None = None
    hours: float | None = None
    profile: tuple[str, ...] = ()
    referring: int = 0

    @property
    def to_fetch(self) -> Iterator[StudyOutcome]:
        """The studies of which series are wanted."""
        return (study for study in self.studies if study.series)

    @property
    def wanted(self) -> Iterator[SeriesState]:
        """The series that are wanted."""
        return (one for study in self.studies for one in study.series)
