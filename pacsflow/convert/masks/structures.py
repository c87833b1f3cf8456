"""Masks from an RT structure set (PS3.3 C.8.8.6): closed planar contours, filled."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from pacsflow.convert.masks.contract import Array, Mask, VoxelGrid
from pacsflow.errors import RefusalError
from pacsflow.wording import counted

_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})
_FLAT = 0.1
"""By how many voxels the points of a contour may leave its plane."""
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


def _region(region: Dataset, names: dict[int, str], grid: VoxelGrid) -> Mask:
    slices: dict[tuple[int, int], list[Array]] = defaultdict(list)
    outside = unfilled = 0
    for contour in region.get("ContourSequence") or ():
        points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
        if str(contour.get("ContourGeometricType")) not in _CLOSED or len(points) < _FEWEST:
            unfilled += 1
            continue
        axis, place, corners = _plane(grid.indices(points))
        if 0 <= place < grid.shape[axis]:
            slices[axis, place].append(corners)
        else:
            outside += 1
    number = int(region.ReferencedROINumber)
    warnings = []
    if outside:
        warnings.append(f"{counted(outside, 'contour lies', 'contours lie')} outside the image")
    if unfilled:
        warnings.append(f"{counted(unfilled, 'point or open contour is', 'points or open contours are')} not filled")
    parts = [_voxels(axis, place, contours, grid) for (axis, place), contours in sorted(slices.items())]
    voxels = np.unique(np.concatenate(parts), axis=0) if parts else np.empty((0, 3), dtype=np.int64)
    return Mask(number, names.get(number, ""), voxels, {}, tuple(warnings))


def _plane(indices: Array) -> tuple[int, int, Array]:
    """The axis of the grid that a contour lies across, which slice, and its corners in the other two axes."""
    spread = np.ptp(indices, axis=0)
    axis = int(spread.argmin())
    if spread[axis] > _FLAT:
        raise RefusalError("oblique-mask", "contours do not lie in slices of the image that they refer to")
    return axis, int(np.rint(indices[:, axis].mean())), np.delete(indices, axis, axis=1)


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
