"""Masks from an RT structure set (PS3.3 C.8.8.6): closed planar contours, filled."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from pacsflow.convert.masks.contract import Array, Mask, VoxelGrid
from pacsflow.errors import RefusalError
from pacsflow.wording import counted

_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_FLAT = 0.1
"""By how many voxels the points of a contour may leave its plane."""
_EDGE = 0.5 + 1e-3
"""By how many voxels the edge of an image lies around the centres of its outermost ones, and what rounding adds."""
_FEWEST = 3


def structures_of(source: Dataset, grid: VoxelGrid) -> list[Mask]:
    """The regions of a structure set on a grid: voxels whose centre is inside an odd number of contours of a slice.

    So a contour inside another is a hole, as a keyhole is. Raises RefusalError: oblique-mask where contours do not lie
    in slices of the image, outside-image.
    """
    names = {
        int(one.ROINumber): str(one.get("ROIName") or "").strip() for one in source.get("StructureSetROISequence") or ()
    }
    masks = [_region(one, names, grid) for one in source.ROIContourSequence]
    if masks and not any(len(mask.voxels) for mask in masks):
        raise RefusalError("outside-image", "no contour covers a voxel of the image that it refers to")
    return masks


@dataclass(frozen=True)
class _Contour:
    """A closed contour: where it lies along the axis across it, and its corners in the other two, all in voxels."""

    place: float
    corners: Array


def _region(region: Dataset, names: dict[int, str], grid: VoxelGrid) -> Mask:
    slices: dict[tuple[int, int], list[_Contour]] = defaultdict(list)
    told: Counter[str] = Counter()
    for contour in region.get("ContourSequence") or ():
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        if str(contour.get("ContourGeometricType")) not in _CLOSED or len(points) < _FEWEST:
            told["unfilled"] += 1
            continue
        axis, found = _plane(grid.indices(points))
        number, shape = int(np.rint(found.place)), np.delete(np.array(grid.shape), axis)
        below, above = found.corners.max(axis=0) < -_EDGE, found.corners.min(axis=0) > shape - 1 + _EDGE
        if not 0 <= number < grid.shape[axis] or below.any() or above.any():
            told["outside"] += 1
            continue
        told["beyond"] += bool((found.corners < -_EDGE).any() or (found.corners > shape - 1 + _EDGE).any())
        slices[axis, number].append(found)
    number = int(region.ReferencedROINumber)
    parts = [
        _voxels(axis, place, _of_one_plane(place, contours, told), grid)
        for (axis, place), contours in sorted(slices.items())
    ]
    voxels = np.unique(np.concatenate(parts), axis=0) if parts else np.empty((0, 3), dtype=np.int64)
    warnings = tuple(f"{counted(n, one, many)} {what}" for one, many, what, n in _said(told) if n)
    return Mask(number, names.get(number, ""), voxels, {}, warnings)


def _said(told: Counter[str]) -> Iterator[tuple[str, str, str, int]]:
    yield "contour lies", "contours lie", "outside the image", told["outside"]
    yield "contour reaches", "contours reach", "beyond the edge of the image", told["beyond"]
    yield "contour lies", "contours lie", "between slices of the image that have a nearer one", told["between"]
    yield "contour is", "contours are", "there twice: taken once", told["twice"]
    yield "point or open contour is", "points or open contours are", "not filled", told["unfilled"]


def _of_one_plane(place: int, contours: Sequence[_Contour], told: Counter[str]) -> list[Array]:
    """The contours of a slice in the plane nearest to it, each once: only in one plane are they holes in each other."""
    nearest = min(contours, key=lambda one: abs(one.place - place)).place
    there = [one for one in contours if abs(one.place - nearest) <= _FLAT]
    told["between"] += len(contours) - len(there)
    taken = {np.unique(np.round(one.corners, 3), axis=0).tobytes(): one.corners for one in there}
    told["twice"] += len(there) - len(taken)
    return list(taken.values())


def _plane(indices: Array) -> tuple[int, _Contour]:
    """The axis of the grid that a contour lies across, and the contour."""
    spread = np.ptp(indices, axis=0)
    axis = int(spread.argmin())
    if spread[axis] > _FLAT:
        raise RefusalError("oblique-mask", "contours do not lie in slices of the image that they refer to")
    return axis, _Contour(float(indices[:, axis].mean()), np.delete(indices, axis, axis=1))


def _voxels(axis: int, place: int, contours: list[Array], grid: VoxelGrid) -> NDArray[np.int64]:
    shape = tuple(np.delete(np.array(grid.shape), axis))
    filled = np.zeros(shape, dtype=bool)
    for contour in contours:
        for row, columns in _spans(contour, shape):
            filled[row, columns] ^= True
    return np.insert(np.argwhere(filled), axis, place, axis=1)


def _spans(contour: Array, shape: tuple[int, ...]) -> Iterator[tuple[int, slice]]:
    """The runs of pixels of each row whose centres are inside a polygon, by the even-odd rule."""
    ends = np.roll(contour, -1, axis=0)
    first = max(int(np.ceil(contour[:, 0].min())), 0)
    last = min(int(np.floor(contour[:, 0].max())), shape[0] - 1)
    for row in range(first, last + 1):
        crossing = (contour[:, 0] <= row) != (ends[:, 0] <= row)
        a, b = contour[crossing], ends[crossing]
        places = np.sort(a[:, 1] + (row - a[:, 0]) * (b[:, 1] - a[:, 1]) / (b[:, 0] - a[:, 0]))
        for begin, end in zip(places[::2], places[1::2], strict=True):
            start, stop = max(int(np.ceil(begin)), 0), min(int(np.ceil(end)), shape[1])
            if start < stop:
                yield row, slice(start, stop)
