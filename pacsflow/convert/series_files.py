"""The files of a series before a converter sees them: what is not an image of it set aside, the rest by acquisition."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.tag import Tag
from pydicom.uid import UID

from pacsflow.errors import RefusalError
from pacsflow.whole_numbers import whole_number
from pacsflow.wording import counted

_MARKS: tuple[Any, ...] = (
    "InstanceNumber",
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "ContentTime",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "FrameReferenceTime",
    "EchoTime",
    "EchoNumbers",
    "InversionTime",
    "FlipAngle",
    "ImageType",
    "ComplexImageComponent",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "KVP",
    Tag(0x0019, 0x100C),
    Tag(0x0019, 0x100E),
    Tag(0x2001, 0x1003),
    Tag(0x2005, 0x10B0),
    Tag(0x2005, 0x10B1),
    Tag(0x2005, 0x10B2),
    Tag(0x0043, 0x1039),
    Tag(0x0065, 0x1009),
    Tag(0x0065, 0x1037),
)
"""Numbers, times and values by which converters tell images of one place apart, public and of vendors."""
_PLACE = ("Rows", "Columns", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "PixelSpacing")
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_LAST = 2**31


@dataclass(frozen=True)
class FileOfSeries:
    """A file: what tells it apart, where it lies, and its place in the order of acquisition. `kind`: its SOP class."""

    path: Path
    kind: str
    image: bool
    capture: bool
    localizer: bool
    marks: tuple[str, ...]
    place: tuple[str, ...]
    order: tuple[Any, ...]


@dataclass(frozen=True)
class SeriesOfFiles:
    """The images in the order of their acquisition, and sentences about what was set aside."""

    files: tuple[FileOfSeries, ...]
    aside: tuple[str, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The images' files."""
        return [one.path for one in self.files]


def in_order(files: Sequence[Path]) -> SeriesOfFiles:
    """The images of a series; objects without pixels, captures of a screen and scouts beside them are set aside.

    The order depends on nothing that de-identification changes, such as UIDs. Raises RefusalError:
    unreadable-file, no-image.
    """
    known = sorted(map(_read, files), key=lambda one: one.order)
    images = [one for one in known if one.image]
    if files and not images:
        raise RefusalError("no-image", "the series holds objects without an image")
    kept = [one for one in images if not one.capture] or images
    kept = [one for one in kept if not one.localizer] or kept
    return SeriesOfFiles(tuple(kept), tuple(_named(one for one in known if one not in kept)))


def _named(aside: Iterable[FileOfSeries]) -> list[str]:
    """A sentence for each kind of object: how many, and what they are."""
    counts = Counter((one.kind, one.localizer and one.image) for one in aside)
    return [
        f"set aside: {number} {'scout' if scout else 'object'}{'s' if number > 1 else ''} ({kind})"
        for (kind, scout), number in sorted(counts.items())
    ]


def _read(path: Path) -> FileOfSeries:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            header = dcmread(path, stop_before_pixels=True, specific_tags=[*_MARKS, *_PLACE, "SOPClassUID"])
            return _told(path, header)
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise RefusalError("unreadable-file", f"a file of the series cannot be read: {type(error).__name__}") from None


def _told(path: Path, header: Dataset) -> FileOfSeries:
    kind = UID(_text(header, "SOPClassUID"))
    marks = tuple(_text(header, tag) for tag in _MARKS)
    place = tuple(_text(header, keyword) for keyword in _PLACE)
    begun = _text(header, "AcquisitionDateTime") or "".join(
        _text(header, f"Acquisition{one}") for one in ("Date", "Time")
    )
    return FileOfSeries(
        path,
        kind.name if not kind.is_private and kind.name != kind else "of no standard kind",
        all(_text(header, size) not in ("", "0") for size in ("Rows", "Columns")),
        kind == _CAPTURE or kind.startswith(f"{_CAPTURE}."),
        "LOCALIZER" in _text(header, "ImageType").split("\\"),
        marks,
        place,
        (begun, _number(_text(header, "InstanceNumber")), marks, place),
    )


def _text(header: Dataset, tag: Any) -> str:
    """A value as text; empty where there is none, or it is spoilt."""
    with suppress(Exception):
        value = header.get(tag)
        value = getattr(value, "value", value)  # of a tag the element, of a keyword the value
        if value is None:
            return ""
        if isinstance(value, bytes):
            return value.hex()
        return "\\".join(map(str, value)) if hasattr(value, "__iter__") and not isinstance(value, str) else str(value)
    return ""


def _number(text: str) -> int:
    return _LAST if (number := whole_number(text)) is None else number


@dataclass(frozen=True)
class Indistinct:
    """Files that nothing tells apart: `doubles` have the pixels of another one, the others have not."""

    doubles: tuple[FileOfSeries, ...]
    others: int

    @property
    def messages(self) -> list[str]:
        """What is wrong with them."""
        doubles = counted(
            len(self.doubles),
            "image is an exact double of another, under a UID of its own",
            "images are exact doubles of others, under UIDs of their own",
        )
        others = (
            f"{counted(self.others, 'image lies', 'images lie')} where another does, and no number, time "
            f"or value tells them apart"
        )
        return [text for text, number in ((doubles, len(self.doubles)), (others, self.others)) if number]


def indistinct(files: Sequence[FileOfSeries]) -> Indistinct:
    """The images of one place that no number, time or value tells apart."""
    places: dict[tuple[object, ...], list[FileOfSeries]] = {}
    for one in files:
        places.setdefault((one.marks, one.place), []).append(one)
    doubles: list[FileOfSeries] = []
    others = 0
    for group in (group for group in places.values() if len(group) > 1):
        seen: set[bytes] = set()
        for one in group:
            digest = pixel_digest(one.path)
            doubles += [one] if digest in seen else []
            seen.add(digest)
        others += len(seen) - 1
    return Indistinct(tuple(doubles), others)


def pixel_digest(path: Path) -> bytes:
    """SHA-256 of the pixel data as it is stored. Raises RefusalError: unreadable-file."""
    try:
        image = dcmread(path, specific_tags=list(_PIXELS))
        found = hashlib.sha256()
        for keyword in _PIXELS:
            found.update(image.get(keyword) or b"")
        return found.digest()
    except Exception as error:  # noqa: BLE001 as above
        raise RefusalError("unreadable-file", f"a file of the series cannot be read: {type(error).__name__}") from None
