"""How a study stands after an attempt: expected against held, by SOP Instance UID, in words for ledger and report."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.retrieve import merge
from pacsflow.dicom.status import SUCCESS, Category, categorise, told
from pacsflow.errors import PacsflowError, PacsPermanentError, PacsTransientError
from pacsflow.ledger import Ledger, studies
from pacsflow.ledger.studies import Instance, Study


@dataclass
class Attempt:
    """What one attempt at a study met.

    `listed`: series key -> number of instances the node lists, of all wanted series once it is not None.
    `offline`: UIDs of the instances it says are not online. `answers`: each retrieval's series, where they
    were asked for whole, and how it ended. `strangers`: what came and was refused, as it was not asked for.
    """

    listed: dict[str, int] | None = None
    offline: set[str] = field(default_factory=set)
    answers: list[tuple[frozenset[str], Outcome]] = field(default_factory=list)
    strangers: Counter[str] = field(default_factory=Counter)
    cut: PacsTransientError | None = None


@dataclass(frozen=True)
class Verdict:
    """How a study stands. `proof`: what expected was compared by (uid, count)."""

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
    short = _short(study, found)
    missing = [i for i in found if i.status == "expected"]
    if missing or short - _confirmed(found, attempt):
        return _incomplete(study, attempt, found)
    if not found:
        reason = "the node lists no instance"
        return Verdict("incomplete", reason, PacsPermanentError(f"study {study.key}: {reason}"))
    proof = "uid" if _listing(attempt, wanted) >= len(found) else "count"
    content = studies.digest_of(f"{i.path} {i.sha256}" for i in found)
    return Verdict("complete", "; ".join(_remarks(found, attempt, miscounted=bool(short))), None, content, proof)


def _listing(attempt: Attempt, wanted: set[str]) -> int:
    return sum((attempt.listed or {}).get(key, 0) for key in wanted)


def _short(study: Study, found: list[Instance]) -> set[str]:
    """Keys of the series the node counted more instances of than it listed and sent."""
    known = Counter(i.series_key for i in found)
    return {s.key for s in study.wanted if (s.expected or 0) > known[s.key]}


def _confirmed(found: list[Instance], attempt: Attempt) -> set[str]:
    """Series whose own retrieval, asked for whole, ended in success with exactly the instances that are known.

    The listing and the retrieval agree then, and the count was wrong (PS3.4 C.3.4: it may be stale).
    """
    known = Counter(i.series_key for i in found)
    keys: set[str] = set()
    for series, outcome in attempt.answers:
        done = outcome.completed + outcome.warning
        if outcome.status == SUCCESS and not outcome.failed and done == sum(known[key] for key in series):
            keys |= series
    return keys


def _incomplete(study: Study, attempt: Attempt, found: list[Instance]) -> Verdict:
    reason = "; ".join(_shortfalls(study, attempt, found))
    remedy = "ask again later" if attempt.offline else "run again: only what is missing is asked for"
    if attempt.cut:
        return Verdict("failed", reason, attempt.cut)
    return Verdict("incomplete", reason, PacsTransientError(f"study {study.key}: {reason}", remedy=remedy))


def _shortfalls(study: Study, attempt: Attempt, found: list[Instance]) -> Iterator[str]:
    """All that is known of why instances are missing."""
    if attempt.cut:
        yield str(attempt.cut)
    missing = [i for i in found if i.status == "expected"]
    if offline := sum(i.uid in attempt.offline for i in missing):
        yield f"offline: ask again later ({offline} of {len(found)} instances are not online)"
    elif missing:
        yield f"{len(missing)} of {len(found)} instances did not come"
    announced = sum(s.expected or 0 for s in study.wanted)
    if announced > len(found):
        yield f"the node counts {announced} instances, but lists {_listing(attempt, {s.key for s in study.wanted})}"
    for why, number in sorted(Counter(i.reason for i in missing if i.reason).items()):
        yield f"{number} came spoilt ({why})"
    yield from _said(attempt)
    yield from _strangers(attempt)


def _said(attempt: Attempt) -> Iterator[str]:
    """How the node's retrievals ended, in its own words."""
    if attempt.answers:
        total = merge(outcome for _, outcome in attempt.answers)
        busy = "busy: " if categorise(total.status) is Category.TRANSIENT and not attempt.offline else ""
        yield f"{busy}the node ended with {told(total.status)}, {total.completed} sent, {total.failed} failed"


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
