"""What every destination takes and gives back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pacsflow.export.disk import facts_of
from pacsflow.export.names import alphanumeric
from schemas.bids import Name


@dataclass(frozen=True)
class SeriesFiles:
    """One series as it lies on disk: what its cleaned headers say, and its files.

    `dicom`: (SOP Instance UID, Part 10 file). `converted`: what conversion gave, names that begin with `image`.
    `series_number` is 0 where the header has none. `identity_removed`: every header says so (0012,0062).
    `acquired`: when its first instance was, YYYY-MM-DDThh:mm:ss.ffffff, '' where that is not told.
    `bids`: stem of a converted file -> its name in a BIDS dataset.
    """

    patient: str
    study_uid: str
    series_uid: str
    study_date: str
    study_time: str
    modality: str
    series_number: int
    series_description: str
    dicom: tuple[tuple[str, Path], ...]
    converted: tuple[Path, ...] = ()
    series_time: str = ""
    identity_removed: bool = False
    acquired: str = ""
    bids: Mapping[str, Name] = field(default_factory=dict)

    @property
    def session(self) -> str:
        """Date and time of the study as a name, '' where the header has neither."""
        return alphanumeric(self.study_date) + alphanumeric(self.study_time.partition(".")[0])


@dataclass(frozen=True)
class StudyFolder:
    """A complete study: all of its series that go out, and what the rows that want it are called, in order.

    `session`: what it is called in a dataset that does not call sessions by their date; '' where nothing says it.
    `written`: SHA-256 of the files that an earlier delivery of it wrote at the target: these may be replaced there.
    """

    series: tuple[SeriesFiles, ...]
    rows: tuple[str, ...] = ()
    written: frozenset[str] = frozenset()
    session: str = ""

    @property
    def first(self) -> SeriesFiles:
        """The series that speaks for the study: the one of the lowest UID."""
        return min(self.series, key=lambda one: one.series_uid)

    @property
    def instances(self) -> dict[str, Path]:
        """study/series/instance, by UID -> Part 10 file."""
        return {f"{s.study_uid}/{s.series_uid}/{uid}": path for s in self.series for uid, path in s.dicom}


@dataclass(frozen=True)
class Delivered:
    """What a target holds of a study: (path below the target, sha256, size in bytes), sorted by path."""

    files: tuple[tuple[str, str, int], ...]

    @classmethod
    def of(cls, files: Mapping[str, Path]) -> "Delivered":
        """What a target holds that has a copy of each file under the path of its key."""
        return cls(tuple(sorted((name, *facts_of(path)) for name, path in files.items())))


class Target(Protocol):
    """A destination. The caller records what was delivered; a target keeps no books."""

    def deliver(self, study: StudyFolder) -> Delivered:
        """Bring all files over, whole and verified; what is there already is left. Raises TargetError."""

    def verify(self, delivered: Delivered) -> Sequence[str]:
        """The paths of `delivered` that are missing there, or differ. Raises TargetError."""

    def present(self, paths: Sequence[str]) -> Sequence[str]:
        """Those of `paths` under which the target holds anything; all where it cannot be asked.

        Raises TargetError; also where it holds none of them, nor the mark that each delivery leaves: a place that is
        not mounted, or another one, says nothing of what was delivered.
        """

    def remove(self, paths: Sequence[str]) -> None:
        """Take away files of an earlier delivery that are not part of the present one. Raises TargetError."""
