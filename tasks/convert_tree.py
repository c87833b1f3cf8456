"""A folder tree of DICOM files that is there already, converted: series by series, to a folder or a BIDS dataset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pacsflow.convert import Converted, Geometry, Kind, bids, convert_series
from pacsflow.errors import RefusalError
from pacsflow.export import SeriesFiles, StudyFolder, open_target
from pacsflow.export.parcels import HALVES
from pacsflow.scratch import apart
from schemas.bids import Bids
from schemas.export import BidsDataset, Folder, Target

NO_IMAGE = "no-image"


@dataclass(frozen=True)
class Wish:
    """How a tree is converted: where to, by what, and the rules of BIDS names where it is to be a dataset."""

    out: Path
    converter: Kind
    geometry: Geometry
    rules: Bids | None = None
    name: str = "Converted"


@dataclass(frozen=True)
class Outcome:
    """What came of one series: its number and modality, files written, or why none were."""

    study: int
    series: int
    modality: str
    images: int
    files: int = 0
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether an image was not converted; objects without an image are none."""
        return bool(self.reason) and self.reason != NO_IMAGE


def convert_tree(studies: Sequence[StudyFolder], wish: Wish) -> Iterator[Outcome]:
    """Convert the series of studies, one study after the other. Raises TargetError, ConverterStoppedError."""
    target = open_target(_settings(wish), wish.out)
    for number, study in enumerate(studies, 1):
        outcomes, series = [], []
        with apart(wish.out.absolute().joinpath(*HALVES)) as place:
            for position, one in enumerate(study.series):
                outcome, gave = _converted(one, place / str(position), wish)
                outcomes.append(replace(outcome, study=number))
                series.append(gave)
            target.deliver(StudyFolder(tuple(one for one in series if one.converted)))
        yield from outcomes


def _settings(wish: Wish) -> Target:
    place = str(wish.out.absolute())
    if wish.rules is not None:
        return BidsDataset(kind="bids", path=place, name=wish.name)
    return Folder(kind="folder", path=place, dicom=False)


def _converted(series: SeriesFiles, place: Path, wish: Wish) -> tuple[Outcome, SeriesFiles]:
    files = [path for _, path in series.dicom]
    outcome = Outcome(0, series.series_number, series.modality, len(files))
    try:
        gave: Converted = convert_series(wish.converter, files, place, geometry=wish.geometry)
    except RefusalError as refusal:
        return replace(outcome, reason=refusal.reason, message=str(refusal)), series
    names, told = bids.bids_names(wish.rules, files[0], gave.files) if wish.rules else ({}, [])
    warnings = (*gave.warnings, *told)
    written = len(gave.files) if wish.rules is None else sum(_stem(path) in names for path in gave.files)
    return replace(outcome, files=written, warnings=warnings), replace(series, converted=gave.files, bids=names)


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]
