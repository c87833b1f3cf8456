"""Fetch a study: only what is not held, through the de-identifier to disk, compared by UID."""

import time
from dataclasses import replace
from functools import partial

from pacsflow.dicom.contract import Lane, Outcome, Sink
from pacsflow.dicom.retrieve import alone
from pacsflow.errors import PacsError, PacsflowError, PacsPermanentError, PacsTransientError, PausedError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.projects import third_party
from pacsflow.refs import StudyRef
from pacsflow.staging import staging, sweep
from tasks._policy import engine_task
from tasks.asking import Asked, TakenOverError, counting, expect, guest, lane_for, requests
from tasks.elsewhere import send, settled
from tasks.find import told_by
from tasks.pseudonyms import refuse_nameless
from tasks.reception import Reception, disk_refused
from tasks.session import Session, session
from tasks.verdict import Attempt, Verdict, judge

HOURS, STOPPED = "stopped when the hours of the node ended", "stopped by hand"


@engine_task("fetch study", "fetch {ref}")
def fetch_study(ref: StudyRef) -> StudyRef | None:
    """The study, complete: all its expected instances are held or refused with a reason.

    None: another run has it, or the hours of the node ended before it was complete.

    Raises PacsTransientError while instances are missing (tried again, for these only), PacsPermanentError
    when the node will not give them. The ledger knows the outcome either way.
    """
    run = session(ref.project)
    if all(settled(run, plan) for plan in studies.planned(run.ledger, ref.key)):
        return ref
    study = studies.study(run.ledger, ref.key)
    if not studies.claim(run.ledger, study.key, run.owner):
        return None
    began = time.monotonic()
    try:
        verdict = _complete(run, study, ref.node) if guest(run, study, ref.node) else _fetch(run, study, ref.node)
    except TakenOverError:
        return None
    except PausedError:
        begun = any(i.status != "expected" for i in studies.instances(run.ledger, study.key))
        told = f"{HOURS if run.paused else STOPPED}, the next run goes on"
        studies.release(run.ledger, study.key, **({"status": "incomplete", "reason": told} if begun else {}))
        return None
    except PacsflowError as error:
        verdict = Verdict("failed", str(error), error=error)
    except BaseException:
        studies.release(run.ledger, study.key, status="failed", reason="broke off")
        raise
    facts = {name: getattr(verdict, name) for name in ("status", "reason", "proof", "content")}
    wanted = studies.digest_of(s.key for s in study.wanted)
    studies.release(run.ledger, study.key, wanted=wanted, seconds=time.monotonic() - began, **facts)
    run.advise(study.key, verdict.error)
    if verdict.error:
        raise verdict.error
    run.tell("studies fetched")
    return ref


def _fetch(run: Session, study: Study, node: str) -> Verdict:
    if to := third_party(run.node(node)):
        return send(run, study, to, node)
    patient_id = study.patient_id.strip()
    nameless = run.wanting(patient_id) if patient_id else ""
    sweep(run.staging / study.key)
    attempt = Attempt(node=node)
    lanes = run.lanes_to(node)
    try:
        with lane_for(run, study, node) as lane:
            listed = expect(run, lane, study, attempt)
            if nameless:
                refuse_nameless(run.ledger, study, nameless)
            offered = {i.uid for i in listed} if guest(run, study, node) else None
            if todo := list(requests(run, study, attempt, offered)):
                lanes.pace(len({key for keys, _ in todo for key in keys}))
                _receive(run, lane, (study, todo), attempt)
    except PacsTransientError as error:
        if attempt.listed is None:
            raise
        attempt.cut = error
    verdict = judge(run.ledger, study, attempt)
    if verdict.error and offered is not None and not todo:
        raise PacsPermanentError("has none of what is missing")
    return verdict


def _complete(run: Session, study: Study, node: str) -> Verdict:
    """What the node a study comes from did not give, asked from another; all that is said of it so far stands."""
    so_far = study.reason.partition(f"; {node}: ")[0]
    try:
        verdict = _fetch(run, study, node)
    except PacsError as error:
        verdict = Verdict(study.status, str(error), error)
    if verdict.error is None:
        return replace(verdict, reason="; ".join(filter(None, [f"completed from {node}", verdict.reason])))
    status = study.status if study.status in ("incomplete", "offline", "failed") else verdict.status
    return replace(verdict, status=status, reason=f"{so_far}; {told_by(node, verdict.reason)}")


def _receive(run: Session, lane: Lane, of: tuple[Study, list[Asked]], attempt: Attempt) -> None:
    """Have what is missing sent; each instance is on disk and in the ledger before this returns."""
    study, todo = of

    def settled(batch: list[Instance]) -> None:
        studies.note(run.ledger, study, batch)
        run.tell("images", len(batch))
        run.tell("bytes", sum(i.size for i in batch))

    def ask(sink: Sink, asked: Asked) -> Outcome:
        with counting(run, attempt.node):
            outcome = lane.fetch(asked[1], sink)
        run.traffic(attempt.node, retrievals=outcome.requests)
        return outcome

    reception = None
    try:
        mode = 0o600 if run.identifiable else 0o666
        with staging(settled, mode=mode) as stager, Reception(run, study, stager) as reception:
            for (keys, request), outcome in zip(todo, alone(todo, partial(ask, reception)), strict=True):
                attempt.answers.append((frozenset() if request.sop_uids else keys, outcome))
    except OSError as error:
        raise disk_refused(error) from None
    finally:
        if reception:
            studies.note(run.ledger, study, reception.remarks())
            run.traffic(attempt.node, images=reception.received, bytes=reception.bytes)
            attempt.strangers, attempt.received = reception.strangers, reception.received
            reception.raise_fault()
