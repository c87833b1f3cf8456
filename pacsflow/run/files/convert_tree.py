"""A folder tree of DICOM files that is there already, converted: series by series, to a folder or a BIDS dataset."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pacsflow.convert import Converted, Geometry, bids, convert_series
from pacsflow.convert.bids_facts import Answers
from pacsflow.convert.masks import MODALITIES, convert_masks
from pacsflow.convert.masks.references import references_in
from pacsflow.convert.pictures import RADIOGRAPHS, convert_pictures
from pacsflow.errors import RefusalError
from pacsflow.export import SeriesFiles, StudyFolder, open_target
from pacsflow.export.bids_names import left_out
from pacsflow.export.parcels import HALVES
from pacsflow.run.converting import images_of
from pacsflow.scratch import apart
from schemas.bids import WARNING, Bids
from schemas.export import BidsDataset, Folder, Target

NO_IMAGE = "no-image"


@dataclass(frozen=True)
class Wish:
    """How a tree is converted: where to, by what, and the rules of BIDS names where it is to be a dataset."""

    out: Path
    converter: str
    geometry: Geometry
    rules: Bids | None = None
    name: str = "Converted"
    masks: bool = False
    """Whether label maps are made of segmentations and structure sets."""
    images: bool = False
    """Whether PNG files are made of radiographs."""
    originals: Mapping[str, Answers] = field(default_factory=dict)
    """Series Instance UID -> what its originals answered to the rules, before they were cleaned."""


@dataclass(frozen=True)
class TreeConversion:
    """What came of one series: its number and modality, files written, or why none were."""

    study: int
    series: int
    modality: str
    images: int
    files: int = 0
    reason: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()
    left_out: bool = False
    """Whether a rule for names says that it is not part of the dataset."""

    @property
    def nameless(self) -> bool:
        """Whether an image has no name in the dataset, and no rule leaves it out."""
        return any(text.startswith(WARNING) and "left out" in text for text in self.warnings)

    @property
    def refused(self) -> bool:
        """Whether an image was not converted; objects without an image are none."""
        return bool(self.reason) and self.reason != NO_IMAGE


def convert_tree(studies: Sequence[StudyFolder], wish: Wish) -> Iterator[TreeConversion]:
    """Convert the series of studies, one study after the other. Raises TargetError, ConverterStoppedError."""
    target = open_target(_settings(wish), wish.out)
    for number, study in enumerate(studies, 1):
        outcomes: list[TreeConversion] = []
        series: list[SeriesFiles] = []
        with apart(wish.out.absolute().joinpath(*HALVES)) as place:
            images_first = sorted(study.series, key=lambda one: wish.masks and one.modality in MODALITIES)
            for position, one in enumerate(images_first):
                outcome, gave = _converted(one, place / str(position), wish, series)
                outcomes.append(replace(outcome, study=number))
                series.append(gave)
            target.deliver(StudyFolder(tuple(one for one in series if one.converted)))
        yield from _paired(outcomes, series)


def _paired(outcomes: Sequence[TreeConversion], series: Sequence[SeriesFiles]) -> Iterator[TreeConversion]:
    """The outcomes with what is left out of a session, as what it belongs to is not there."""
    lonely = left_out(series)
    for outcome, one in zip(outcomes, series, strict=True):
        alone = [f"{WARNING}{why} (file {stem})" for (uid, stem), why in lonely.items() if uid == one.series_uid]
        yield replace(outcome, warnings=(*outcome.warnings, *alone))


def _settings(wish: Wish) -> Target:
    place = str(wish.out.absolute())
    if wish.rules is not None:
        return BidsDataset(kind="bids", path=place, name=wish.name)
    return Folder(kind="folder", path=place, dicom=False)


def _converted(
    series: SeriesFiles, place: Path, wish: Wish, others: Sequence[SeriesFiles]
) -> tuple[TreeConversion, SeriesFiles]:
    files = [path for _, path in series.dicom]
    outcome = TreeConversion(0, series.series_number, series.modality, len(files))
    if wish.masks and series.modality in MODALITIES:
        images = images_of(references_in(files), others)
        return _made(series, outcome, lambda: convert_masks(files, place, images))
    known = wish.originals.get(series.series_uid)
    original = bids.Original(known, {}) if known is not None else None
    if wish.images and series.modality in RADIOGRAPHS:
        return _made(series, outcome, lambda: convert_pictures(files, place))
    if wish.rules is not None and bids.is_left_out(wish.rules, files[0], original):
        return replace(outcome, left_out=True), series
    try:
        gave: Converted = convert_series(wish.converter, files, place, geometry=wish.geometry)
    except RefusalError as refusal:
        return replace(outcome, reason=refusal.reason, message=str(refusal)), series
    names, told = bids.bids_names(wish.rules, files[0], gave.files, original) if wish.rules else ({}, [])
    warnings = (*gave.warnings, *told)
    written = len(gave.files) if wish.rules is None else sum(_stem(path) in names for path in gave.files)
    return replace(outcome, files=written, warnings=warnings), replace(series, converted=gave.files, bids=names)


def _made(
    series: SeriesFiles, outcome: TreeConversion, make: Callable[[], Converted]
) -> tuple[TreeConversion, SeriesFiles]:
    """What is made beside NIfTI images: label maps, pictures. They are no part of a BIDS dataset of raw data."""
    try:
        gave = make()
    except RefusalError as refusal:
        return replace(outcome, reason=refusal.reason, message=str(refusal)), series
    return replace(outcome, files=len(gave.files), warnings=gave.warnings), replace(series, converted=gave.files)


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]
