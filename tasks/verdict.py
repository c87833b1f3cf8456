"""How a study stands after an attempt: expected against held, by SOP Instance UID, in words for ledger and report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.retrieve import merge
from pacsflow.dicom.status import DESTINATION, NEVER, SUCCESS, Category, categorise, told
from pacsflow.errors import PacsflowError, PacsPermanentError, PacsTransientError
from pacsflow.ledger import Ledger, studies
from pacsflow.ledger.studies import Instance, Series, Study

AWAY = {"NEARLINE": "offline", "OFFLINE": "offline", "UNAVAILABLE": "locked or unavailable"}
"""Values of Instance Availability (PS3.3 C.4.23.1.1) of what is not at hand, and what we call that."""


@dataclass
class Attempt:
    """What one attempt at a study met, at a node ('': the project's first).

    `listed`: series key -> number of instances the node lists, of all wanted series once it is not None.
    `uncertain`: keys of the series of which it may list a part only. `offline`: UID -> Instance Availability of
    the instances it says are not online. `classes`: UID -> SOP class, '' where it was not told.
    `received`: number of instances that came.
    `answers`: each retrieval's series, where they were asked for whole, and how it ended.
    `strangers`: what came and was refused, as it was not asked for. `lost`: what is said of what is missing.
    """

    listed: dict[str, int] | None = None
    uncertain: set[str] = field(default_factory=set)
    offline: dict[str, str] = field(default_factory=dict)
    classes: dict[str, str] = field(default_factory=dict)
    received: int = 0
    answers: list[tuple[frozenset[str], Outcome]] = field(default_factory=list)
    strangers: Counter[str] = field(default_factory=Counter)
    cut: PacsTransientError | None = None
    lost: str = "did not come"
    node: str = ""


@dataclass(frozen=True)
class Verdict:
    """How a study stands. `proof`: what tells that nothing is missing, or that something is.

    uid: each instance the node lists; count: as many as the node counts, its list was shorter; retrieval: the
    sub-operations of its retrieval (PS3.4 C.4.2.1.6), as it neither counts nor lists them for certain.
    """

    status: str
    reason: str = ""
    error: PacsflowError | None = None
    content: str = ""
    proof: str = "uid"


def judge(ledger: Ledger, study: Study, attempt: Attempt) -> Verdict:
    """The verdict on a study whose instances were listed, from what is in the ledger now.

    A retrieval that broke off after all had come is no fault of the study.
    """
    wanted = {s.key for s in study.wanted}
    found = [i for i in studies.instances(ledger, study.key) if i.series_key in wanted]
    short, vague = _short(study, found), _vague(study, found, attempt)
    proof = "retrieval" if vague else "uid" if _listing(attempt, wanted) >= len(found) else "count"
    missing = [i for i in found if i.status == "expected"]
    confirmed = _confirmed(found, attempt)
    if missing or (vague | short) - confirmed or short & attempt.uncertain:
        return _incomplete(study, attempt, found, proof)
    if not found:
        reason = "the node lists no instance"
        return Verdict("incomplete", reason, PacsPermanentError(f"study {study.key}: {reason}"))
    content = studies.digest_of(f"{i.path} {i.sha256}" for i in found)
    return Verdict("complete", "; ".join(_remarks(found, attempt, miscounted=bool(short))), None, content, proof)


def counted(series: Series) -> int | None:
    """The number of instances the node itself counts in a series; None where it does not."""
    number = series.attributes.get("NumberOfSeriesRelatedInstances", "").strip()
    return int(number) if number.isdigit() else None


def uncounted(study: Study) -> set[str]:
    """Keys of the wanted series in which the node counts nothing."""
    return {s.key for s in study.wanted if counted(s) is None}


def _listing(attempt: Attempt, wanted: set[str]) -> int:
    return sum((attempt.listed or {}).get(key, 0) for key in wanted)


def _vague(study: Study, found: list[Instance], attempt: Attempt) -> set[str]:
    """Keys of the series of which neither list nor count tells all: their retrieval must."""
    known, listed = Counter(i.series_key for i in found), attempt.listed or {}
    short_list = {key for key in uncounted(study) if known[key] > listed.get(key, 0)}
    claimed = uncounted(study) if _sent(attempt) > attempt.received else set()
    settled = {s.key for s in study.wanted if counted(s) == known[s.key]}
    return (attempt.uncertain | short_list | claimed) - settled


def _sent(attempt: Attempt) -> int:
    """Number of instances the node says it sent."""
    return sum(outcome.completed + outcome.warning for _, outcome in attempt.answers)


def _short(study: Study, found: list[Instance]) -> set[str]:
    """Keys of the series the node counted more instances of than it listed and sent."""
    known = Counter(i.series_key for i in found)
    return {s.key for s in study.wanted if (s.expected or 0) > known[s.key]}


def _confirmed(found: list[Instance], attempt: Attempt) -> set[str]:
    """Series whose own retrieval, asked for whole, ended in success with exactly the instances that are known.

    Where the listing agrees too, a count that is higher was wrong (PS3.4 C.3.4: it may be stale). A retrieval that
    sent nothing confirms nothing.
    """
    known = Counter(i.series_key for i in found)
    keys: set[str] = set()
    for series, outcome in attempt.answers:
        done = outcome.completed + outcome.warning
        if outcome.status == SUCCESS and not outcome.failed and 0 < done == sum(known[key] for key in series):
            keys |= series
    return keys


def _incomplete(study: Study, attempt: Attempt, found: list[Instance], proof: str) -> Verdict:
    reason = "; ".join(_shortfalls(study, attempt, found))
    missing = {i.uid for i in found if i.status == "expected"}
    offline = bool(missing) and missing <= attempt.offline.keys()
    remedy = "run again later" if offline else "run again: only what is missing is asked for"
    if _unreached(attempt):
        remedy = DESTINATION
    if attempt.cut:
        return Verdict("failed", reason, attempt.cut, proof=proof)
    error = PacsTransientError(f"study {study.key}: {reason}", remedy=remedy)
    return Verdict("offline" if offline else "incomplete", reason, error, proof=proof)


def _shortfalls(study: Study, attempt: Attempt, found: list[Instance]) -> Iterator[str]:
    """All that is known of why instances are missing."""
    if attempt.cut:
        yield str(attempt.cut)
    missing = [i for i in found if i.status == "expected"]
    away = Counter(attempt.offline[i.uid] for i in missing if i.uid in attempt.offline)
    for availability, number in sorted(away.items()):
        yield f"{AWAY[availability]}: ask again later ({number} of {len(found)} instances are {availability})"
    if lost := len(missing) - away.total():
        yield f"{lost} of {len(found)} instances {attempt.lost}"
    announced = sum(s.expected or 0 for s in study.wanted)
    if announced > len(found):
        yield f"the node counts {announced} instances, but lists {_listing(attempt, {s.key for s in study.wanted})}"
    if vague := _vague(study, found, attempt) - _confirmed(found, attempt):
        yield f"nobody knows how many instances {len(vague)} series have: the node's list may be a part"
        if _sent(attempt) > attempt.received:
            yield f"the node says it sent {_sent(attempt)}, {attempt.received} came"
    for why, number in sorted(Counter(i.reason for i in missing if i.reason).items()):
        yield f"{number} came spoilt ({why})"
    yield from _said(attempt)
    yield from _strangers(attempt)


def _said(attempt: Attempt) -> Iterator[str]:
    """How the node's retrievals ended, in its own words."""
    if attempt.answers:
        total = merge(outcome for _, outcome in attempt.answers)
        port = _unreached(attempt)
        busy = categorise(total.status) is Category.TRANSIENT and not attempt.offline and not port
        said = f"the node ended with {told(total.status)}, {total.completed} sent, {total.failed} failed"
        yield f"busy: {said}" if busy else said
        if port:
            yield f"{NEVER} {port}"


def _unreached(attempt: Attempt) -> int:
    """The port of ours that no retrieval reached; 0 where one did, or what is missing could not have come there."""
    ports = [outcome.unreached for _, outcome in attempt.answers]
    return ports[0] if ports and all(ports) and not attempt.offline else 0


def _strangers(attempt: Attempt) -> Iterator[str]:
    for why, number in sorted(attempt.strangers.items()):
        yield f"{number} came that were not asked for, and were refused ({why})"


def _remarks(found: list[Instance], attempt: Attempt, *, miscounted: bool) -> Iterator[str]:
    """What a person should know of a complete study."""
    for why, number in sorted(Counter(i.reason for i in found if i.status == "held" and i.reason).items()):
        yield f"{number} {why}"
    if miscounted:
        yield f"the node counts more instances than the {len(found)} it lists and sends"
    yield from _strangers(attempt)
