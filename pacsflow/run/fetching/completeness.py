"""Whether a study is complete after an attempt: expected against held, by SOP Instance UID, with the reason in words.

What is expected comes from three sources, none of which a node need give: its list of instances, its count of them
(Number of Series Related Instances, PS3.4 C.3.4), and the sub-operations of its retrievals (PS3.4 C.4.2.1.6).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pacsflow.dicom.contract import Outcome
from pacsflow.dicom.one_by_one import merge
from pacsflow.dicom.status import DESTINATION, NEVER, SUCCESS, Category, categorise, told
from pacsflow.errors import PacsflowError, PacsPermanentError, PacsTransientError
from pacsflow.ledger import Ledger, studies
from pacsflow.ledger.studies import Instance, Series, Study
from pacsflow.run.fetching.other_patient import DIFFERS
from pacsflow.run.fetching.other_patient import fix as fix_of
from pacsflow.whole_numbers import whole_number
from pacsflow.wording import counted
from schemas.query import Guard

AWAY = {"NEARLINE": "offline", "OFFLINE": "offline", "UNAVAILABLE": "locked or unavailable"}
"""Values of Instance Availability (PS3.3 C.4.23.1.1) of what is not at hand, and our word for it."""
_GUARD = "fewer_images_than_counted"


@dataclass
class Attempt:
    """What one attempt at a study met, at a node ('': the project's first).

    `listed`: series key -> number of instances the node lists, of all wanted series once it is not None.
    `uncertain`: keys of the series of which it may list a part only. `offline`: UID -> Instance Availability of
    the instances it says are not online. `classes`: UID -> SOP class, '' where it was not given.
    `received`: number of instances that came.
    `answers`: each retrieval's series, where they were asked for whole, and how it ended.
    `strangers`: what came and was refused, as it was not asked for. `lost`: the words for what is missing.
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
class Completeness:
    """Whether a study is complete. `status`: complete, incomplete, offline, failed; `reason` in words, for the ledger.

    `error`: what is raised for a study that is not complete. `content`: digest of the instances held. `proof`: what
    shows that nothing is missing, or that something is. uid: each instance the node lists; count: as many as the node
    counts, its list was shorter, or not asked for; retrieval: the sub-operations of its retrieval, as it neither
    counts nor lists them for certain.
    """

    status: str
    reason: str = ""
    error: PacsflowError | None = None
    content: str = ""
    proof: str = "uid"


def assess(ledger: Ledger, study: Study, attempt: Attempt, *, fewer: Guard = "hold") -> Completeness:
    """The completeness of a study whose instances were listed, from what is in the ledger now.

    A study is complete when no listed instance is missing (held or refused with a reason, each) and all its wanted
    series are proven. For one series, `known` being the instances listed or received so far:

    | list      | count of the node | retrieval of the whole series      | series is              | proof      |
    |-----------|-------------------|------------------------------------|------------------------|------------|
    | certain   | none, or known    | any                                | proven                 | uid        |
    | certain   | more than known   | success, as many sent as known     | proven, but see `fewer`| uid        |
    | certain   | more than known   | any other, or none                 | not proven             |            |
    | uncertain | known             | any                                | proven                 | uid, count |
    | uncertain | more than known   | any                                | not proven             |            |
    | uncertain | none              | success, as many sent as known     | proven                 | retrieval  |
    | uncertain | none              | any other, or none                 | not proven             |            |

    A list is uncertain where it may be a part: `attempt.uncertain`, and without a count also where more is known than
    was listed or the node says it sent more than came.

    A retrieval that broke off after all had come is not a fault of the study. `fewer`: what is done where the node
    counts more images than it lists and sends, although its list and its retrieval agree.
    """
    wanted = {s.key for s in study.wanted}
    found = [i for i in studies.instances(ledger, study.key) if i.series_key in wanted]
    return completeness_of(study, found, attempt, fewer=fewer)


def completeness_of(study: Study, found: list[Instance], attempt: Attempt, *, fewer: Guard) -> Completeness:
    """The verdict on a study of whose wanted series the instances `found` are known, each with its status.

    Of a series three numbers may be told: by the node's list (C-FIND, IMAGE level), by its count (Number of Series
    Related Instances), and by its retrieval (sub-operations completed, PS3.4 C.4.2.1.6), where the series was asked for
    whole. Three images of it are known and held; `+` behind a list: it may be a part (cut, or at the node's limit).

    | listed | counted | retrieval | status     | proof     | why |
    |--------|---------|-----------|------------|-----------|-----|
    | 3      | 3       | any       | complete   | uid       | list and count agree, whatever the retrieval said |
    | 3      | -       | -         | complete   | uid       | each that is listed is held |
    | 3      | -       | 3         | complete   | uid       | the same |
    | 3      | -       | 4         | incomplete | retrieval | one that the node says it sent did not come |
    | 3      | 5       | -         | incomplete | uid       | two are counted that nobody has seen: asked for whole |
    | 3      | 5       | 3         | incomplete | count     | held for a person: `fewer_images_than_counted` |
    | 2      | 3       | any       | complete   | count     | the list is short, the count is reached |
    | 2      | -       | 3         | complete   | retrieval | the list is short, the retrieval says that three are all |
    | 2      | -       | -         | incomplete | retrieval | nobody says that three are all |
    | 3+     | 3       | any       | complete   | uid       | the count says that the list is whole |
    | 3+     | -       | 3         | complete   | retrieval | the retrieval says that it is |
    | 3+     | -       | -         | incomplete | retrieval | nobody says so |
    | 3+     | 5       | 3         | incomplete | retrieval | list and count disagree, and the list may be a part |
    | 3+     | 5       | -         | incomplete | retrieval | the same |

    An instance that is expected and neither held nor refused makes each of these incomplete. Under `fewer: warn` the
    row `3, 5, 3` is complete, with a remark. A study of several series is complete where each of them is.
    """
    wanted = {s.key for s in study.wanted}
    short, vague = _short(study, found), _vague(study, found, attempt)
    proof = "retrieval" if vague else "uid" if _listing(attempt, wanted) >= len(found) else "count"
    missing = [i for i in found if i.status == "expected"]
    confirmed = _confirmed(found, attempt)
    if missing or (vague | short) - confirmed or short & attempt.uncertain:
        return _incomplete(study, attempt, found, proof)
    if short and fewer == "hold":
        return _fewer(study, found)
    if not found:
        reason = "the node lists no instance"
        return Completeness("incomplete", reason, PacsPermanentError(f"study {study.key}: {reason}"))
    content = studies.digest_of(f"{i.path} {i.sha256}" for i in found)
    return Completeness(
        "complete",
        "; ".join(_remarks(found, attempt, miscounted=bool(short) and fewer == "warn")),
        None,
        content,
        proof,
    )


def announced_images(series: Series) -> int | None:
    """The number of instances the node itself counts in a series; None where it does not."""
    return whole_number(series.attributes.get("NumberOfSeriesRelatedInstances", ""))


def uncounted(study: Study) -> set[str]:
    """Keys of the wanted series in which the node counts nothing."""
    return {s.key for s in study.wanted if announced_images(s) is None}


def _listing(attempt: Attempt, wanted: set[str]) -> int:
    return sum((attempt.listed or {}).get(key, 0) for key in wanted)


def _vague(study: Study, found: list[Instance], attempt: Attempt) -> set[str]:
    """Keys of the series of which neither list nor count shows that they are whole: their retrieval must."""
    known, listed = Counter(i.series_key for i in found), attempt.listed or {}
    short_list = {key for key in uncounted(study) if known[key] > listed.get(key, 0)}
    claimed = uncounted(study) if _sent(attempt) > attempt.received else set()
    settled = {s.key for s in study.wanted if announced_images(s) == known[s.key]}
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


def _incomplete(study: Study, attempt: Attempt, found: list[Instance], proof: str) -> Completeness:
    reason = "; ".join(_shortfalls(study, attempt, found))
    missing = {i.uid for i in found if i.status == "expected"}
    offline = bool(missing) and missing <= attempt.offline.keys()
    fix = "run again later" if offline else "run again: only what is missing is asked for"
    if _unreached(attempt):
        fix = DESTINATION
    if attempt.cut:
        return Completeness("failed", reason, attempt.cut, proof=proof)
    if missing and all(i.reason == DIFFERS for i in found if i.status == "expected"):
        held = PacsPermanentError(f"study {study.key}: {reason}", fix=fix_of(study.key))
        return Completeness("incomplete", reason, held, proof=proof)
    error = PacsTransientError(f"study {study.key}: {reason}", fix=fix)
    return Completeness("offline" if offline else "incomplete", reason, error, proof=proof)


def _fewer(study: Study, found: list[Instance]) -> Completeness:
    """All that is listed came, and the node counts more: not asked again at once, as it would give the same answer."""
    counts = sum(max(s.expected or 0, n) for s in study.wanted for n in [sum(i.series_key == s.key for i in found)])
    reason = f"the node counts {counted(counts, 'image')}, but lists and sends {len(found)} ({_GUARD})"
    fix = f"run again later: they may still be stored; else settle it by `guards: {{{_GUARD}: warn}}` in query.yaml"
    return Completeness("incomplete", reason, PacsPermanentError(f"study {study.key}: {reason}", fix=fix), "", "count")


def _shortfalls(study: Study, attempt: Attempt, found: list[Instance]) -> Iterator[str]:
    """All that is known of why instances are missing."""
    if attempt.cut:
        yield str(attempt.cut)
    missing = [i for i in found if i.status == "expected"]
    away = Counter(attempt.offline[i.uid] for i in missing if i.uid in attempt.offline)
    for availability, number in sorted(away.items()):
        yield (
            f"{AWAY[availability]}: ask again later ({number} of "
            f"{counted(len(found), 'instance is', 'instances are')} {availability})"
        )
    if lost := sum(i.reason != DIFFERS and i.uid not in attempt.offline for i in missing):
        yield f"{lost} of {counted(len(found), 'instance')} {attempt.lost}"
    announced = sum(s.expected or 0 for s in study.wanted)
    if announced > len(found):
        yield (
            f"the node counts {counted(announced, 'instance')}, but lists "
            f"{_listing(attempt, {s.key for s in study.wanted})}"
        )
    if vague := _vague(study, found, attempt) - _confirmed(found, attempt):
        yield f"it is not known how many instances {len(vague)} series have: the node's list may be a part"
        if _sent(attempt) > attempt.received:
            yield f"the node says it sent {_sent(attempt)}, {attempt.received} came"
    if differing := sum(i.reason == DIFFERS for i in missing):
        yield f"{differing} of {counted(len(found), 'image carries', 'images carry')} {DIFFERS}"
    for why, number in sorted(Counter(i.reason for i in missing if i.reason not in ("", DIFFERS)).items()):
        yield f"{number} came spoilt ({why})"
    yield from _said(attempt)
    yield from _strangers(attempt)


def _said(attempt: Attempt) -> Iterator[str]:
    """How the node's retrievals ended, by their status and sub-operations."""
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
