"""What a small PACS holds: studies, series, instances, and the quick ways to find them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

Encoded = bytes | memoryview
Attributes = Mapping[str, str]
"""DICOM keyword -> text; several values are joined by a backslash (PS3.5 6.4)."""

_PATIENT = """PatientID PatientName PatientBirthDate PatientSex OtherPatientIDs IssuerOfPatientID
    NumberOfPatientRelatedStudies NumberOfPatientRelatedSeries NumberOfPatientRelatedInstances"""
_STUDY = """StudyInstanceUID StudyDate StudyTime StudyID StudyDescription AccessionNumber ReferringPhysicianName
    PatientAge PatientSize PatientWeight InstitutionName ModalitiesInStudy SOPClassesInStudy
    NumberOfStudyRelatedSeries NumberOfStudyRelatedInstances InstanceAvailability"""
_SERIES = """SeriesInstanceUID Modality SeriesNumber SeriesDescription SeriesDate SeriesTime ProtocolName
    BodyPartExamined Manufacturer ManufacturerModelName StationName DeviceSerialNumber OperatorsName
    PerformingPhysicianName SequenceName Laterality FrameOfReferenceUID PerformedProcedureStepStartDate
    NumberOfSeriesRelatedInstances"""
PATIENT_KEYS = frozenset(_PATIENT.split())
STUDY_KEYS = PATIENT_KEYS | frozenset(_STUDY.split())
SERIES_KEYS = frozenset(_SERIES.split())
"""Keys this PACS knows at each level (PS3.4 C.6.1.1, C.6.2.1, with customary additions); at a level, keys of the
levels below are taken as unsupported and ignored, as PS3.4 C.4.1.2.2.1 has it."""

QUICK = ("StudyInstanceUID", "PatientID", "AccessionNumber")
"""Study attributes with their own index, so that a query by one of them never scans."""


@dataclass(frozen=True)
class StoredInstance:
    """One instance: what queries see, and a way to its encoded dataset (no file meta information).

    `position` is its 1-based place in its series.
    """

    attributes: Attributes
    transfer_syntax: str
    position: int
    encoded: Callable[[], Encoded]

    @property
    def sop_class(self) -> str:
        """SOP Class UID."""
        return self.attributes["SOPClassUID"]

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return self.attributes["SOPInstanceUID"]


@dataclass(frozen=True)
class StoredSeries:
    """A series and its instances, in order."""

    attributes: Attributes
    instances: tuple[StoredInstance, ...]


@dataclass(frozen=True, eq=False)
class StoredStudy:
    """A study: patient and study attributes now, its series made when they are asked for.

    `contents` are its pairs of SOP class and transfer syntax.
    """

    attributes: Attributes
    make_series: Callable[[], tuple[StoredSeries, ...]]
    contents: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @property
    def uid(self) -> str:
        """Study Instance UID."""
        return self.attributes["StudyInstanceUID"]


class StudyArchive:
    """An index of studies. `series` keeps the last few hundred studies' series at hand."""

    def __init__(self, studies: Iterable[StoredStudy] = ()) -> None:
        self.studies: dict[str, StoredStudy] = {}
        self._quick: dict[str, dict[str, list[StoredStudy]]] = {key: {} for key in QUICK}
        self.series = lru_cache(maxsize=256)(self._series)
        for study in studies:
            self.add(study)

    @property
    def contents(self) -> frozenset[tuple[str, str]]:
        """Pairs of SOP class and transfer syntax of everything held."""
        return frozenset[tuple[str, str]]().union(*(study.contents for study in self.studies.values()))

    def add(self, study: StoredStudy) -> None:
        """Take `study` in, in place of one with the same UID."""
        if old := self.studies.get(study.uid):
            for key in QUICK:
                self._quick[key][old.attributes.get(key, "")].remove(old)
            self.series.cache_clear()
        self.studies[study.uid] = study
        for key in QUICK:
            self._quick[key].setdefault(study.attributes.get(key, ""), []).append(study)

    def candidates(self, keys: Attributes) -> Iterable[StoredStudy]:
        """Studies that may fit `keys`: a superset of those that do, small where an index helps."""
        for key in QUICK:
            value = keys.get(key, "")
            if value and not set(value) & set("*?"):
                found = self._quick[key]
                return [study for each in dict.fromkeys(value.split("\\")) for study in found.get(each.strip(), ())]
        return list(self.studies.values())

    def _series(self, uid: str) -> tuple[StoredSeries, ...]:
        return self.studies[uid].make_series()


def summary(series: Iterable[StoredSeries]) -> dict[str, str]:
    """Study attributes that follow from its series (PS3.4 C.3.4)."""
    series = list(series)
    classes = sorted({instance.sop_class for each in series for instance in each.instances})
    return {
        "ModalitiesInStudy": "\\".join(sorted({each.attributes.get("Modality", "") for each in series} - {""})),
        "SOPClassesInStudy": "\\".join(classes),
        "NumberOfStudyRelatedSeries": str(len(series)),
        "NumberOfStudyRelatedInstances": str(sum(len(each.instances) for each in series)),
        "InstanceAvailability": "ONLINE",
    }
