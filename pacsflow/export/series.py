"""A series' files and what their cleaned headers say."""

import warnings
from collections.abc import Sequence
from pathlib import Path

from pydicom import Dataset, dcmread

from pacsflow.errors import TargetError
from pacsflow.export.contract import SeriesFiles

TAGS = (
    "SpecificCharacterSet",
    "SOPInstanceUID",
    "StudyDate",
    "StudyTime",
    "SeriesTime",
    "Modality",
    "SeriesDescription",
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "PatientIdentityRemoved",
)
"""What is asked of every header."""
_SERIES_NUMBER = 0x00200011
"""Often no number at all, and not what a series is told by."""


def read_series(dicom: Sequence[Path], converted: Sequence[Path] = ()) -> SeriesFiles:
    """The series that the Part 10 files `dicom` make up; the instance with the lowest UID speaks for it.

    Raises TargetError when a file cannot be read or the files are not of one series.
    """
    headers = [(header_of(path, TAGS), path) for path in dicom]
    if len({str(header.get("SeriesInstanceUID")) for header, _ in headers}) != 1:
        raise TargetError("the files are not of one series")
    named = sorted((str(header.SOPInstanceUID), path, header) for header, path in headers)
    first = named[0][2]
    return SeriesFiles(
        patient=str(first.get("PatientID") or ""),
        study_uid=str(first.get("StudyInstanceUID") or ""),
        series_uid=str(first.get("SeriesInstanceUID") or ""),
        study_date=str(first.get("StudyDate") or ""),
        study_time=str(first.get("StudyTime") or ""),
        modality=str(first.get("Modality") or ""),
        series_number=_series_number(first),
        series_description=str(first.get("SeriesDescription") or ""),
        dicom=tuple((uid, path) for uid, path, _ in named),
        converted=tuple(sorted(converted)),
        series_time=str(first.get("SeriesTime") or ""),
        identity_removed=all(header.get("PatientIdentityRemoved") == "YES" for header, _ in headers),
    )


def header_of(path: Path, tags: Sequence[str]) -> Dataset:
    """Elements of a file's header, decoded, so that what is spoilt fails here. Raises TargetError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(tags))
            for tag in header.keys() - {_SERIES_NUMBER}:
                header[tag]
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise TargetError(f"a file cannot be read: {type(error).__name__}") from None
    return header


def _series_number(header: Dataset) -> int:
    """The series' number; 0 where it is none."""
    try:
        return int(str(header.get("SeriesNumber")))
    except Exception:  # noqa: BLE001 what is spoilt fails in many ways
        return 0
