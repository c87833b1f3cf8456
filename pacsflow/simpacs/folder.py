"""An archive over a folder tree of DICOM files: headers in memory, datasets read when sent."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import groupby
from mmap import ACCESS_READ, mmap
from operator import itemgetter
from pathlib import Path

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pynetdicom.dsutils import split_dataset

from pacsflow.simpacs.archive import (
    SERIES_KEYS,
    STUDY_KEYS,
    Encoded,
    StoredInstance,
    StoredSeries,
    StoredStudy,
    StudyArchive,
    summary,
)

Entry = tuple[dict[str, str], str, Callable[[], Encoded]]
"""Attributes, transfer syntax, and a way to the encoded dataset."""
MAPPED_FROM = 64 << 20
"""Larger files are not read into memory."""
LONGEST = 1024
"""Longer values are not query keys."""
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")


def folder_archive(folder: Path) -> StudyArchive:
    """Everything below `folder` that is a DICOM file with the UIDs of an instance; the rest is passed over."""
    files = [entry for path in sorted(folder.rglob("*")) if path.is_file() for entry in _read(path)]
    return StudyArchive(studies(files))


def studies(files: Iterable[Entry]) -> list[StoredStudy]:
    """Studies of (attributes, transfer syntax, encoded dataset), whatever their order."""
    by_study, by_series = itemgetter("StudyInstanceUID"), itemgetter("SeriesInstanceUID")
    entries = sorted(files, key=lambda entry: (by_study(entry[0]), by_series(entry[0]), *_place(entry[0])))
    grouped = groupby(entries, key=lambda entry: by_study(entry[0]))
    return [_study([list(s) for _, s in groupby(of, key=lambda entry: by_series(entry[0]))]) for _, of in grouped]


def attributes_of(dataset: Dataset) -> dict[str, str]:
    """The text values of a dataset's top level: keyword -> value."""
    found = {}
    for element in dataset:
        if element.keyword and element.VR not in {"SQ", "OB", "OW", "OF", "OD", "OL", "OV", "UN"}:
            text = _text(element.value)
            if len(text) <= LONGEST:
                found[element.keyword] = text
    return found


def _read(path: Path) -> list[Entry]:
    try:
        dataset = dcmread(path, stop_before_pixels=True)
    except (InvalidDicomError, OSError):
        return []
    if not all(dataset.get(keyword) for keyword in UIDS):
        return []
    _, offset = split_dataset(path)
    return [(attributes_of(dataset), str(dataset.file_meta.TransferSyntaxUID), partial(_tail, path, offset))]


def _tail(path: Path, offset: int) -> Encoded:
    with path.open("rb") as file:
        if path.stat().st_size > MAPPED_FROM:
            return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))[offset:]
        file.seek(offset)
        return file.read()


def _text(value: object) -> str:
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)


def _place(attributes: dict[str, str]) -> tuple[int, str]:
    number = attributes.get("InstanceNumber", "")
    return (int(number) if number.strip().lstrip("+-").isdigit() else 0, attributes["SOPInstanceUID"])


def _study(groups: list[list[Entry]]) -> StoredStudy:
    first = groups[0][0][0]
    series = tuple(_series(group) for group in groups)
    common = {keyword: value for keyword, value in first.items() if keyword in STUDY_KEYS}
    contents = frozenset((one.sop_class, one.transfer_syntax) for each in series for one in each.instances)
    return StoredStudy({**common, **summary(series)}, lambda: series, contents)


def _series(group: list[Entry]) -> StoredSeries:
    common = {keyword: value for keyword, value in group[0][0].items() if keyword in SERIES_KEYS}
    common["NumberOfSeriesRelatedInstances"] = str(len(group))
    instances = tuple(StoredInstance(own, syntax, n, encoded) for n, (own, syntax, encoded) in enumerate(group, 1))
    return StoredSeries(common, instances)
