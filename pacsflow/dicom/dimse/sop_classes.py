"""Which SOP classes a study holds, asked of the node: they decide what C-GET proposes to take."""

from collections.abc import Callable, Iterable, Mapping

from pydicom import Dataset
from pydicom.uid import UID

from pacsflow.dicom.contract import Level, Request
from pacsflow.errors import PacsError

Find = Callable[[Level, Mapping[str, str]], list[Dataset]]


def discover(find: Find, request: Request) -> frozenset[str]:
    """SOP class UIDs in the study of `request`; empty where the node does not name them. Raises PacsTransientError."""
    keys = {"StudyInstanceUID": request.study_uid}
    if request.patient_id:
        keys["PatientID"] = request.patient_id
    try:
        return _of_study(find, keys) or _of_instances(find, keys, request.series_uids)
    except PacsError as error:
        if error.transient and not error.withholds:
            raise
        return frozenset()


def _of_study(find: Find, keys: Mapping[str, str]) -> frozenset[str]:
    answers = find("STUDY", {**keys, "SOPClassesInStudy": ""})
    return believable(values(answers, "SOPClassesInStudy"))


def believable(classes: Iterable[str]) -> frozenset[str]:
    """The SOP classes a node names in a study; none where one of them is not a UID: the list is not complete."""
    named = frozenset(classes)
    return named if all(UID(uid).is_valid for uid in named) else frozenset()


def _of_instances(find: Find, keys: Mapping[str, str], series: Iterable[str]) -> frozenset[str]:
    wanted = tuple(series) or values(find("SERIES", {**keys, "SeriesInstanceUID": ""}), "SeriesInstanceUID")
    found: frozenset[str] = frozenset()
    for uid in wanted:
        answers = find("IMAGE", {**keys, "SeriesInstanceUID": uid, "SOPInstanceUID": "", "SOPClassUID": ""})
        found |= values(answers, "SOPClassUID")
    return found


def values(answers: Iterable[Dataset], keyword: str) -> frozenset[str]:
    """All values of an attribute in the answers."""
    values = (answer.get(keyword) or () for answer in answers)
    return frozenset(str(uid) for value in values for uid in ([value] if isinstance(value, str) else value))
