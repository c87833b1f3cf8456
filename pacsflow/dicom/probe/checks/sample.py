"""A small series to try retrievals with: of the project's own rows, else of the last days."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from pydicom import Dataset

from pacsflow.dicom.probe.results import CheckResult, Sample, Verdict
from pacsflow.dicom.probe.visit import Visit
from pacsflow.whole_numbers import whole_number
from pacsflow.wording import counted

_ROWS = 3
_ENOUGH = 200
_SERIES = 3
_ONLINE = "ONLINE"
_OF_STUDY = "NumberOfStudyRelatedInstances"
_OF_SERIES = "NumberOfSeriesRelatedInstances"
_COUNTS = (_OF_STUDY, "NumberOfStudyRelatedSeries")
_FEWEST = ("StudyInstanceUID", "AccessionNumber", "PatientID")
"""Keys that few studies have: rows with them are asked first."""


def check(visit: Visit) -> Iterator[CheckResult]:
    """`sample`, and `instance counts` where there is one."""
    studies = _studies(visit)
    if not studies:
        fix = "put a row of which you know that the node has it into query.yaml, and probe again"
        yield CheckResult("sample", "unknown", "no study was found to try with", {"studies": 0}, fix=fix)
        return
    study = min(studies, key=lambda answer: _number(answer, _OF_STUDY) or 1_000_000)
    series = series_of(visit, str(study.StudyInstanceUID))
    if not series:
        said = "the node lists no series of a study it has"
        yield CheckResult(
            "sample", "no", said, {"series": 0}, request="look into why no series is answered at SERIES level"
        )
        return
    smallest, listed = _smallest(visit, series)
    visit.sample = _sample(study, smallest, listed)
    found = dict.fromkeys(str(one.StudyInstanceUID) for one in studies)
    visit.others = tuple(uid for uid in found if uid != visit.sample.study_uid)
    yield CheckResult(
        "sample", "ok", f"a series of {len(listed)} image{'s'[: len(listed) != 1]} to try with", {"images": len(listed)}
    )
    yield _counts(study, smallest, len(listed))


def _studies(visit: Visit) -> list[Dataset]:
    """Studies of the first row that has any; else of a short time that ended before today."""
    wanted = dict.fromkeys(("StudyInstanceUID", "PatientID", "StudyDate", "ModalitiesInStudy", *_COUNTS), "")
    for keys in (*_of_rows(visit), *_of_days(date.today())):  # noqa: DTZ011 - the hospital's calendar, as ours
        answers = visit.ask("STUDY", {**wanted, **keys}, most=_ENOUGH)
        if found := [answer for answer in answers.found if answer.get("StudyInstanceUID")]:
            return found
    return []


def _of_rows(visit: Visit) -> list[Mapping[str, str]]:
    keys = [row["STUDY"] for row in visit.rows if any(row.get("STUDY", {}).values())]
    return sorted(keys, key=lambda one: not any(one.get(name) for name in _FEWEST))[:_ROWS]


def _of_days(today: date) -> Iterator[Mapping[str, str]]:
    """An early hour of yesterday first: short, or a busy node would answer with thousands."""
    yesterday = f"{today - timedelta(1):%Y%m%d}"
    yield {"StudyDate": yesterday, "StudyTime": "060000-065959"}
    yield {"StudyDate": yesterday}
    yield {"StudyDate": f"{today - timedelta(7):%Y%m%d}-{today:%Y%m%d}"}


def series_of(visit: Visit, study_uid: str) -> list[Dataset]:
    """The series that the node lists of a study."""
    keys = {"StudyInstanceUID": study_uid, **dict.fromkeys(("SeriesInstanceUID", "Modality", _OF_SERIES), "")}
    answers = visit.ask("SERIES", keys, most=_ENOUGH).found
    return [a for a in answers if a.get("SeriesInstanceUID") and a.get("StudyInstanceUID", study_uid) == study_uid]


def _smallest(visit: Visit, series: Iterable[Dataset]) -> tuple[Dataset, list[Dataset]]:
    """The series with the fewest images, and its images; where no counts are given, the smallest of the first few."""
    known = sorted(series, key=lambda answer: _number(answer, _OF_SERIES) or 1_000_000)
    counted = _number(known[0], _OF_SERIES) is not None
    listed = [(one, images_of(visit, one)) for one in known[: 1 if counted else _SERIES]]
    return min(listed, key=lambda pair: len(pair[1]) or 1_000_000)


def images_of(visit: Visit, series: Dataset) -> list[Dataset]:
    """The images that the node lists of a series."""
    keys = {name: str(series.get(name) or "") for name in ("StudyInstanceUID", "SeriesInstanceUID")}
    wanted = dict.fromkeys(("SOPInstanceUID", "SOPClassUID", "InstanceAvailability"), "")
    if visit.node.fetches_by != "dimse":  # which agrees on transfer syntaxes itself
        wanted["AvailableTransferSyntaxUID"] = ""
    return [a for a in visit.ask("IMAGE", {**keys, **wanted}).found if a.get("SOPInstanceUID")]


def _sample(study: Dataset, series: Dataset, listed: list[Dataset]) -> Sample:
    return Sample(
        str(study.StudyInstanceUID),
        str(series.SeriesInstanceUID),
        str(study.get("PatientID") or ""),
        str(study.get("StudyDate") or ""),
        tuple(str(image.SOPInstanceUID) for image in listed),
        frozenset(str(image.SOPClassUID) for image in listed if image.get("SOPClassUID")),
        frozenset(uid for image in listed for uid in _uids(image)),
        at_hand=all((image.get("InstanceAvailability") or _ONLINE) == _ONLINE for image in listed),
    )


def _uids(image: Dataset) -> list[str]:
    value = image.get("AvailableTransferSyntaxUID") or []
    return [value] if isinstance(value, str) else list(map(str, value))


def _counts(study: Dataset, series: Dataset, listed: int) -> CheckResult:
    of_study, of_series = _number(study, _OF_STUDY), _number(series, _OF_SERIES)
    facts = {"study": of_study is not None, "series": of_series is not None}
    facts["series of studies"] = _number(study, "NumberOfStudyRelatedSeries") is not None
    if of_series is not None and of_series != listed:
        said = f"the node counts {counted(of_series, 'image')} in a series, but lists {listed}"
        short = of_series > listed
        return CheckResult("instance counts", "partly", said, {**facts, "agree": False, "short": short})
    if of_study is None and of_series is None:
        return CheckResult("instance counts", "no", "given for neither studies nor series", facts)
    where = [name for name, given in (("studies", of_study), ("series", of_series)) if given is not None]
    verdict: Verdict = "ok" if of_series is not None else "partly"
    but = "" if facts["series of studies"] else ", but not how many series a study has"
    return CheckResult("instance counts", verdict, f"given for {' and '.join(where)}{but}", facts)


def _number(answer: Dataset, keyword: str) -> int | None:
    return whole_number(str(answer.get(keyword) or ""))
