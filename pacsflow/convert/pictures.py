"""Radiographs and single frames as PNG: 16 bits of grey as a workstation shows them, or 8 bits of each colour."""

import json
import math
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

from pacsflow.convert.contract import STEM, Converted
from pacsflow.convert.series_files import in_order
from pacsflow.convert.sidecar import described
from pacsflow.convert.whole_folder import whole_folder
from pacsflow.errors import RefusalError

RADIOGRAPHS = ("CR", "DX", "IO", "MG", "PX", "RG")
"""Modalities whose images are pictures, not slices."""
_WHITE = 65535
_MEMORY = 1 << 28
Grey = NDArray[np.float64]


def convert_pictures(files: Sequence[Path], out: Path) -> Converted:
    """Write each image of a series as PNG with a sidecar into folder `out`, which appears whole or not at all.

    `image.png`, `image_2.png`, … in the order of acquisition. Grey values are those after the modality LUT and the
    first VOI LUT or window (PS3.3 C.11.1, C.11.2), black is 0, MONOCHROME1 is inverted, padding is black.
    Raises RefusalError; reasons: no-image, unreadable-file, several-frames, too-large.
    """
    series = in_order(files)
    said = list(series.aside)
    with whole_folder(out) as scratch:
        for number, path in enumerate(series.paths, 1):
            name = STEM if number == 1 else f"{STEM}_{number}"
            said += _written(path, scratch, name)
    return Converted(tuple(sorted(out.iterdir())), tuple(dict.fromkeys(said)))


def _written(path: Path, folder: Path, name: str) -> list[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            source = dcmread(path)
            picture, said = _picture(source)
            told = described(source)
    except RefusalError:
        raise
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise RefusalError("unreadable-file", f"an image cannot be read: {type(error).__name__}") from None
    Image.fromarray(picture).save(folder / f"{name}.png")
    (folder / f"{name}.json").write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return said


def _picture(source: Dataset) -> tuple[NDArray[Any], list[str]]:
    if int(source.get("NumberOfFrames") or 1) > 1:
        raise RefusalError("several-frames", "an image of several frames is no single picture")
    if int(source.Rows) * int(source.Columns) > _MEMORY:
        raise RefusalError("too-large", "an image has more pixels than a picture is made of")
    stored = source.pixel_array  # of colours in RGB, whatever the file has them in
    if int(source.get("SamplesPerPixel") or 1) > 1:
        return _coloured(stored, int(source.BitsStored)), []
    if source.PhotometricInterpretation == "PALETTE COLOR":
        shown = apply_color_lut(stored, source)
        return _coloured(shown[..., :3], 8 * shown.dtype.itemsize), []
    grey, said = _shown(source, stored)
    return np.rint(grey * _WHITE).astype(np.uint16), said


def _coloured(rgb: NDArray[Any], bits: int) -> NDArray[Any]:
    return np.asarray(rgb >> (bits - 8) if bits > 8 else rgb, dtype=np.uint8)  # noqa: PLR2004


def _shown(source: Dataset, stored: NDArray[Any]) -> tuple[Grey, list[str]]:
    """Grey values from 0, black, to 1, and warnings."""
    padding = _padding(source, stored)
    values = np.asarray(apply_modality_lut(stored, source), dtype=np.float64)
    grey, said = _by_lut(source, values), []
    if grey is None:
        grey = _by_window(source, values)
    if grey is None:
        grey = _by_range(values, ~padding)
        said = ["no window and no VOI LUT: from the lowest to the highest value"]
    if source.PhotometricInterpretation == "MONOCHROME1" or source.get("PresentationLUTShape") == "INVERSE":
        grey = 1 - grey
    grey[padding] = 0
    return grey, said


def _padding(source: Dataset, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Which pixels are no part of the image (PS3.3 C.7.5.1.1.2)."""
    value = source.get("PixelPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    low, high = sorted([_signed(source, int(value)), _signed(source, int(source.get("PixelPaddingRangeLimit", value)))])
    return np.asarray((stored >= low) & (stored <= high))


def _signed(source: Dataset, value: int) -> int:
    """A value as pixels have it: some files write that of signed pixels without its sign."""
    bits = int(source.BitsAllocated)
    return value - (1 << bits) if int(source.PixelRepresentation) and value >= 1 << (bits - 1) else value


def _by_lut(source: Dataset, values: Grey) -> Grey | None:
    for item in (source.get("VOILUTSequence") or ())[:1]:
        entries, first, bits = (int(each) for each in item.LUTDescriptor)
        data = _entries(item.LUTData, entries or 1 << 16)
        first = first - (1 << 16) if _is_signed(source) and first >= 1 << 15 else first
        places = np.clip(np.rint(values).astype(np.int64) - first, 0, (entries or 1 << 16) - 1)
        return np.asarray(data[places] / ((1 << bits) - 1), dtype=np.float64)
    return None


def _entries(data: Any, number: int) -> NDArray[Any]:
    """The entries of a LUT: numbers, or words or bytes one after the other (PS3.3 C.11.2.1.1)."""
    if not isinstance(data, bytes):
        return np.asarray(data)
    return np.frombuffer(data, "<u2" if len(data) >= 2 * number else "u1")


def _is_signed(source: Dataset) -> bool:
    """Whether values after the modality LUT may be below 0: the first of a VOI LUT is then a signed number."""
    return bool(int(source.PixelRepresentation)) or float(source.get("RescaleIntercept") or 0) < 0


def _by_window(source: Dataset, values: Grey) -> Grey | None:
    pairs = zip(_numbers(source, "WindowCenter"), _numbers(source, "WindowWidth"), strict=False)
    centre, width = next(((one, other) for one, other in pairs if other > 0 and not math.isnan(one)), (0.0, 0.0))
    if not width:
        return None
    function = str(source.get("VOILUTFunction") or "LINEAR").upper()
    shapes: dict[str, Callable[[], Grey]] = {
        "LINEAR": lambda: (values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5,
        "LINEAR_EXACT": lambda: (values - centre) / width + 0.5,
        "SIGMOID": lambda: 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700))),
    }
    return np.clip(shapes.get(function, shapes["LINEAR"])(), 0, 1)


def _numbers(source: Dataset, keyword: str) -> list[float]:
    """The values of an attribute in their places, those that are not numbers as NaN."""
    try:
        value = source.get(keyword)
    except (TypeError, ValueError):  # as pydicom reads them
        return []
    return [_number(each) for each in (value if isinstance(value, MultiValue | list) else [value])]


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _by_range(values: Grey, kept: NDArray[np.bool_]) -> Grey:
    if not kept.any():
        return np.zeros_like(values)
    low, high = values[kept].min(), values[kept].max()
    return np.clip((values - low) / (high - low), 0, 1) if high > low else np.zeros_like(values)
