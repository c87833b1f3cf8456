"""Three planes of a volume, from cleaned files: axial, coronal, sagittal, through its middle, side by side."""

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array

from pacsflow.report.pictures import EDGE, check_size, lookup, place_of, windowed

FEWEST: Final = 8
"""Slices that make a volume worth three planes."""
MOST_SLICES: Final = 96
"""So many are decoded, evenly spaced: a picture needs no more."""
SECONDS: Final = 12.0
"""For decoding; what takes longer is shown by its middle slice."""
_UNEVEN: Final = 1.5
"""Times the smallest distance that the largest may be; more is not a volume."""
_OBLIQUE: Final = 0.7
"""Cosine of the angle to an axis of the patient above which an axis of the image is taken for it."""
_BETWEEN: Final = 6
"""Pixels between two planes."""
Volume = NDArray[np.float32]


class NoVolumeError(Exception):
    """The files are not a volume that three planes can be shown of."""


def three_planes(files: Sequence[Path]) -> bytes:
    """A PNG of three planes. Raises NoVolumeError, and what pydicom and Pillow raise on pixels they cannot decode."""
    placed = sorted((key, path) for path in files if (key := place_of(path)) is not None)
    depths = [key[0] for key, _ in placed]
    steps = np.diff(depths)
    if len(depths) < FEWEST or float(steps.min()) <= 0 or float(steps.max()) > _UNEVEN * float(steps.min()):
        raise NoVolumeError
    chosen = np.unique(np.linspace(0, len(placed) - 1, min(len(placed), MOST_SLICES)).round().astype(int))
    slices = [placed[number][1] for number in chosen]
    middle = dcmread(slices[len(slices) // 2], stop_before_pixels=True)
    gap = (depths[-1] - depths[0]) / (len(slices) - 1)
    volume, spacing = _upright(_stacked(slices), middle, gap)
    return _beside([_square(plane, sides) for plane, sides in _cuts(_shades(volume, middle), spacing)])


def _stacked(slices: Sequence[Path]) -> Volume:
    """The values of all slices, thinned to EDGE in each: (slice, row, column)."""
    until, stack = time.monotonic() + SECONDS, []
    for path in slices:
        header = dcmread(path, stop_before_pixels=True)
        check_size(header)
        gray = str(header.PhotometricInterpretation).startswith("MONOCHROME")
        if not gray or int(header.get("NumberOfFrames") or 1) > 1 or time.monotonic() > until:
            raise NoVolumeError
        values = np.asarray(apply_modality_lut(pixel_array(path), lookup(header, 0)), dtype=np.float32)
        thinned = _step(header)
        stack.append(values[::thinned, ::thinned])
    if len({plane.shape for plane in stack}) > 1:
        raise NoVolumeError
    return np.stack(stack)


def _step(header: Dataset) -> int:
    return max(1, -(-max(int(header.Rows), int(header.Columns)) // EDGE))


def _upright(volume: Volume, header: Dataset, gap: float) -> tuple[Volume, tuple[float, float, float]]:
    """The volume by the patient's axes, head first, then front, then right (PS3.3 C.7.6.2.1.1); mm of its voxels."""
    along_row, down_column = np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
    normal = np.cross(along_row, down_column)
    rows, columns = (float(one) * _step(header) for one in header.PixelSpacing)
    order, flips = [0, 0, 0], [False, False, False]
    for axis, way in enumerate((normal, down_column, along_row)):
        of_patient = int(np.abs(way).argmax())
        if abs(way[of_patient]) < _OBLIQUE:
            raise NoVolumeError
        place = 2 - of_patient  # x is last, z first
        order[place] = axis
        flips[place] = bool(way[of_patient] > 0) if of_patient == 2 else bool(way[of_patient] < 0)  # noqa: PLR2004
    turned = volume.transpose(order)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    mm = (gap, rows, columns)
    return turned, (mm[order[0]], mm[order[1]], mm[order[2]])


def _shades(volume: Volume, header: Dataset) -> NDArray[np.uint8]:
    shades = windowed(volume, lookup(header, 0))
    return 255 - shades if header.PhotometricInterpretation == "MONOCHROME1" else shades


def _cuts(
    volume: NDArray[np.uint8], mm: tuple[float, float, float]
) -> list[tuple[NDArray[np.uint8], tuple[float, float]]]:
    """Axial, coronal, sagittal through the middle, each with the mm of its pixels."""
    z, y, x = (size // 2 for size in volume.shape)
    return [
        (volume[z], (mm[1], mm[2])),
        (volume[:, y], (mm[0], mm[2])),
        (volume[:, :, x], (mm[0], mm[1])),
    ]


def _square(plane: NDArray[np.uint8], mm: tuple[float, float]) -> Image.Image:
    """A plane with square pixels, its longer side EDGE."""
    height, width = plane.shape[0] * mm[0], plane.shape[1] * mm[1]
    scale = EDGE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return Image.fromarray(np.ascontiguousarray(plane)).resize(size, Image.Resampling.BILINEAR)


def _beside(planes: Sequence[Image.Image]) -> bytes:
    sheet = Image.new("L", (len(planes) * EDGE + (len(planes) - 1) * _BETWEEN, EDGE))
    for number, plane in enumerate(planes):
        left = number * (EDGE + _BETWEEN) + (EDGE - plane.width) // 2
        sheet.paste(plane, (left, (EDGE - plane.height) // 2))
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()
