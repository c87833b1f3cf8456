"""Where the frames of a series lie: single-frame, enhanced multi-frame and mosaic images alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.tag import Tag

from pacsflow.errors import RefusalError

_TAGS: list[Any] = [
    "ImageType",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
_MOSAIC_COUNT = Tag(0x0019, 0x100A)
Vector = tuple[float, ...]


@dataclass(frozen=True)
class Frame:
    """One frame: which file, its size (rows, columns), and its plane (PS3.3 C.7.6.2.1.1), in millimetres.

    `position`, `orientation`, `spacing` are empty where the file does not tell them.
    """

    file: int
    size: tuple[int, int]
    position: Vector
    orientation: Vector
    spacing: Vector
    mosaic: bool = False


def read_frames(files: Sequence[Path]) -> list[Frame]:
    """All frames of a series in the order of `files`. Raises RefusalError: unreadable-file, no-image."""
    return [frame for number, path in enumerate(files) for frame in _frames(number, _header(path))]


def _header(path: Path) -> Dataset:
    try:
        return dcmread(path, stop_before_pixels=True, specific_tags=[*_TAGS, _MOSAIC_COUNT])
    except (InvalidDicomError, OSError, EOFError) as error:
        raise RefusalError("unreadable-file", f"a file of the series cannot be read: {type(error).__name__}") from None


def _frames(number: int, header: Dataset) -> Iterator[Frame]:
    if not header.get("Rows") or not header.get("Columns"):
        raise RefusalError("no-image", "the series holds objects without an image")
    size = (int(header.Rows), int(header.Columns))
    groups = header.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        single = int(header.get("NumberOfFrames") or 1) == 1
        mosaic = _is_mosaic(header)
        for _ in range(int(header.get("NumberOfFrames") or 1)):
            position = _numbers(header, "ImagePositionPatient", 3) if single else ()
            orientation = _numbers(header, "ImageOrientationPatient", 6) if single else ()
            yield Frame(number, size, position, orientation, _numbers(header, "PixelSpacing", 2), mosaic)
        return
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for group in groups:
        yield _enhanced(number, size, (group, shared[0], header))


def _enhanced(number: int, size: tuple[int, int], places: Sequence[Dataset]) -> Frame:
    return Frame(
        number,
        size,
        _macro(places, "PlanePositionSequence", "ImagePositionPatient", 3),
        _macro(places, "PlaneOrientationSequence", "ImageOrientationPatient", 6),
        _macro(places, "PixelMeasuresSequence", "PixelSpacing", 2),
    )


def _macro(places: Sequence[Dataset], sequence: str, keyword: str, count: int) -> Vector:
    """The value from the frame's functional group, else the shared one, else the top level (PS3.3 C.7.6.16)."""
    for place in places:
        item = (place.get(sequence) or [place])[0]
        if value := _numbers(item, keyword, count):
            return value
    return ()


def _numbers(dataset: Dataset, keyword: str, count: int) -> Vector:
    try:
        values = tuple(float(v) for v in dataset.get(keyword) or ())
    except (TypeError, ValueError):
        return ()
    return values if len(values) == count else ()


def _is_mosaic(header: Dataset) -> bool:
    return "MOSAIC" in (header.get("ImageType") or ()) or _MOSAIC_COUNT in header
