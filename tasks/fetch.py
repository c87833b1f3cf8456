"""Fetch a study: only what is not held, through the de-identifier to disk, compared by UID."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Request
from pacsflow.errors import PacsError, PacsflowError, PacsTransientError, PausedError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.refs import StudyRef
from pacsflow.staging import staging, sweep
from tasks._policy import engine_task
from tasks.reception import Reception
from tasks.session import Session, session
from tasks.verdict import AWAY, Attempt, Verdict, counted, judge, uncounted

STOPPED = {"status": "incomplete", "reason": "stopped when the hours of the node ended, the next run goes on"}
Asked = tuple[frozenset[str], Request]
"""Keys of the series a request is about, and the request."""


@engine_task("fetch study", "fetch {ref}")
def fetch_study(ref: StudyRef) -> StudyRef | None:
    """The study, complete: all its expected instances are held or refused with a reason.

    None: another run has it, or the hours of the node ended before it was complete.

    Raises PacsTransientError while instances are missing (tried again, for these only), PacsPermanentError
    when the node will not give them. The ledger knows the outcome either way.
    """
    run = session(ref.project)
    if all(plan.complete for plan in studies.planned(run.ledger, ref.key)):
        return ref
    study = studies.study(run.ledger, ref.key)
    if not studies.claim(run.ledger, study.key, run.owner):
        return None
    began = time.monotonic()
    try:
        verdict = _fetch(run, study)
    except PausedError:
        begun = any(i.status != "expected" for i in studies.instances(run.ledger, study.key))
        studies.release(run.ledger, study.key, **(STOPPED if begun else {}))
        return None
    except PacsflowError as error:
        verdict = Verdict("failed", str(error), error=error)
    except BaseException:
        studies.release(run.ledger, study.key, status="failed", reason="broke off")
        raise
    facts = {name: getattr(verdict, name) for name in ("status", "reason", "proof", "content")}
    wanted = studies.digest_of(s.key for s in study.wanted)
    studies.release(run.ledger, study.key, wanted=wanted, seconds=time.monotonic() - began, **facts)
    if verdict.error:
        raise verdict.error
    run.tell("studies fetched")
    return ref


def _fetch(run: Session, study: Study) -> Verdict:
    sweep(run.staging / study.key)
    attempt = Attempt()
    try:
        with run.lanes.borrow() as lane:
            attempt.listed = _expect(run, lane, study, attempt)
            if requests := list(_requests(run, study, attempt.uncertain)):
                run.lanes.pace(len({key for keys, _ in requests for key in keys}))
                _receive(run, lane, (study, requests), attempt)
    except PacsTransientError as error:
        if attempt.listed is None:
            raise
        attempt.cut = error
    return judge(run.ledger, study, attempt)


def _expect(run: Session, lane: Lane, study: Study, attempt: Attempt) -> dict[str, int]:
    """Ask for the UIDs of all instances (C-FIND, IMAGE level) and write them down before any comes.

    Gives series key -> number of instances listed. A series whose list may be a part is uncertain, as are those
    of a study that was found incomplete although nothing listed is missing.
    """
    found: list[Instance] = []
    for series in study.wanted:
        keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
        answers = _listed(run, lane, keys)
        if answers is None or (run.lanes.ceiling.reached("IMAGE", len(answers)) and counted(series) != len(answers)):
            attempt.uncertain.add(series.key)
        mine = [a for a in answers or () if a.get("SOPInstanceUID") and _same(keys, a)]
        found += [Instance(series.key, str(a.SOPInstanceUID), str(a.get("SOPClassUID") or "")) for a in mine]
        availability = {str(a.SOPInstanceUID): str(a.get("InstanceAvailability")) for a in mine}
        attempt.offline |= {uid: word for uid, word in availability.items() if word in AWAY}
    found = list({i.uid: i for i in found}.values())
    studies.expect(run.ledger, study, found)
    if study.status == "incomplete" and not studies.instances(run.ledger, study.key, "expected"):
        attempt.uncertain |= uncounted(study)
    return dict(Counter(i.series_key for i in found))


def _listed(run: Session, lane: Lane, keys: Mapping[str, str]) -> list[Dataset] | None:
    """The instances of a series as the node lists them; None where it cuts the list, or does not give one."""
    run.traffic(find=1)
    try:
        return lane.find("IMAGE", {**keys, "SOPInstanceUID": "", "SOPClassUID": "", "InstanceAvailability": ""})
    except PacsError as error:
        if error.withholds:
            return None
        raise


def _same(keys: Mapping[str, str], answer: Dataset) -> bool:
    """Whether an answer is of what was asked for, or does not tell."""
    return all((answer.get(keyword) or value) == value for keyword, value in keys.items())


def _receive(run: Session, lane: Lane, todo: tuple[Study, list[Asked]], attempt: Attempt) -> None:
    """Have what is missing sent; each instance is on disk and in the ledger before this returns."""
    study, requests = todo

    def settled(batch: list[Instance]) -> None:
        studies.note(run.ledger, study, batch)
        run.tell("images", len(batch))
        run.tell("bytes", sum(i.size for i in batch))

    reception = None
    try:
        with staging(settled, mode=0o600 if run.identifiable else 0o666) as stager:
            reception = Reception(run, study, stager)
            for keys, request in requests:
                outcome = lane.fetch(request, reception)
                run.traffic(retrievals=outcome.requests)
                attempt.answers.append((frozenset() if request.sop_uids else keys, outcome))
    finally:
        if reception:
            studies.note(run.ledger, study, reception.remarks())
            run.traffic(images=reception.received, bytes=reception.bytes)
            attempt.strangers, attempt.received = reception.strangers, reception.received
            reception.raise_fault()


def _requests(run: Session, study: Study, uncertain: set[str]) -> Iterator[Asked]:
    """The fewest requests that ask for what is missing and nothing else: the study, series, or instances.

    A series of which the node counts more than it lists is asked for whole, as an uncertain one that it does not
    count, or of which it counts another number: nobody knows what is missing.
    """
    by_series: dict[str, list[Instance]] = {s.key: [] for s in study.wanted}
    known = [i for i in studies.instances(run.ledger, study.key) if i.series_key in by_series]
    for instance in known:
        by_series[instance.series_key] += [instance] if instance.status == "expected" else []
    uids = {s.key: s.uid for s in study.series}
    begun = {i.series_key for i in known if i.status != "expected"}
    numbers = Counter(i.series_key for i in known)
    blind = {s.key for s in study.wanted if (s.expected or 0) > numbers[s.key]}
    blind |= uncertain - {s.key for s in study.wanted if counted(s) == numbers[s.key]}
    whole = frozenset(key for key, missing in by_series.items() if key in blind or (missing and key not in begun))
    classes = frozenset(i.sop_class for missing in by_series.values() for i in missing)
    if blind or "" in classes:
        classes = frozenset()  # nobody knows them all
    if study.listed and whole == uids.keys():
        yield whole, Request(study.uid, (), (), classes, study.patient_id)
    elif whole:
        yield whole, Request(study.uid, tuple(sorted(uids[k] for k in whole)), (), classes, study.patient_id)
    for key in sorted(by_series.keys() - whole):
        if missing := by_series[key]:
            wanted = tuple(i.uid for i in missing)
            yield frozenset([key]), Request(study.uid, (uids[key],), wanted, classes, study.patient_id)
