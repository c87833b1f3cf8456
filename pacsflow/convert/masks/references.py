"""Which series and instances a DICOM object refers to: segmentations, structure sets, reports and their like."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import Dataset, dcmread

_DEEPEST = 12
_INSTANCE = "ReferencedSOPInstanceUID"
_CLASS = "ReferencedSOPClassUID"
_SERIES = "SeriesInstanceUID"
_OF_STUDIES = ("ReferencedSeriesSequence", "RTReferencedSeriesSequence")
"""An item with one of them is of a study: the instance that it names is the study itself."""
_COPIES = "IdenticalDocumentsSequence"
"""Names copies of the object itself in other studies (PS3.3 C.17.2.2)."""
_NO_OBJECTS = ("1.2.840.10008.3.1.", "1.2.840.10008.5.1.4.34.6.", "1.2.840.10008.5.1.1.")
"""Beginnings of the classes of what is not stored: studies, patients, procedure steps, print jobs."""


@dataclass(frozen=True)
class References:
    """UIDs of series and of instances that an object refers to.

    `alone`: of the instances of which no series is named, as plans name their structure set: UID -> SOP class.
    """

    series: frozenset[str]
    instances: frozenset[str]
    alone: Mapping[str, str] = field(default_factory=dict)


def references_of(header: Dataset) -> References:
    """What an object refers to, anywhere in its sequences; its own UIDs and copies of it apart."""
    found = list(_below(header, 0, named=False))
    series = frozenset(str(item.get(_SERIES)) for item, _ in found if item.get(_SERIES))
    placed = {str(item.get(_INSTANCE)) for item, named in found if named and item.get(_INSTANCE)}
    alone = {
        str(item.get(_INSTANCE)): str(item.get(_CLASS) or "") for item, named in found if _is_alone(item, named=named)
    }
    own = {str(header.get("SOPInstanceUID"))}
    left = {uid: told for uid, told in alone.items() if uid not in placed | own}
    return References(series, frozenset(placed | alone.keys()), left)


def _is_alone(item: Dataset, *, named: bool) -> bool:
    """Whether an item names an instance, and no item around it the series."""
    if named or not item.get(_INSTANCE) or any(name in item for name in _OF_STUDIES):
        return False
    return not str(item.get(_CLASS) or "").startswith(_NO_OBJECTS)


def references_in(files: Iterable[Path]) -> References:
    """What the objects in files refer to together; a file that cannot be read refers to nothing."""
    found = [_of_file(path) for path in files]
    return References(
        frozenset(uid for one in found for uid in one.series),
        frozenset(uid for one in found for uid in one.instances),
        {uid: told for one in found for uid, told in one.alone.items()},
    )


def _of_file(path: Path) -> References:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            return references_of(dcmread(path, stop_before_pixels=True))
    except Exception:  # noqa: BLE001 what is spoilt fails in many ways, and is refused where it is converted
        return References(frozenset(), frozenset())


def _below(place: Dataset, depth: int, *, named: bool) -> Iterator[tuple[Dataset, bool]]:
    """All items below a place, and whether one of those around it, or it, names a series."""
    if depth > _DEEPEST:
        return
    for element in place:
        if element.VR == "SQ" and element.keyword != _COPIES:
            for item in element.value or ():
                told = named or bool(item.get(_SERIES))
                yield item, told
                yield from _below(item, depth + 1, named=told)
