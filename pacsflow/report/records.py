"""What a report is made of: plain facts, handed over by the caller.

Texts named `reason`, `warnings`, `notes` hold no identifier. `cells`, `attributes` and `paths` may; they
go into tables for the user only, never into the page or the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class SeriesResult:
    """One series. `converted`: done, refused, or empty where no conversion was asked for. `picture`: a PNG file."""

    number: str
    description: str
    modality: str
    received: int
    expected: int | None = None
    converted: str = ""
    reason: str = ""
    warnings: tuple[str, ...] = ()
    picture: bytes | None = None


@dataclass(frozen=True)
class DeliveryResult:
    """What a target has of a study: files as (path, sha256, size in bytes). `status`: done, failed."""

    target: str
    status: str
    reason: str = ""
    files: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class StudyResult:
    """One study, by its keyed digest. `status`: found, complete, incomplete, offline, failed. `size` in bytes.

    `proof`: what tells whether instances are missing: uid, count, retrieval, told; empty before it was fetched.
    `node`: name of the node it comes from. `sent`: images that went to another application entity.
    """

    key: str
    pseudonym: str
    status: str
    reason: str = ""
    expected: int | None = None
    received: int = 0
    refused: int = 0
    size: int = 0
    series: tuple[SeriesResult, ...] = ()
    deliveries: tuple[DeliveryResult, ...] = ()
    node: str = ""
    sent: int = 0
    notes: tuple[str, ...] = ()
    proof: str = ""

    @property
    def delivered(self) -> bool:
        """Whether every target has it."""
        return bool(self.deliveries) and all(d.status == "done" for d in self.deliveries)


@dataclass(frozen=True)
class RowResult:
    """One row of the query. `studies`: keys of those it takes; `cells`: the row as the user wrote it.

    `status`: complete, sent, partial, incomplete, offline, undelivered, failed, found, pending, held, unmatched,
    dropped; any other word is shown as it is.
    `label` is what the page calls the row.
    """

    number: int
    label: str
    status: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    series: int = 0
    expected: int | None = None
    received: int = 0
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class TrafficHour:
    """What a node was asked in the hour that begins at `begin` (aware). `size` in bytes received."""

    begin: datetime
    node: str
    queries: int = 0
    retrievals: int = 0
    images: int = 0
    size: int = 0


@dataclass(frozen=True)
class Slowdown:
    """The run went slower by itself: lanes at most from then on, and the gap before each request in seconds."""

    at: datetime
    node: str
    why: str
    lanes: int
    gap: float


@dataclass(frozen=True)
class RunSummary:
    """A run. `outcome`: complete, partly, paused, failed, interrupted.

    `profile`: the de-identification in sentences; `identifiable`: there was none. `fingerprints`: name ->
    digest of configuration, profile and the like. `traffic`: what was asked of the PACS, operation -> number;
    `hours`: the same by hour and node; both of all runs of the project. `outside_hours`: why this run asked
    outside the node's hours, where it did. `sent_to`: the application entity that receives in our place, and how it is
    known what arrived there. `left`: why rows are not done, with the number of rows of each status and reason.
    `mends`: what a person can do about it, the most frequent first. Neither holds anything that identifies a patient.
    """

    project: str
    outcome: str
    started: datetime
    ended: datetime
    rows: tuple[RowResult, ...]
    studies: tuple[StudyResult, ...]
    title: str = ""
    contact: str = ""
    ethics: str = ""
    profile: tuple[str, ...] = ()
    identifiable: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    traffic: Mapping[str, int] = field(default_factory=dict)
    hours: tuple[TrafficHour, ...] = ()
    slowdowns: tuple[Slowdown, ...] = ()
    outside_hours: str = ""
    sent_to: str = ""
    notes: tuple[str, ...] = ()
    left: Mapping[tuple[str, str], int] = field(default_factory=dict)
    mends: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanRow:
    """One row of the plan; see RowResult."""

    number: int
    label: str
    status: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    studies: int = 0
    series: int = 0
    images: int | None = None
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class PlanStudy:
    """A study that a run would fetch; `attributes`: DICOM keyword -> value as the PACS answered."""

    key: str
    rows: tuple[str, ...]
    attributes: Mapping[str, str] = field(repr=False)
    series: int = 0
    images: int | None = None
    gigabytes: float | None = None
    node: str = ""


@dataclass(frozen=True)
class PlanSeries:
    """A series of a found study, `wanted` or not, for `reason`. `key`: its short name, by which choices come back."""

    study: str
    rows: tuple[str, ...]
    attributes: Mapping[str, str] = field(repr=False)
    images: int | None = None
    wanted: bool = True
    reason: str = ""
    key: str = ""


@dataclass(frozen=True)
class HeldStudy:
    """A study of a row that waits for a person."""

    row: int
    label: str
    study: str
    reason: str
    attributes: Mapping[str, str] = field(repr=False)
    series: int = 0
    images: int | None = None


@dataclass(frozen=True)
class PlanSummary:
    """What a run would do. `gigabytes` and `hours` are estimates, None where nothing is known."""

    project: str
    made: datetime
    rows: tuple[PlanRow, ...]
    studies: tuple[PlanStudy, ...]
    series: tuple[PlanSeries, ...]
    held: tuple[HeldStudy, ...]
    title: str = ""
    gigabytes: float | None = None
    hours: float | None = None
    profile: tuple[str, ...] = ()
