"""C-FIND: a query over the archive (PS3.4 C.4.1), relational as well as hierarchical."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.datadict import keyword_for_tag

from pacsflow.simpacs.archive import (
    PATIENT_KEYS,
    SERIES_KEYS,
    STUDY_KEYS,
    Attributes,
    StoredInstance,
    StoredStudy,
    StudyArchive,
)
from pacsflow.simpacs.matching import fits, vr_of

LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
SILENT = {"QueryRetrieveLevel", "SpecificCharacterSet", "TimezoneOffsetFromUTC", "InstanceAvailability"}
"""Keys that steer the answer and never match."""
COUNTS = {keyword for keyword in PATIENT_KEYS | STUDY_KEYS | SERIES_KEYS if keyword.startswith("NumberOf")}


@dataclass(frozen=True)
class FindRequest:
    """A level and its keys: keyword -> value, empty where the value is only wanted back."""

    level: str
    keys: Mapping[str, str]
    finding: bool = False
    """Whether it is a C-FIND."""


def read_query(identifier: Dataset) -> FindRequest:
    """The query an identifier asks. Keys outside the dictionary are left out."""
    keys = {}
    for element in identifier:
        keyword = keyword_for_tag(element.tag)
        if keyword and element.VR != "SQ" and keyword not in SILENT:
            values = element.value if element.VM > 1 else [element.value]
            keys[keyword] = "\\".join("" if value is None else str(value) for value in values)
    return FindRequest(str(identifier.get("QueryRetrieveLevel", "")).strip(), keys)


def answers(archive: StudyArchive, query: FindRequest) -> Iterator[dict[str, str]]:
    """Attributes of everything that fits, in the archive's order."""
    if query.level == "PATIENT":
        yield from _patients(archive, query.keys)
    elif query.level == "STUDY":
        yield from (dict(study.attributes) for study in _studies(archive, query.keys))
    else:
        for study in _studies(archive, query.keys):
            yield from _below(archive, study, query)


def instances(archive: StudyArchive, query: FindRequest) -> list[tuple[StoredStudy, StoredInstance]]:
    """What a C-GET or C-MOVE of `query` means: every instance under what its keys name."""
    return [
        (study, instance)
        for study in _studies(archive, query.keys)
        for series in archive.series(study.uid)
        if _fit(query.keys, series.attributes, known=SERIES_KEYS - COUNTS)
        for instance in series.instances
        if _fit(query.keys, instance.attributes, known={"SOPInstanceUID"})
    ]


def answer_dataset(query: FindRequest, found: Attributes) -> Dataset:
    """The identifier of one pending response: the keys asked for, with their values, in UTF-8."""
    answer = Dataset()
    answer.SpecificCharacterSet = "ISO_IR 192"
    answer.QueryRetrieveLevel = query.level
    answer.InstanceAvailability = found.get("InstanceAvailability", "ONLINE")
    for keyword in query.keys:
        if vr_of(keyword) not in {"UN", "SQ"}:
            setattr(answer, keyword, found.get(keyword) or None)
    return answer


def _studies(archive: StudyArchive, keys: Attributes) -> Iterator[StoredStudy]:
    return (study for study in archive.candidates(keys) if _fit(keys, study.attributes, known=STUDY_KEYS - COUNTS))


def _patients(archive: StudyArchive, keys: Attributes) -> Iterator[dict[str, str]]:
    patients: dict[str, list[Attributes]] = {}
    for study in archive.candidates(keys):
        if _fit(keys, study.attributes, known=PATIENT_KEYS - COUNTS):
            patients.setdefault(study.attributes.get("PatientID", ""), []).append(study.attributes)
    for studies in patients.values():
        related = {f"NumberOfPatientRelated{kind}": _total(studies, kind) for kind in ("Series", "Instances")}
        yield {**studies[0], **related, "NumberOfPatientRelatedStudies": str(len(studies))}


def _total(studies: list[Attributes], kind: str) -> str:
    return str(sum(int(study.get(f"NumberOfStudyRelated{kind}", "0")) for study in studies))


def _below(archive: StudyArchive, study: StoredStudy, query: FindRequest) -> Iterator[dict[str, str]]:
    for series in archive.series(study.uid):
        if not _fit(query.keys, series.attributes, known=SERIES_KEYS - COUNTS):
            continue
        of_series = {**study.attributes, **series.attributes}
        if query.level == "SERIES":
            yield of_series
            continue
        for instance in series.instances:
            if _fit(query.keys, instance.attributes, known=query.keys.keys() - STUDY_KEYS - SERIES_KEYS):
                yield {**of_series, **instance.attributes}


def _fit(keys: Attributes, held: Attributes, *, known: AbstractSet[str]) -> bool:
    return all(fits(keyword, asked, held.get(keyword, "")) for keyword, asked in keys.items() if keyword in known)
