"""Pixel values as they are stored: read, and written over where a face is, every other bit as it was."""

from io import BytesIO
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.dataset import FileDataset
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from pacsflow.deid.faces.face_region import Mask, NoHeadError

AIR: Final = -1000.0
"""Hounsfield units."""
CODE: Final = ("113102", "Clean Recognizable Visual Features Option")
"""CID 7050."""


def read(data: bytes, *, header: bool = False) -> FileDataset:
    """A Part 10 file in memory; its header alone where nothing else is wanted."""
    return dcmread(BytesIO(data), stop_before_pixels=header, force=False)


def values_of(image: Dataset, frame: int) -> NDArray[np.float32]:
    """One frame in the modality's units (PS3.3 C.11.1). Raises NoHeadError for colour, and what cannot be decoded."""
    refuse_colour(image)
    try:
        stored = pixel_array(image, index=frame, raw=True)
    except Exception:  # noqa: BLE001 - decoders raise whatever they like
        raise NoHeadError("pixels that cannot be decoded") from None
    slope, intercept = _rescale(image)
    return np.asarray(stored, np.float32) * np.float32(slope) + np.float32(intercept)


def cleared(data: bytes, masks: dict[int, Mask], modality: str) -> bytes:
    """The file without what `masks` (frame -> pixels) say, and marked so. Raises NoHeadError where that cannot be done.

    Compressed pixels are stored natively afterwards, as they were decoded; others keep their encoding, and each bit
    outside the masks.
    """
    image = read(data)
    refuse_colour(image)
    if UID(image.file_meta.TransferSyntaxUID).is_compressed:
        try:
            image.decompress(generate_instance_uid=False)
        except Exception:  # noqa: BLE001 - decoders raise whatever they like
            raise NoHeadError("pixels that cannot be decoded") from None
    if any(mask.any() for mask in masks.values()):
        image.PixelData = _over(image, masks, modality)
    _mark(image)
    out = BytesIO()
    dcmwrite(out, image, enforce_file_format=False, overwrite=True)
    return out.getvalue()


def _over(image: Dataset, masks: dict[int, Mask], modality: str) -> bytes:
    order = ">" if image.original_encoding == (False, False) else "<"
    kind = np.dtype(f"{order}{'i' if image.PixelRepresentation else 'u'}{image.BitsAllocated // 8}")
    cells = np.frombuffer(bytearray(image.PixelData), kind)
    number = image.Rows * image.Columns * max(1, int(image.get("NumberOfFrames") or 1))
    shown = cells[:number].reshape(-1, image.Rows, image.Columns)
    empty = _empty(image, modality)
    for frame, mask in masks.items():
        shown[frame][mask] = empty
    return cells.tobytes()


def _empty(image: Dataset, modality: str) -> int:
    """The stored value of nothing: of air in CT, else 0, or what is black where 0 is white."""
    bits = int(image.BitsStored)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if image.PixelRepresentation else (0, (1 << bits) - 1)
    if modality == "CT":
        slope, intercept = _rescale(image)
        return int(np.clip(round((AIR - intercept) / (slope or 1.0)), low, high))
    return high if image.PhotometricInterpretation == "MONOCHROME1" else 0


def _rescale(image: Dataset) -> tuple[float, float]:
    """Slope and intercept of an image, or of its first frame."""
    for sequence in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in (image.get(sequence) or [])[:1]:
            for each in group.get("PixelValueTransformationSequence") or []:
                return _numbers(each)
    return _numbers(image)


def _numbers(said: Dataset) -> tuple[float, float]:
    slope, intercept = said.get("RescaleSlope"), said.get("RescaleIntercept")
    try:
        return float(1 if slope in (None, "") else slope), float(0 if intercept in (None, "") else intercept)
    except (TypeError, ValueError):
        return 1.0, 0.0


def refuse_colour(image: Dataset) -> None:
    """Raise NoHeadError for pixels of a kind whose values are not read."""
    if image.get("SamplesPerPixel", 1) != 1 or image.get("BitsAllocated") not in (8, 16, 32):
        raise NoHeadError("pixels of a kind that is not read (colour, floating point, single bits)")


def _mark(image: Dataset) -> None:
    """Recognizable Visual Features NO, and the code of the option (PS3.3 C.7.6.1.1.9, C.12.1.1.7)."""
    image.RecognizableVisualFeatures = "NO"
    code: Any = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = CODE[0], "DCM", CODE[1]
    before = list(image.get("DeidentificationMethodCodeSequence") or [])
    image.DeidentificationMethodCodeSequence = [
        *(each for each in before if each.get("CodeValue") != CODE[0]),
        code,
    ]
