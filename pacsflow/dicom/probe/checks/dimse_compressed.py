"""Whether compressed images come by C-GET: some nodes send them by C-MOVE alone. One image of some further series."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from pydicom import Dataset
from pydicom.uid import UID

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.dimse.contexts import PATIENT_ROOT, STUDY_ROOT, batches, storage_classes
from pacsflow.dicom.dimse.retrieve import get
from pacsflow.dicom.probe.basket import Basket
from pacsflow.dicom.probe.checks.dimse_retrieval import Wanted, attempt, moved
from pacsflow.dicom.probe.checks.sample import images_of, series_of
from pacsflow.dicom.probe.results import CheckResult, Sample
from pacsflow.dicom.probe.visit import Visit
from pacsflow.dicom.status import told
from pacsflow.errors import PacsError

_NAME = "compressed images"
_STUDIES = 4
_SERIES = 2
_IMAGES = 5
"""Images that are asked for, one of a series each, until a compressed one is met."""


def check(visit: Visit) -> Iterator[CheckResult]:
    """`compressed images`, where C-GET is accepted and one is met."""
    if visit.sample is None or not visit.sample.at_hand:
        return
    if not any(visit.channel().context(root.get) for root in (STUDY_ROOT, PATIENT_ROOT)):
        return
    got, moved_ = (_compressed(visit.syntaxes.get(way, set())) for way in ("C-GET", "C-MOVE"))
    if got or (moved_ and not visit.syntaxes.get("C-GET")):
        yield _by_get(got) if got else _by_move(visit, moved_, "see there")
        return
    tried = islice(_samples(visit, visit.sample), _IMAGES)
    yield from islice(filter(None, (_judged(visit, sample) for sample in tried)), 1)


def _samples(visit: Visit, known: Sample) -> Iterator[Sample]:
    """Samples of one image each, of other series than the one that was tried."""
    for uid in _studies(visit, known):
        others = (one for one in series_of(visit, uid) if str(one.SeriesInstanceUID) != known.series_uid)
        for series in islice(others, _SERIES):
            yield from _one(visit, known, uid, series)


def _studies(visit: Visit, known: Sample) -> Iterator[str]:
    """UIDs of studies to look at: the sample's own, others that were found with it, else those of the next rows."""
    yield known.study_uid
    yield from visit.others[:_STUDIES]
    for row in visit.rows[:_STUDIES] if not visit.others else ():
        if any(row.get("STUDY", {}).values()):
            answers = visit.ask("STUDY", {"StudyInstanceUID": "", **row["STUDY"]}, most=_STUDIES).found
            uids = (str(answer.get("StudyInstanceUID") or "") for answer in answers)
            yield from (uid for uid in uids if uid not in ("", known.study_uid))


def _one(visit: Visit, known: Sample, study_uid: str, series: Dataset) -> Iterator[Sample]:
    for image in images_of(visit, series)[:1]:
        if (image.get("InstanceAvailability") or "ONLINE") == "ONLINE":
            yield replace(
                known,
                study_uid=study_uid,
                series_uid=str(series.SeriesInstanceUID),
                patient_id="" if study_uid != known.study_uid else known.patient_id,
                sop_uids=(str(image.SOPInstanceUID),),
                sop_classes=frozenset(filter(None, [str(image.get("SOPClassUID") or "")])),
            )


def _judged(visit: Visit, sample: Sample) -> CheckResult | None:
    """What an image shows; None where it is not compressed, or comes by no way that can be tried."""
    ended, basket = _got(visit, sample)
    if basket.came:
        names = _compressed(basket.syntaxes)
        return _by_get(names) if names else None
    names = _compressed(_moved(visit, sample).syntaxes)
    how = str(ended) if isinstance(ended, PacsError) else f"the node ended with {told(ended.status)}"
    return _by_move(visit, names, how) if names else None


def _by_get(names: str) -> CheckResult:
    return CheckResult(_NAME, "ok", f"come by C-GET, in {names}", {"c-get": True})


def _by_move(visit: Visit, names: str, how: str) -> CheckResult:
    said = f"an image in {names} did not come by C-GET ({how}), and came by C-MOVE"
    fix = "" if visit.node.fetch.method in ("auto", "c-move") else "set `fetch.method: auto`, or `c-move`"
    return CheckResult(_NAME, "partly", said, {"c-get": False, "c-move": True}, fix=fix)


def _got(visit: Visit, sample: Sample) -> tuple[Outcome | PacsError, Basket]:
    basket = Basket(frozenset(sample.sop_uids), visit.requests)
    channel = visit.channel(sample.sop_classes or batches(storage_classes())[0])
    return attempt(visit, _asked(sample), get(channel, basket, node=visit.node)), basket


def _moved(visit: Visit, sample: Sample) -> Basket:
    basket, move_to = Basket(frozenset(sample.sop_uids), visit.requests), visit.node.fetch.move_to
    accepted = any(visit.channel().context(root.move) for root in (STUDY_ROOT, PATIENT_ROOT))
    if accepted and move_to is not None and move_to.ours:
        moved(visit, sample, move_to, _asked(sample), basket)
    return basket


def _asked(sample: Sample) -> Wanted:
    keys = {"StudyInstanceUID": sample.study_uid, "SeriesInstanceUID": sample.series_uid}
    keys |= {"PatientID": sample.patient_id} if sample.patient_id else {}
    return "IMAGE", {**keys, "SOPInstanceUID": sample.sop_uids[0]}


def _compressed(syntaxes: Iterable[str]) -> str:
    """The names of those that are compressed."""
    return ", ".join(sorted(UID(one).name for one in syntaxes if UID(one).is_compressed))
