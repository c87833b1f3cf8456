"""Fetch a study: only what is not held, through the de-identifier to disk, compared by UID."""

import time
from collections import Counter
from dataclasses import replace
from functools import partial

from pacsflow.dicom.contract import Lane, Outcome, Sink
from pacsflow.dicom.one_by_one import alone
from pacsflow.errors import PacsError, PacsflowError, PacsPermanentError, PacsTransientError, PausedError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Study
from pacsflow.projects.elsewhere import third_party
from pacsflow.refs import StudyRef
from pacsflow.run.fetching.completeness import Attempt, Completeness, assess
from pacsflow.run.fetching.handed_on import handed_on
from pacsflow.run.fetching.held_faces import ask_whole
from pacsflow.run.fetching.missing import (
    Asked,
    TakenOverError,
    by_count,
    counting,
    expect,
    guest,
    lane_for,
    recounted,
    requests,
    unproven,
)
from pacsflow.run.fetching.reception import Reception, disk_refused
from pacsflow.run.fetching.referred import Following, Referred
from pacsflow.run.fetching.single_instances import narrowed, singled_out
from pacsflow.run.fetching.third_party import send, settled
from pacsflow.run.finding import told_by
from pacsflow.run.images_beside import masks_turn
from pacsflow.run.pseudonyms import refuse_nameless
from pacsflow.run.session import Session, session
from pacsflow.run.sharing import claim_here, is_here
from pacsflow.run.unexpected import fault_of, stops
from pacsflow.staging import staging, sweep

_DEEPEST = 8
"""How often what is fetched may refer to more, which may refer to more."""
HOURS, HELD, STOPPED = "stopped when the hours of the node ended", "paused by a person", "stopped by hand"


def fetch_study(ref: StudyRef) -> StudyRef | None:
    """The study, complete: all its expected instances are held or refused with a reason.

    None: another run has it, or the hours of the node ended, or a person paused the project, before it was complete.

    Raises PacsTransientError while instances are missing (tried again, for these only), PacsPermanentError
    when the node will not give them. The ledger knows the outcome either way.
    """
    run = session(ref.project)
    try:
        return _fetch_study(run, ref)
    finally:
        run.remaining.changed()


def _fetch_study(run: Session, ref: StudyRef) -> StudyRef | None:
    if all(settled(run, plan) and is_here(run, plan) for plan in studies.planned(run.ledger, ref.key)):
        return ref
    if not claim_here(run, ref.key):
        return None
    study = narrowed(run.project, studies.study(run.ledger, ref.key))
    began = time.monotonic()
    try:
        study, completeness = _with_references(run, study, ref.node)
    except TakenOverError:
        return None
    except PausedError:
        begun = any(i.status != "expected" for i in studies.instances(run.ledger, study.key))
        told = f"{HELD if run.held else HOURS if run.paused else STOPPED}, the next run goes on"
        studies.release(run.ledger, study.key, run.owner, **({"status": "incomplete", "reason": told} if begun else {}))
        return None
    except PacsflowError as error:
        completeness = Completeness("failed", str(error), error=error)
    except BaseException as error:  # noqa: BLE001 whatever it is, it does not concern the other studies
        if stops(error):
            studies.release(run.ledger, study.key, run.owner, status="failed", reason="broke off")
        fault = fault_of(error, "fetch_study")
        studies.release(run.ledger, study.key, run.owner, status="failed", reason=f"broke off: {fault}")
        raise fault from None
    facts = {name: getattr(completeness, name) for name in ("status", "reason", "proof", "content")}
    wanted = studies.digest_of(s.key for s in study.wanted)
    seconds = time.monotonic() - began
    keep = {"lease_owner": run.owner, "lease_expires": time.time() + studies.LEASE_SECONDS}
    kept = keep if run.shared and completeness.error is None else {}  # who fetched it delivers it, too
    studies.release(run.ledger, study.key, run.owner, **kept, wanted=wanted, fetch_seconds=seconds, **facts)
    run.advise(study.key, completeness.error)
    if completeness.error:
        raise completeness.error
    masks_turn(run, study)
    run.tell("studies fetched")
    return ref


def _with_references(run: Session, study: Study, node: str) -> tuple[Study, Completeness]:
    """The study with what its objects refer to, as far as the project wants that, and the verdict on it."""
    following = Following(run)
    for _ in range(_DEEPEST):
        completeness = _complete(run, study, node) if guest(run, study, node) else _fetch(run, study, node)
        referred = following.follow(study) if completeness.error is None else Referred()
        if not referred.more:
            break
        study, before = narrowed(run.project, studies.study(run.ledger, study.key)), study
    else:
        study = before  # the next run fetches what is wanted since
    reasons = filter(None, [completeness.reason, referred.missing])
    return study, replace(completeness, reason="; ".join(reasons))


def _fetch(run: Session, study: Study, node: str) -> Completeness:
    if to := third_party(run.node(node)):
        return send(run, study, to, node)
    patient_id = study.patient_id.strip()
    nameless = run.missing_reason(patient_id) if patient_id else ""
    sweep(run.staging / study.key)
    attempt = Attempt(node=node)
    lanes = run.lanes_to(node)
    try:
        with lane_for(run, study, node) as lane:
            unlisted = by_count(run, study, attempt)
            listed = expect(run, lane, study, attempt, unlisted)
            if nameless:
                refuse_nameless(run.ledger, study, nameless)
            ask_whole(run, study)
            offered = {i.uid for i in listed} if guest(run, study, node) else None
            if todo := list(requests(run, study, attempt, offered)):
                lanes.wait_for_turn(len({key for keys, _ in todo for key in keys}))
                _receive(run, lane, study, todo=todo, attempt=attempt)
            if unlisted and (left := unproven(run, study, attempt, unlisted)):
                _list_and_complete(run, lane, study, attempt, unlisted - left)
            study = narrowed(run.project, recounted(run, lane, study, attempt.node))
    except PacsTransientError as error:
        if attempt.listed is None:
            raise
        attempt.cut = error
    completeness = assess(run.ledger, study, attempt, fewer=run.project.query.guards.fewer_images_than_counted)
    if completeness.status == "complete":
        _learn(run, study, attempt)
    if completeness.error and offered is not None and not todo:
        raise PacsPermanentError("has none of what is missing")
    return completeness


def _list_and_complete(run: Session, lane: Lane, study: Study, attempt: Attempt, proven: set[str]) -> None:
    """After a retrieval without a list that did not bring what the node counts: the list, and what it still names."""
    expect(run, lane, study, attempt, proven)
    ask_whole(run, study)
    if todo := list(requests(run, study, attempt, None)):
        _receive(run, lane, study, todo=todo, attempt=attempt)


def _learn(run: Session, study: Study, attempt: Attempt) -> None:
    """What a complete study shows of the node's lists of images: they were whole, or cut where more came."""
    ceiling = run.lanes_to(attempt.node).ceiling
    known = Counter(i.series_key for i in studies.instances(run.ledger, study.key))
    for key, listed in ((key, n) for key, n in (attempt.listed or {}).items() if key not in singled_out(study)):
        if 0 < listed < known[key] and not guest(run, study, attempt.node):
            ceiling.learn(listed, "IMAGE")
        elif listed == known[key]:
            ceiling.proved("IMAGE", listed)


def _complete(run: Session, study: Study, node: str) -> Completeness:
    """What the node a study comes from did not give, asked from another; the reason written so far stays."""
    so_far = study.reason.partition(f"; {node}: ")[0]
    try:
        completeness = _fetch(run, study, node)
    except PacsError as error:
        completeness = Completeness(study.status, str(error), error)
    if completeness.error is None:
        return replace(completeness, reason="; ".join(filter(None, [f"completed from {node}", completeness.reason])))
    status = study.status if study.status in ("incomplete", "offline", "failed") else completeness.status
    return replace(completeness, status=status, reason=f"{so_far}; {told_by(node, completeness.reason)}")


def _receive(run: Session, lane: Lane, study: Study, *, todo: list[Asked], attempt: Attempt) -> None:
    """Have what is missing sent; each instance is on disk and in the ledger before this returns."""

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
        with (
            staging(settled, mode=mode) as stager,
            Reception(run, study, stager) as reception,
            handed_on(run, study, attempt.node, reception, Reception) as sink,
        ):
            for (keys, request), outcome in zip(todo, alone(todo, partial(ask, sink)), strict=True):
                attempt.answers.append((frozenset() if request.sop_uids else keys, outcome))
    except OSError as error:
        raise disk_refused(error) from None
    finally:
        if reception:
            studies.note(run.ledger, study, reception.remarks())
            run.traffic(attempt.node, images=reception.received, bytes=reception.bytes)
            attempt.strangers = reception.strangers
            attempt.received += reception.received
            reception.raise_fault()
