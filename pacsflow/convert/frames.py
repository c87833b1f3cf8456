"""Where the frames of a series lie: single-frame, enhanced multi-frame and mosaic images alike."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.tag import Tag

from pacsflow.errors import RefusalError
from pacsflow.wording import counted

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
    "SpacingBetweenSlices",
    "DetectorInformationSequence",
    "SliceVector",
]
_MOSAIC_COUNT = Tag(0x0019, 0x100A)
MOST_FRAMES = 200_000
"""Frames of one file that are looked at one by one: a number in a header costs its sender nothing."""
_GRID = "VFRAME"
_GRID_FRAMES = Tag(0x0065, 0x1051)
Vector = tuple[float, ...]


@dataclass(frozen=True)
class Frame:
    """One frame: which file, its size (rows, columns), and its plane (PS3.3 C.7.6.2.1.1), in millimetres.

    `position`, `orientation`, `spacing` are empty where the file does not give them.
    """

    file: int
    size: tuple[int, int]
    position: Vector
    orientation: Vector
    spacing: Vector
    mosaic: bool = False
    grid: bool = False
    """Whether it is a sheet of slices whose places stand in private elements (United Imaging)."""


def read_frames(files: Sequence[Path]) -> list[Frame]:
    """All frames of a series in the order of `files`.

    Raises RefusalError: unreadable-file, no-image, too-many-frames, grid.
    """
    headers = (header_of(path, [*_TAGS, _MOSAIC_COUNT, _GRID_FRAMES]) for path in files)
    try:
        return [frame for number, header in enumerate(headers) for frame in _frames(number, header)]
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _unreadable(error) from None


def header_of(path: Path, tags: Sequence[Any]) -> Dataset:
    """Elements of a file's header, decoded to the last, so that a damaged file fails here. Raises RefusalError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(tags))
            for _ in header:
                pass
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise _unreadable(error) from None
    return header


def _unreadable(error: Exception) -> RefusalError:
    return RefusalError("unreadable-file", f"a file of the series cannot be read: {type(error).__name__}")


def _frames(number: int, header: Dataset) -> Iterator[Frame]:
    if not header.get("Rows") or not header.get("Columns"):
        raise RefusalError("no-image", "the series holds objects without an image")
    size = (int(header.Rows), int(header.Columns))
    if _GRID in (header.get("ImageType") or ()):
        yield _sheet(number, size, header)
        return
    if header.get("DetectorInformationSequence") and not header.get("ImagePositionPatient"):
        yield from _reconstructed(number, size, header)
        return
    groups = header.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        count = _count(header)
        single = count == 1
        mosaic = _is_mosaic(header)
        for _ in range(count):
            position = _numbers(header, "ImagePositionPatient", 3) if single else ()
            orientation = _numbers(header, "ImageOrientationPatient", 6) if single else ()
            yield Frame(number, size, position, orientation, _numbers(header, "PixelSpacing", 2), mosaic)
        return
    shared = header.get("SharedFunctionalGroupsSequence") or [Dataset()]
    for group in groups:
        yield _enhanced(number, size, (group, shared[0], header))


def _count(header: Dataset) -> int:
    """Number of Frames. Raises RefusalError: too-many-frames."""
    count = int(header.get("NumberOfFrames") or 1)
    if count > MOST_FRAMES:
        raise RefusalError("too-many-frames", f"an image of {counted(count, 'frame')}, more than {MOST_FRAMES:,}")
    return count


def _sheet(number: int, size: tuple[int, int], header: Dataset) -> Frame:
    """A grid of United Imaging. Raises RefusalError where the private elements that tell of its slices are gone."""
    if not header.get(_GRID_FRAMES):
        raise RefusalError(
            "grid",
            "sheets of slices (United Imaging, VFRAME) without the private elements of group 0065 that tell of them",
            fix="write `private: {keep: [uih-for-nifti]}` in deid.yaml, or ask for the series slice by slice",
        )
    return Frame(number, size, (), (), (), mosaic=True, grid=True)


def _reconstructed(number: int, size: tuple[int, int], header: Dataset) -> Iterator[Frame]:
    """The slices of a reconstructed NM image: the first one's place stands at its detector (PS3.3 C.8.4.11)."""
    detector = header.DetectorInformationSequence[0]
    first, orientation = _numbers(detector, "ImagePositionPatient", 3), _numbers(detector, "ImageOrientationPatient", 6)
    step, spacing = float(header.get("SpacingBetweenSlices") or 0), _numbers(header, "PixelSpacing", 2)
    count = _count(header)
    told = header.get("SliceVector")
    slices = [int(each) - 1 for each in told] if told and hasattr(told, "__iter__") else list(range(count))
    known = bool(first and orientation and step) and len(slices) == count
    for place in slices if known else range(count):
        position = _along(first, orientation, place * step) if known else ()
        yield Frame(number, size, position, orientation if known else (), spacing)


def _along(first: Vector, orientation: Vector, distance: float) -> Vector:
    """A point `distance` mm from another along the normal of a plane."""
    (a, b, c), (d, e, f) = orientation[:3], orientation[3:]
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    return tuple(start + distance * part for start, part in zip(first, normal, strict=True))


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
