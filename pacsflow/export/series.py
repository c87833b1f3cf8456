"""A series' files and what their cleaned headers say."""

from collections.abc import Sequence
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from pacsflow.errors import TargetError
from pacsflow.export.contract import SeriesFiles

_TAGS: list[str] = [
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
]


def read_series(dicom: Sequence[Path], converted: Sequence[Path] = ()) -> SeriesFiles:
    """The series that the Part 10 files `dicom` make up; the instance with the lowest UID speaks for it.

    Raises TargetError when a file cannot be read or the files are not of one series.
    """
    try:
        headers = [(dcmread(path, stop_before_pixels=True, specific_tags=_TAGS), path) for path in dicom]
    except (InvalidDicomError, OSError, EOFError) as error:
        raise TargetError(f"a staged file cannot be read: {type(error).__name__}") from None
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
        series_number=_integer(first.get("SeriesNumber")),
        series_description=str(first.get("SeriesDescription") or ""),
        dicom=tuple((uid, path) for uid, path, _ in named),
        converted=tuple(sorted(converted)),
        series_time=str(first.get("SeriesTime") or ""),
        identity_removed=all(header.get("PatientIdentityRemoved") == "YES" for header, _ in headers),
    )


def _integer(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
