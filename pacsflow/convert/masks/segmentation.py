"""Masks from a DICOM segmentation (PS3.3 A.51, C.8.20): binary, fractional, label map."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import ExplicitVRLittleEndian

from pacsflow.convert.masks.contract import Array, Indices, Mask, VoxelGrid
from pacsflow.errors import RefusalError
from pacsflow.wording import counted

_ALIGNED = 0.25
"""By how many voxels a frame may lie off the grid and still be taken as it is."""
_SAME = 0.05
"""Frames nearer to each other than that part of a voxel of the image lie in one plane."""
_CODES = {"Category": "SegmentedPropertyCategoryCodeSequence", "Type": "SegmentedPropertyTypeCodeSequence"}
_BACKGROUND = "125040"
_FRACTIONAL = "the segmentation is fractional: voxels of 0.5 and more are taken"
_RESAMPLED = "the segmentation has another grid than its image: taken to it by the nearest voxel"


@dataclass(frozen=True)
class _Plane:
    """Where a frame lies: place of its first pixel, steps to the next column and the next row, in mm."""

    number: int
    origin: Array
    column: Array
    row: Array


def segments_of(source: Dataset, grid: VoxelGrid) -> list[Mask]:
    """The segments of a segmentation on a grid. Raises RefusalError: no-position, outside-image, oblique-mask."""
    planes = _planes(source)
    frames = _Frames(source)
    placed = _placing(planes, frames.shape, grid)
    found: dict[int, list[Indices]] = defaultdict(list)
    outside = 0
    for number, plane in enumerate(planes):
        for segment, pixels in frames.masks(number):
            indices = placed(plane, pixels)
            within = grid.within(indices)
            outside += int((~within).sum())
            found[segment].append(indices[within])
    warnings = frames.warnings + ((_RESAMPLED,) if isinstance(placed, _Nearest) else ())
    if outside:
        warnings += (f"{counted(outside, 'voxel of segments lies', 'voxels of segments lie')} outside the image",)
    if outside and not any(len(each) for parts in found.values() for each in parts):
        raise RefusalError("outside-image", "the segmentation lies outside the image that it refers to")
    if unnamed := found.keys() - frames.segments.keys():
        warnings += (f"{counted(len(unnamed), 'segment is', 'segments are')} not described",)
    known = {**frames.segments, **dict.fromkeys(sorted(unnamed), Dataset())}
    return [_mask(segment, number, found, warnings) for number, segment in known.items()]


def _mask(segment: Dataset, number: int, found: Mapping[int, list[Indices]], warnings: tuple[str, ...]) -> Mask:
    parts = found.get(number) or [np.empty((0, 3), dtype=np.int64)]
    codes = {word: meaning for word, keyword in _CODES.items() if (meaning := _meaning(segment, keyword))}
    name = str(segment.get("SegmentLabel") or "").strip()
    return Mask(number, name, np.unique(np.concatenate(parts), axis=0), codes, warnings)


def _meaning(segment: Dataset, keyword: str) -> str:
    for code in segment.get(keyword) or ():
        return str(code.get("CodeMeaning") or "")
    return ""


def _planes(source: Dataset) -> list[_Plane]:
    shared = (source.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    planes = []
    for number, group in enumerate(source.PerFrameFunctionalGroupsSequence):

        def value(sequence: str, keyword: str, group: Dataset = group) -> Array:
            for place in (group, shared):
                for item in place.get(sequence) or ():
                    if item.get(keyword) is not None:
                        return np.array(item.get(keyword), dtype=float)
            raise RefusalError("no-position", "frames without position, orientation or pixel spacing in the patient")

        turned = value("PlaneOrientationSequence", "ImageOrientationPatient")
        spacing = value("PixelMeasuresSequence", "PixelSpacing")
        origin = value("PlanePositionSequence", "ImagePositionPatient")
        planes.append(_Plane(number, origin, turned[:3] * spacing[1], turned[3:] * spacing[0]))
    return planes


def _background(source: Dataset) -> frozenset[int]:
    """Values of a label map that are no segment: its padding, and 0 where that is not one (CID 7153, 125040)."""
    padding = source.get("PixelPaddingValue")
    zero = next((one for one in source.SegmentSequence if int(one.SegmentNumber) == 0), None)
    codes = [code.get("CodeValue") for code in (zero or Dataset()).get("SegmentedPropertyTypeCodeSequence") or ()]
    said = str((zero or Dataset()).get("SegmentLabel") or "").strip().casefold()
    none = zero is None or padding is None or _BACKGROUND in codes or said in ("", "background")
    return frozenset({*([0] if none else []), *([int(padding)] if padding is not None else [])})


class _Frames:
    """The frames of a segmentation, decoded one by one: which pixels belong to which segment."""

    def __init__(self, source: Dataset) -> None:
        self._source = source
        self._kind = str(source.get("SegmentationType") or "BINARY")
        self._decoder = get_decoder(getattr(source.file_meta, "TransferSyntaxUID", ExplicitVRLittleEndian))
        self._groups = source.PerFrameFunctionalGroupsSequence
        self.shape = (int(source.Rows), int(source.Columns))
        self.warnings = (_FRACTIONAL,) if self._kind == "FRACTIONAL" else ()
        self._background = _background(source) if self._kind == "LABELMAP" else frozenset()
        known = {int(one.SegmentNumber): one for one in source.SegmentSequence}
        self.segments = {number: one for number, one in known.items() if number not in self._background}

    def masks(self, number: int) -> Iterator[tuple[int, Indices]]:
        """Segment and (row, column) of its pixels in a frame."""
        pixels = self._pixels(number)
        if self._kind == "LABELMAP":
            for value in {int(each) for each in np.unique(pixels)} - self._background:
                yield value, np.argwhere(pixels == value)
            return
        least = (float(self._source.MaximumFractionalValue) / 2) if self._kind == "FRACTIONAL" else 1
        yield self._segment(number), np.argwhere(pixels >= least)

    def _pixels(self, number: int) -> NDArray[Any]:
        pixels, _ = self._decoder.as_array(self._source, index=number, raw=True)
        return pixels.reshape(self.shape)

    def _segment(self, number: int) -> int:
        shared = (self._source.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
        for place in (self._groups[number], shared):
            for item in place.get("SegmentIdentificationSequence") or ():
                return int(item.ReferencedSegmentNumber)
        raise RefusalError("unreadable-file", "a frame does not say of which segment it is")


Placing = Callable[[_Plane, Indices], Indices]


def _placing(planes: Sequence[_Plane], shape: tuple[int, int], grid: VoxelGrid) -> Placing:
    """How pixels of frames come onto the grid: as they are where they lie on it, else by the nearest voxel."""
    if all(_lies_on(plane, shape, grid) for plane in planes):
        return lambda plane, pixels: np.rint(grid.indices(_points(plane, pixels))).astype(np.int64)
    return _Nearest(planes, shape, grid)


def _points(plane: _Plane, pixels: Indices) -> Array:
    return np.asarray(plane.origin + pixels[:, :1] * plane.row + pixels[:, 1:] * plane.column)


def _lies_on(plane: _Plane, shape: tuple[int, int], grid: VoxelGrid) -> bool:
    """Whether each pixel is a voxel: the steps are one voxel along one axis, the corners at voxels."""
    corners = np.array([[0, 0], [0, shape[1] - 1], [shape[0] - 1, 0], [shape[0] - 1, shape[1] - 1]])
    places = grid.indices(_points(plane, corners))
    if np.abs(places - np.rint(places)).max() > _ALIGNED:
        return False
    rounded = np.rint(places).astype(int)
    ways = [(rounded[1] - rounded[0], shape[1] - 1), (rounded[2] - rounded[0], shape[0] - 1)]
    return all(sorted(np.abs(way)) == [0, 0, length] for way, length in ways)


class _Nearest:
    """Each voxel of the grid belongs to what the pixel nearest to its centre belongs to."""

    def __init__(self, planes: Sequence[_Plane], shape: tuple[int, int], grid: VoxelGrid) -> None:
        self._grid, self._shape = grid, shape
        first = planes[0]
        self._normal = np.cross(first.column, first.row)
        self._normal /= np.linalg.norm(self._normal)
        depths = np.unique(np.round([plane.origin @ self._normal for plane in planes], 3))
        voxel = np.abs(grid.affine[:3, :3].T @ self._normal).max()
        gaps = np.diff(depths)
        gaps = gaps[gaps > _SAME * voxel]
        self._thick = float(gaps.min()) if len(gaps) else float(voxel)

    def __call__(self, plane: _Plane, pixels: Indices) -> Indices:
        """Voxels whose centre lies in one of the pixels, half a slice to both sides of its plane."""
        if not len(pixels):
            return np.empty((0, 3), dtype=np.int64)
        mask = np.zeros(self._shape, dtype=bool)
        mask[tuple(pixels.T)] = True
        candidates = self._around(plane, pixels)
        points = candidates @ self._grid.affine[:3, :3].T + self._grid.affine[:3, 3] - plane.origin
        depth = points @ self._normal
        rows = np.rint(points @ plane.row / (plane.row @ plane.row)).astype(int)
        columns = np.rint(points @ plane.column / (plane.column @ plane.column)).astype(int)
        inside = (rows >= 0) & (columns >= 0) & (rows < self._shape[0]) & (columns < self._shape[1])
        inside &= (depth >= -self._thick / 2) & (depth < self._thick / 2)
        kept = candidates[inside]
        return np.asarray(kept[mask[rows[inside], columns[inside]]], dtype=np.int64)

    def _around(self, plane: _Plane, pixels: Indices) -> Indices:
        """The voxels of the smallest box of the grid that holds the pixels."""
        low, high = pixels.min(axis=0) - 1, pixels.max(axis=0) + 1
        corners = np.array([[r, c] for r in (low[0], high[0]) for c in (low[1], high[1])])
        flat = _points(plane, corners)
        points = np.concatenate([flat - self._normal * self._thick, flat + self._normal * self._thick])
        places = self._grid.indices(points)
        least = np.maximum(np.floor(places.min(axis=0)).astype(int), 0)
        most = np.minimum(np.ceil(places.max(axis=0)).astype(int) + 1, np.array(self._grid.shape))
        axes = [np.arange(a, max(a, b)) for a, b in zip(least, most, strict=True)]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
