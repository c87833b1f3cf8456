"""A series' files and what their cleaned headers say."""

import re
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
    "AcquisitionDateTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "ContentDate",
    "ContentTime",
)
"""What is asked of every header."""
_SERIES_NUMBER = 0x00200011
"""Often no number at all, and not what identifies a series."""
_MOMENTS = (("", "AcquisitionDateTime"), ("AcquisitionDate", "AcquisitionTime"), ("ContentDate", "ContentTime"))
_DATE_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,6}))?([+-]\d{4})?")


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
        acquired=min(filter(None, (acquired(header) for header, _ in headers)), default=""),
    )


def acquired(header: Dataset) -> str:
    """When an instance was acquired, YYYY-MM-DDThh:mm:ss.ffffff; empty where no date and time is whole.

    By Acquisition DateTime, else date and time of acquisition, else of content (PS3.3 C.7.6.1).
    """
    for date, time in _MOMENTS:
        text = "".join(str(header.get(keyword) or "").strip() for keyword in (date, time) if keyword)
        if match := _DATE_TIME.fullmatch(text):
            year, month, day, hour, minute, second, fraction, _ = match.groups()
            return f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction or '0':0<6}"
    return ""


def header_of(path: Path, tags: Sequence[str]) -> Dataset:
    """Elements of a file's header, decoded, so that a damaged file fails here. Raises TargetError."""
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
