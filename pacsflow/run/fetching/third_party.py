"""Have a node send a study to another application entity. Known are its numbers and what is found there."""

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from pacsflow.dicom.contract import Lane, Outcome, Received
from pacsflow.dicom.one_by_one import alone
from pacsflow.dicom.status import SUCCESS
from pacsflow.errors import PacsTransientError
from pacsflow.ledger import outcomes, studies
from pacsflow.ledger.studies import Instance, Planned, Study
from pacsflow.run.fetching.completeness import Attempt, Completeness, assess
from pacsflow.run.fetching.missing import Asked, counting, expect, guest, lane_for, requests, same
from pacsflow.run.receiving_entity import known_how
from pacsflow.run.remaining import elsewhere
from pacsflow.run.session import Session
from schemas.pacs import MoveTo

LOOKS = (0.0, 0.5, 2.0, 5.0)
"""Seconds before each look for what was sent: a destination may file it a little later."""


def send(run: Session, study: Study, to: MoveTo, node: str) -> Completeness:
    """The completeness of a study that `node` was asked to send to `to`.

    Where the destination can be asked, by the UIDs it has; else by the node's own numbers, which `proof` then says.
    """
    _ask_again(run, study, to)
    attempt = Attempt(lost=f"did not arrive at {to.aet}", node=node)
    lanes = run.lanes_to(node)

    def ask(lane: Lane, asked: Asked) -> Outcome:
        keys, request = asked
        lanes.wait_for_turn(1)
        wanted = _expected(run, study, keys)
        with counting(run, node):
            outcome = lane.fetch(request, _no_image_comes_here)
        sent = outcome.completed + outcome.warning
        run.traffic(node, retrievals=outcome.requests, sent=sent)
        if not run.arrivals and outcome.status == SUCCESS and not outcome.failed and sent >= len(wanted) > 0:
            _note(run, study, wanted, told(to))
        return outcome

    try:
        with lane_for(run, study, node) as lane:
            listed = expect(run, lane, study, attempt)
            _look(run, study, to)
            offered = {i.uid for i in listed} if guest(run, study, node) else None
            todo = list(_by_series(study, requests(run, study, attempt, offered)))
            for (keys, _), outcome in zip(todo, alone(todo, partial(ask, lane)), strict=True):
                attempt.answers.append((keys, outcome))
                attempt.received += outcome.completed + outcome.warning  # there is but the node's word
    except PacsTransientError as error:
        if attempt.listed is None:
            raise
        attempt.cut = error
    if run.arrivals and attempt.answers:
        _wait(run, study, to)
    fewer = run.project.query.guards.fewer_images_than_counted
    return _worded(assess(run.ledger, study, attempt, fewer=fewer), to, checked=run.arrivals is not None)


def told(to: MoveTo) -> str:
    """Why an instance counts as sent where the destination is not asked."""
    return f"sent to {to.aet}, by the node's own numbers"


def found(to: MoveTo) -> str:
    """Why an instance counts as sent where the destination was asked."""
    return f"sent to {to.aet}, found there"


def settled(run: Session, plan: Planned) -> bool:
    """Whether nothing is left to ask the node for: the study is complete, and went where it is to go now."""
    wanted = elsewhere(run.project, plan)
    if wanted is None or not plan.complete:
        return plan.complete
    known = outcomes.deliveries(run.ledger, plan.key)
    return not known or (wanted.target in known and known[wanted.target].digest == wanted.digest)


def _worded(completeness: Completeness, to: MoveTo, *, checked: bool) -> Completeness:
    if completeness.error:
        return completeness
    reason = "; ".join(filter(None, [f"sent to {to.aet}, {known_how(checked=checked)}", completeness.reason]))
    return replace(completeness, reason=reason, proof=completeness.proof if checked else "told")


def _no_image_comes_here(_: Received) -> int:
    return SUCCESS


def _by_series(study: Study, asked: Iterator[Asked]) -> Iterator[Asked]:
    """The requests, each about one series: so numbers that are not right concern one series only."""
    uids = {series.key: series.uid for series in study.series}
    for keys, request in asked:
        for key in sorted(keys):
            yield frozenset([key]), replace(request, series_uids=(uids[key],))


def _expected(run: Session, study: Study, keys: frozenset[str]) -> list[Instance]:
    return [i for i in studies.instances(run.ledger, study.key, "expected") if i.series_key in keys]


def _note(run: Session, study: Study, instances: list[Instance], reason: str) -> None:
    studies.note(run.ledger, study, (replace(i, status="sent", reason=reason) for i in instances))
    run.tell("images", len(instances))


def _ask_again(run: Session, study: Study, to: MoveTo) -> None:
    """What went to another application entity is to be sent again; what only the node reported is to be looked for."""
    sent = studies.instances(run.ledger, study.key, "sent")
    stands = (found(to),) if run.arrivals else (told(to), found(to))
    other = [i for i in sent if i.reason not in stands]
    studies.note(run.ledger, study, (replace(i, status="expected", reason="") for i in other))


def _wait(run: Session, study: Study, to: MoveTo) -> None:
    for seconds in LOOKS:
        time.sleep(seconds)
        if not _look(run, study, to):
            return


def _look(run: Session, study: Study, to: MoveTo) -> int:
    """Ask the destination what it has, and note it; the number of instances it still lacks."""
    missing = _expected(run, study, frozenset(s.key for s in study.wanted))
    if run.arrivals is None or not missing:
        return len(missing)
    there: set[str] = set()
    with run.arrivals.borrow() as lane:
        for series in (s for s in study.wanted if any(i.series_key == s.key for i in missing)):
            keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
            answers = lane.find("IMAGE", {**keys, "SOPInstanceUID": ""})
            run.traffic(run.arrivals.node.name, find=1)
            there |= {str(a.SOPInstanceUID) for a in answers if a.get("SOPInstanceUID") and same(keys, a)}
    _note(run, study, [i for i in missing if i.uid in there], found(to))
    return sum(i.uid not in there for i in missing)
