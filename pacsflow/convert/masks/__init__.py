"""Label maps from DICOM segmentations (SEG) and structure sets (RTSTRUCT), on the grid of the image they are of."""

from collections.abc import Sequence
from pathlib import Path

from pydicom import Dataset, dcmread

from pacsflow.convert.contract import STEM, Converted
from pacsflow.convert.masks.contract import Mask, VoxelGrid
from pacsflow.convert.masks.label_maps import Layers
from pacsflow.convert.masks.segmentation import segments_of
from pacsflow.convert.masks.structures import structures_of
from pacsflow.convert.whole_folder import whole_folder
from pacsflow.errors import RefusalError

MODALITIES = frozenset({"SEG", "RTSTRUCT"})
"""What masks are made of."""
NO_IMAGE = "no-image-of-mask"
"""The reason of a refusal: the image that a mask belongs to is not at hand."""


def convert_masks(files: Sequence[Path], out: Path, images: Sequence[Path]) -> Converted:
    """Write the masks of one SEG or RTSTRUCT series into folder `out`, which appears whole or not at all.

    `images`: NIfTI files of the series it refers to; the first on which it lies gives the grid. Segments that overlap
    go to further files (`image_o2`, …), as a label map has one label per voxel; those of a second object to `image_s2`.
    Each sidecar names the labels. Raises RefusalError; reasons: unreadable-file, no-image-of-mask, no-position,
    not-a-mask, outside-image, oblique-mask, no-mask.
    """
    if not images:
        raise RefusalError(
            NO_IMAGE,
            "the image that it refers to is not there as NIfTI",
            fix="write `references: fetch` in query.yaml, or have a row ask for the image; `nifti` must convert it",
        )
    grids = [VoxelGrid.of(path) for path in images]
    warnings: list[str] = []
    with whole_folder(out) as scratch:
        for number, path in enumerate(sorted(files), 1):
            stem = STEM if number == 1 else f"{STEM}_s{number}"
            warnings += _written(path, grids, scratch, stem)
    return Converted(tuple(sorted(out.iterdir())), tuple(dict.fromkeys(warnings)))


def _written(path: Path, grids: Sequence[VoxelGrid], folder: Path, stem: str) -> list[str]:
    source = _read(path)
    refusals = []
    for grid in grids:
        try:
            layers = Layers(grid)
            warnings = list(layers.filled(_masks(source, grid)))
        except RefusalError as refusal:
            refusals.append(refusal)
            continue
        layers.write(folder, stem, str(source.get("Modality") or ""))
        return warnings
    raise refusals[0]


def _masks(source: Dataset, grid: VoxelGrid) -> Sequence[Mask]:
    """The masks of an object, one after the other. Raises RefusalError."""
    try:
        if "SegmentSequence" in source:
            return segments_of(source, grid)
        if "ROIContourSequence" in source:
            return structures_of(source, grid)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RefusalError("unreadable-file", f"a mask cannot be read: {type(error).__name__}") from None
    raise RefusalError("not-a-mask", "neither segments nor contours in it")


def _read(path: Path) -> Dataset:
    try:
        return dcmread(path)
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise RefusalError("unreadable-file", f"a file of the series cannot be read: {type(error).__name__}") from None
