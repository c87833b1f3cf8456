"""Fetch a study: only what is not held, through the de-identifier to disk, compared by UID."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pacsflow.dicom.contract import Lane, Request
from pacsflow.errors import PacsError, PacsPermanentError, PacsTransientError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.refs import StudyRef
from pacsflow.staging import staging, sweep
from tasks._policy import engine_task
from tasks.reception import Reception
from tasks.session import Session, session


@engine_task("fetch study", "fetch {ref}")
def fetch_study(ref: StudyRef) -> StudyRef | None:
    """The study, complete: all its expected instances are held or refused with a reason. None: another has it.

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
    except PacsError as error:
        verdict = Verdict("failed", str(error), error=error)
    except BaseException:
        studies.release(run.ledger, study.key, status="failed", reason="broke off")
        raise
    facts = {"status": verdict.status, "reason": verdict.reason, "proof": "uid", "content": verdict.content}
    wanted = studies.digest_of(s.key for s in study.wanted)
    studies.release(run.ledger, study.key, wanted=wanted, seconds=time.monotonic() - began, **facts)
    if verdict.error:
        raise verdict.error
    run.tell("studies fetched")
    return ref


@dataclass(frozen=True)
class Verdict:
    """How a study stands after an attempt."""

    status: str
    reason: str = ""
    error: PacsError | None = None
    content: str = ""


def _fetch(run: Session, study: Study) -> Verdict:
    sweep(run.staging / study.key)
    with run.lanes.borrow() as lane:
        _expect(run, lane, study)
        missing = _missing(run, study)
        if missing:
            run.lanes.pace(len({i.series_key for i in missing}))
            _receive(run, lane, (study, missing))
    return _verdict(run, study)


def _missing(run: Session, study: Study) -> list[Instance]:
    """The instances still to come, of the series that are wanted."""
    wanted = {s.key for s in study.wanted}
    return [i for i in studies.instances(run.ledger, study.key, "expected") if i.series_key in wanted]


def _expect(run: Session, lane: Lane, study: Study) -> None:
    """Ask for the UIDs of all instances (C-FIND, IMAGE level) and write them down before any comes."""
    found: list[Instance] = []
    for series in study.wanted:
        keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
        answers = lane.find("IMAGE", {**keys, "SOPInstanceUID": "", "SOPClassUID": ""})
        mine = [a for a in answers if a.get("SeriesInstanceUID", series.uid) == series.uid]
        found += [Instance(series.key, str(a.SOPInstanceUID), str(a.get("SOPClassUID", ""))) for a in mine]
        if not mine and series.expected:
            raise PacsTransientError("the node lists no instance of a series it counted", remedy="ask again later")
    run.traffic(find=len(study.wanted))
    studies.expect(run.ledger, study, found)


def _receive(run: Session, lane: Lane, todo: tuple[Study, list[Instance]]) -> None:
    """Have the missing instances sent; each is on disk and in the ledger before this returns."""
    study, missing = todo

    def settled(batch: list[Instance]) -> None:
        studies.note(run.ledger, study, batch)
        run.tell("images", len(batch))
        run.tell("bytes", sum(i.size for i in batch))

    with staging(settled, mode=0o600 if run.identifiable else 0o666) as stager:
        reception = Reception(run, study, stager)
        try:
            for request in _requests(run, study, missing):
                outcome = lane.fetch(request, reception)
                run.traffic(retrievals=outcome.requests)
        finally:
            studies.note(run.ledger, study, reception.refused)
            run.traffic(images=reception.received, bytes=reception.bytes)
            reception.raise_fault()


def _requests(run: Session, study: Study, missing: list[Instance]) -> Iterator[Request]:
    """The fewest requests that ask for what is missing and nothing else: the study, series, or instances."""
    by_series: dict[str, list[Instance]] = defaultdict(list)
    for instance in missing:
        by_series[instance.series_key].append(instance)
    uids = {s.key: s.uid for s in study.series}
    classes = frozenset(i.sop_class for i in missing if i.sop_class)
    begun = {i.series_key for i in studies.instances(run.ledger, study.key) if i.status != "expected"}
    whole = sorted(set(by_series) - begun)
    if study.listed and whole == sorted(uids):
        yield Request(study.uid, (), (), classes, study.patient_id)
    elif whole:
        yield Request(study.uid, tuple(uids[k] for k in whole), (), classes, study.patient_id)
    for key in sorted(set(by_series) & begun):
        wanted = tuple(i.uid for i in by_series[key])
        yield Request(study.uid, (uids[key],), wanted, classes, study.patient_id)


def _verdict(run: Session, study: Study) -> Verdict:
    """Expected against held, by SOP Instance UID."""
    wanted = {s.key for s in study.wanted}
    found = [i for i in studies.instances(run.ledger, study.key) if i.series_key in wanted]
    count = Counter(i.status for i in found)
    if count["expected"]:
        reason = f"{count['expected']} of {len(found)} instances did not come"
        return Verdict("incomplete", reason, PacsTransientError(f"study {study.key}: {reason}", remedy="run again"))
    if not found:
        reason = "the node lists no instance"
        return Verdict("incomplete", reason, PacsPermanentError(f"study {study.key}: {reason}"))
    reason = f"{count['refused']} of {len(found)} instances refused" if count["refused"] else ""
    content = studies.digest_of(f"{i.path} {i.sha256}" for i in found)
    return Verdict("complete", reason, content=content)
