"""Which keys of a row are asked at which level of the Study Root model (PS3.4 C.6.2)."""

from collections.abc import Mapping

from pacsflow.query.row import Row
from schemas.query import SeriesRules

PATIENT_KEYWORDS = frozenset(
    [
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientBirthTime",
        "PatientSex",
        "IssuerOfPatientID",
        "OtherPatientIDs",
        "OtherPatientNames",
        "EthnicGroup",
        "PatientComments",
        "PatientSpeciesDescription",
        "ResponsiblePerson",
        "NumberOfPatientRelatedStudies",
        "NumberOfPatientRelatedSeries",
        "NumberOfPatientRelatedInstances",
    ]
)
"""Attributes of the patient (PS3.3 C.7.1; PS3.4 C.6.1.1.2)."""
STUDY_KEYWORDS = PATIENT_KEYWORDS | frozenset(
    [
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ModalitiesInStudy",
        "SOPClassesInStudy",
        "ReferringPhysicianName",
        "PhysiciansOfRecord",
        "NameOfPhysiciansReadingStudy",
        "AdmittingDiagnosesDescription",
        "PatientAge",
        "PatientSize",
        "PatientWeight",
        "Occupation",
        "AdditionalPatientHistory",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "TimezoneOffsetFromUTC",
        "InstanceAvailability",
    ]
)
"""Attributes of patient and study (PS3.3 C.7.1, C.7.2; PS3.4 C.6.1.1.3, C.6.2.1.2)."""
SERIES_KEYWORDS = frozenset(
    [
        "SeriesInstanceUID",
        "Modality",
        "SeriesNumber",
        "SeriesDescription",
        "SeriesDate",
        "SeriesTime",
        "ProtocolName",
        "BodyPartExamined",
        "Laterality",
        "PatientPosition",
        "PerformingPhysicianName",
        "OperatorsName",
        "SmallestPixelValueInSeries",
        "LargestPixelValueInSeries",
        "PerformedProcedureStepID",
        "PerformedProcedureStepDescription",
        "PerformedProcedureStepStartDate",
        "PerformedProcedureStepStartTime",
        "Manufacturer",
        "ManufacturerModelName",
        "InstitutionName",
        "InstitutionAddress",
        "InstitutionalDepartmentName",
        "StationName",
        "DeviceSerialNumber",
        "SoftwareVersions",
        "SpatialResolution",
        "FrameOfReferenceUID",
        "PositionReferenceIndicator",
        "NumberOfSeriesRelatedInstances",
    ]
)
"""Attributes of series, equipment and frame of reference (PS3.3 C.7.3.1, C.7.4.1, C.7.5.1)."""
STUDY_RETURN = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ModalitiesInStudy",
    "SOPClassesInStudy",
    "PatientID",
    "IssuerOfPatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
)
SERIES_RETURN = (
    "SeriesInstanceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "ProtocolName",
    "DeviceSerialNumber",
    "BodyPartExamined",
    "NumberOfSeriesRelatedInstances",
)
IMAGE_RETURN = ("SOPInstanceUID", "SOPClassUID", "InstanceNumber")


EXACT = frozenset({"PatientID", "AccessionNumber", "StudyInstanceUID"})
"""Identifiers that name a patient or a study by themselves."""


def level_of(keyword: str) -> str:
    """STUDY, SERIES or IMAGE: the level an attribute is asked at. Patients are asked at STUDY."""
    if keyword in STUDY_KEYWORDS:
        return "STUDY"
    return "SERIES" if keyword in SERIES_KEYWORDS else "IMAGE"


def keys_at(row: Row, level: str) -> dict[str, str]:
    """The row's own keys of one level, without return keys: what an answer of that level must match."""
    return {keyword: value for keyword, value in row.keys.items() if level_of(keyword) == level}


def study_keys(row: Row) -> dict[str, str]:
    """Keys of the row's STUDY query: its patient and study keys, and empty ones to be answered.

    Beside an exact identifier a birth date is only asked back: where it is another one, a person must see it, which a
    node that compares it would prevent.
    """
    keys = keys_at(row, "STUDY")
    if EXACT.intersection(name for name, value in keys.items() if not set(value) & set("*?")):
        keys = {name: "" if name == "PatientBirthDate" else value for name, value in keys.items()}
    return _with(STUDY_RETURN, keys)


def series_keys(row: Row, study_uid: str, rules: SeriesRules | None = None) -> dict[str, str]:
    """Keys of the row's SERIES query in one study, with empty ones for what `rules` look at."""
    looked_at = [name for rule in (*rules.include, *rules.exclude) for name in rule] if rules else []
    asked = (*SERIES_RETURN, *(name for name in looked_at if name in SERIES_KEYWORDS))
    return {"StudyInstanceUID": study_uid, **_with(asked, keys_at(row, "SERIES"))}


def image_keys(row: Row, study_uid: str, series_uid: str) -> dict[str, str]:
    """Keys of the row's IMAGE query in one series; asked where `needs_images`, or to count."""
    above = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
    return above | _with(IMAGE_RETURN, keys_at(row, "IMAGE"))


def needs_images(row: Row) -> bool:
    """Whether a row has keys (as ImageType) that only images answer; a series fits when one of its images does."""
    return any(keys_at(row, "IMAGE").values())


def _with(asked: tuple[str, ...], keys: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(asked, "") | dict(keys)
