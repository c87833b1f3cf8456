"""What a node is asked for of a study: the list of its instances, then those that are missing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pydicom import Dataset

from pacsflow.dicom.classes import believable
from pacsflow.dicom.contract import BrokenError, Lane, Request
from pacsflow.errors import PacsError, PacsflowError, PausedError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Planned, Study
from tasks.deliver import left_to_do
from tasks.session import Session
from tasks.verdict import AWAY, Attempt, counted, uncounted

Asked = tuple[frozenset[str], Request]
"""Keys of the series a request is about, and the request."""


class TakenOverError(PacsflowError):
    """Another run has claimed the study while this one waited for a lane."""


@contextmanager
def lane_for(run: Session, study: Study, node: str) -> Iterator[Lane]:
    """A lane for fetching a study, which is still this run's. Raises TakenOverError, PausedError."""
    with run.lanes_to(node).borrow() as lane:
        # the lane may have come after the lease on the study ran out
        if not studies.claim(run.ledger, study.key, run.owner):
            raise TakenOverError("another run fetches the study")
        yield lane


def to_retrieve(run: Session, node: str) -> list[Planned]:
    """The studies a node is to be asked for now: its own, and what the nodes before it did not give whole."""
    names = list(run.project.nodes)
    before = names[: names.index(node)]
    todo = []
    for plan in left_to_do(run.ledger, run.project):
        home = plan.node if plan.node in names else ""
        if home == node or (home in before and not plan.complete):
            todo.append(plan)
    return todo


def guest(run: Session, study: Study, node: str) -> bool:
    """Whether a node is another than the one the study comes from."""
    return run.node(node) != run.node(study.node)


def expect(run: Session, lane: Lane, study: Study, attempt: Attempt) -> list[Instance]:
    """Ask `attempt.node` for the UIDs of all instances (C-FIND, IMAGE level): those listed, written down.

    `attempt.listed` knows their number. A series whose list may be a part is uncertain, as are those
    of a study that was found incomplete although nothing listed is missing.
    """
    found: list[Instance] = []
    ceiling = run.lanes_to(attempt.node).ceiling
    told = _told(run, study, attempt.node)
    for series in study.wanted:
        keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
        answers = _listed(run, lane, {**told, **keys}, attempt.node)
        if answers is None or (ceiling.reached("IMAGE", len(answers)) and counted(series) != len(answers)):
            attempt.uncertain.add(series.key)
        mine = [a for a in answers or () if a.get("SOPInstanceUID") and same(keys, a)]
        found += [Instance(series.key, str(a.SOPInstanceUID), str(a.get("SOPClassUID") or "")) for a in mine]
        availability = {str(a.SOPInstanceUID): str(a.get("InstanceAvailability")) for a in mine}
        attempt.offline |= {uid: word for uid, word in availability.items() if word in AWAY}
    found = list({i.uid: i for i in found}.values())
    attempt.classes = {i.uid: i.sop_class for i in found}
    studies.expect(run.ledger, study, found)
    if study.status == "incomplete" and not studies.instances(run.ledger, study.key, "expected"):
        attempt.uncertain |= uncounted(study)
    known = studies.instances(run.ledger, study.key) if guest(run, study, attempt.node) else found
    attempt.listed = dict(Counter(i.series_key for i in known))
    return found


def _told(run: Session, study: Study, node: str) -> dict[str, str]:
    """What is asked of each instance: its UID, and what some nodes open each file for only where it is needed.

    The SOP class, unless the node said which are in the study; the availability (and the class all the same) where
    something did not come, or comes from another node.
    """
    first = study.status == "found" and not guest(run, study, node)
    if first and _named_classes(study):
        return {"SOPInstanceUID": ""}
    return {"SOPInstanceUID": "", "SOPClassUID": ""} | ({} if first else {"InstanceAvailability": ""})


def _named_classes(study: Study) -> frozenset[str]:
    """The SOP classes that the node named in the study; none where it did not."""
    return believable(study.attributes.get("SOPClassesInStudy", "").split("\\"))


@contextmanager
def counting(run: Session, node: str) -> Iterator[None]:
    """Around a retrieval: one that ended in an error, in silence, or by us, was asked for all the same."""
    try:
        yield
    except (PacsError, PausedError) as error:
        begun = not isinstance(error, PacsError) or isinstance(error, BrokenError) or error.status is not None
        run.traffic(node, retrievals=int(begun))
        raise


def _listed(run: Session, lane: Lane, keys: Mapping[str, str], node: str) -> list[Dataset] | None:
    """The instances of a series as the node lists them; None where it cuts the list, or does not give one."""
    run.traffic(node, find=1)
    try:
        return lane.find("IMAGE", keys)
    except PacsError as error:
        if error.withholds:
            return None
        raise


def same(keys: Mapping[str, str], answer: Dataset) -> bool:
    """Whether an answer is of what was asked for, or does not tell."""
    return all((answer.get(keyword) or value) == value for keyword, value in keys.items())


def requests(run: Session, study: Study, attempt: Attempt, offered: set[str] | None) -> Iterator[Asked]:
    """The fewest requests that ask for what is missing and nothing else: the study, series, or instances.

    A series of which the node counts more than it lists is asked for whole, as an uncertain one that it does not
    count, or of which it counts another number: nobody knows what is missing.
    Of a node that the study does not come from, only the instances it has `offered` are asked for; one that
    knows single images only is asked for those it listed.
    """
    by_series: dict[str, list[Instance]] = {s.key: [] for s in study.wanted}
    known = [i for i in studies.instances(run.ledger, study.key) if i.series_key in by_series]
    for instance in known:
        asked = instance.status == "expected" and (offered is None or instance.uid in offered)
        by_series[instance.series_key] += [instance] if asked else []
    uids = {s.key: s.uid for s in study.series}
    begun = {i.series_key for i in known if i.status != "expected"}
    numbers = Counter(i.series_key for i in known)
    blind = {s.key for s in study.wanted if (s.expected or 0) > numbers[s.key]}
    blind |= attempt.uncertain - {s.key for s in study.wanted if counted(s) == numbers[s.key]}
    blind = blind if offered is None else set()
    whole = frozenset(key for key, missing in by_series.items() if key in blind or (missing and key not in begun))
    whole = frozenset() if run.node(attempt.node).fetches_listed else whole
    classes = frozenset(attempt.classes.get(i.uid) or i.sop_class for missing in by_series.values() for i in missing)
    if "" in classes and study.status == "found":
        classes = _named_classes(study)
    if blind or "" in classes:
        classes = frozenset()  # nobody knows them all
    if offered is None and study.listed and whole == uids.keys():
        yield whole, Request(study.uid, (), (), classes, study.patient_id)
    elif whole:
        yield whole, Request(study.uid, tuple(sorted(uids[k] for k in whole)), (), classes, study.patient_id)
    for key in sorted(by_series.keys() - whole):
        if missing := by_series[key]:
            wanted = tuple(i.uid for i in missing)
            yield frozenset([key]), Request(study.uid, (uids[key],), wanted, classes, study.patient_id)
