"""Which series and instances a DICOM object refers to: segmentations, structure sets, presentation states."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

_DEEPEST = 12
_INSTANCE = "ReferencedSOPInstanceUID"
_SERIES = "SeriesInstanceUID"


@dataclass(frozen=True)
class References:
    """UIDs of series and of instances that an object refers to."""

    series: frozenset[str]
    instances: frozenset[str]


def references_of(header: Dataset) -> References:
    """What an object refers to, anywhere in its sequences; its own UIDs apart."""
    found = list(_below(header, 0))
    series = frozenset(str(item.get(_SERIES)) for item in found if item.get(_SERIES))
    instances = frozenset(str(item.get(_INSTANCE)) for item in found if item.get(_INSTANCE))
    return References(series, instances)


def references_in(files: Iterable[Path]) -> References:
    """What the objects in files refer to together; a file that cannot be read refers to nothing."""
    found = [_of_file(path) for path in files]
    return References(
        frozenset(uid for one in found for uid in one.series), frozenset(uid for one in found for uid in one.instances)
    )


def _of_file(path: Path) -> References:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            return references_of(dcmread(path, stop_before_pixels=True))
    except Exception:  # noqa: BLE001 what is spoilt fails in many ways, and is refused where it is converted
        return References(frozenset(), frozenset())


def _below(place: Dataset, depth: int) -> Iterator[Dataset]:
    if depth > _DEEPEST:
        return
    for element in place:
        if element.VR == "SQ":
            for item in element.value or ():
                yield item
                yield from _below(item, depth + 1)
