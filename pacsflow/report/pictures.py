"""Small pictures of middle slices, from cleaned files: windowed as a viewer would show them.

Of a regular volume, the middle planes along the other two axes too, side by side: what lies crosswise in the slices.
"""

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

EDGE = 256
"""Longest side in pixels."""
MOST = 1 << 30
MOST_OF_FRAME = 1 << 27
"""Pixels times samples of an image, and of one frame, that is still decoded for a picture."""
_PLACE: list[Any] = ["ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber", "Rows"]
_GRAY, _COLOR = 2, 3
Pixels = NDArray[Any]


def middle_slice(files: Sequence[Path]) -> bytes | None:
    """A PNG of the middle frame of a series, no side above EDGE; None where there is nothing to show."""
    images = sorted((key, path) for path in files if (key := place_of(path)) is not None)
    try:
        return picture(images[len(images) // 2][1]) if images else None
    except Exception:  # noqa: BLE001 a file that cannot be shown leaves a gap on the page, nothing more
        return None


def picture(path: Path) -> bytes:
    """A PNG of the middle frame of a file. Raises what pydicom and Pillow raise on pixels they cannot decode."""
    header = dcmread(path, stop_before_pixels=True)
    check_size(header)
    frame = int(header.get("NumberOfFrames") or 1) // 2
    image = Image.fromarray(_shades(pixel_array(path, index=frame), header, frame))
    image = image.resize(_size(image.size, _of_frame(header, frame, "PixelSpacing")), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def check_size(header: Dataset) -> None:
    """Raise ValueError for more than MOST pixels: some decoders make room for all frames at once."""
    sides = [int(header.get(name) or 1) for name in ("Rows", "Columns", "SamplesPerPixel", "NumberOfFrames")]
    if min(sides) < 1 or math.prod(sides) > MOST or math.prod(sides[:3]) > MOST_OF_FRAME:
        raise ValueError("too many pixels for a picture")


def place_of(path: Path) -> tuple[float, int] | None:
    """Where a file stands in its series: along its normal, then by its number; None for what is not an image."""
    try:
        header = dcmread(path, stop_before_pixels=True, specific_tags=_PLACE)
        if not header.get("Rows"):
            return None
    except Exception:  # noqa: BLE001 what is spoilt fails in many ways
        return None
    return _depth(header), _number(header)


def _depth(header: Dataset) -> float:
    """Along the normal of the slices; 0 where the header does not give it."""
    try:
        axes = np.array(header.ImageOrientationPatient, dtype=float)
        depth = float(np.array(header.ImagePositionPatient, dtype=float) @ np.cross(axes[:3], axes[3:]))
    except Exception:  # noqa: BLE001 as above
        return 0.0
    return depth if math.isfinite(depth) else 0.0


def _number(header: Dataset) -> int:
    """Instance Number; 0 where it is not a number, or several."""
    try:
        return int(header.get("InstanceNumber") or 0)
    except Exception:  # noqa: BLE001 as above
        return 0


def _shades(pixels: Pixels, header: Dataset, frame: int) -> Pixels:
    """8-bit gray (rows, columns) or colour (rows, columns, 3)."""
    kind = header.PhotometricInterpretation
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
    if pixels.ndim == _COLOR:
        return _spread(pixels.astype(float), 0, float(np.iinfo(pixels.dtype).max))[..., :3]
    facts = lookup(header, frame)
    values = np.asarray(apply_modality_lut(pixels, facts), dtype=float)
    shades = windowed(values, facts)
    return 255 - shades if kind == "MONOCHROME1" else shades


def lookup(header: Dataset, frame: int) -> Dataset:
    """Rescale and window of a frame, wherever the image keeps them (PS3.3 C.7.6.16.2.9, C.7.6.16.2.10)."""
    facts = Dataset()
    for keyword in ("RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth", "ModalityLUTSequence"):
        if (value := _of_frame(header, frame, keyword)) not in (None, ""):
            setattr(facts, keyword, value)
    facts.PixelRepresentation = header.get("PixelRepresentation", 0)
    return facts


def _of_frame(header: Dataset, frame: int, keyword: str) -> Any:
    if header.get(keyword) not in (None, ""):
        return header.get(keyword)
    groups = list(header.get("PerFrameFunctionalGroupsSequence") or [])[frame : frame + 1]
    for group in [*groups, *(header.get("SharedFunctionalGroupsSequence") or [])]:
        for element in group:
            if element.VR == "SQ" and element.value and keyword in element.value[0]:
                return element.value[0].get(keyword)
    return None


def windowed(values: Pixels, facts: Dataset) -> Pixels:
    """By the first window of the header (PS3.3 C.11.2.1.2); where it shows nothing, by what the pixels hold."""
    center, width = (_first(facts.get(keyword)) for keyword in ("WindowCenter", "WindowWidth"))
    if center is not None and width is not None and width > 1:
        shown = _spread(values, center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2)
        if shown.min() < shown.max():
            return shown
    low, high = (float(v) for v in np.percentile(values, [0.5, 99.5]))
    return _spread(values, low, high if high > low else low + 1)


def _first(value: Any) -> float | None:
    return None if value is None else float(value[0] if isinstance(value, MultiValue) else value)


def _spread(values: Pixels, low: float, high: float) -> Pixels:
    scaled: Pixels = np.clip((values - low) / (high - low), 0, 1) * 255
    return scaled.astype(np.uint8)


def _size(size: tuple[int, int], spacing: Sequence[float] | None) -> tuple[int, int]:
    """Width and height with square pixels, the longer one EDGE."""
    rows, columns = (float(s) for s in spacing) if spacing and len(spacing) == _GRAY else (1.0, 1.0)
    width, height = size[0] * max(columns, 1e-6), size[1] * max(rows, 1e-6)
    scale = EDGE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))
