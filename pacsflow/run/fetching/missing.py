"""What a node is asked for of a study: the list of its instances, then those that are missing.

The list is a C-FIND at IMAGE level per wanted series (PS3.4 C.6.2.1, or its like of the web). It may be a part: at a
limit of results, or where the node stores late. Such series are `uncertain` in the Attempt, and completeness then needs
another proof than the list. Under `fetch.proof: count` series that the node counts are fetched before they are listed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Request
from pacsflow.dicom.dimse.sop_classes import believable
from pacsflow.dicom.status import SUCCESS
from pacsflow.errors import BrokenError, PacsError, PacsflowError, PausedError
from pacsflow.ledger import studies
from pacsflow.ledger.studies import Instance, Planned, Series, Study
from pacsflow.query.ceiling import ROUND
from pacsflow.run.fetching.completeness import AWAY, Attempt, announced_images, uncounted
from pacsflow.run.fetching.other_patient import left_alone
from pacsflow.run.fetching.requests import Missing
from pacsflow.run.fetching.single_instances import singled_out, unlisted
from pacsflow.run.session import Session
from pacsflow.whole_numbers import whole_number

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
    for plan in run.remaining.plans():
        home = plan.node if plan.node in names else ""
        if home == node or (home in before and not plan.complete):
            todo.append(plan)
    return todo


def guest(run: Session, study: Study, node: str) -> bool:
    """Whether a node is another than the one the study comes from."""
    return run.node(node) != run.node(study.node)


def by_count(run: Session, study: Study, attempt: Attempt) -> set[str]:
    """Keys of the series that are fetched before they are listed, as `fetch.proof: count` says.

    Only those that the node counts, and of which nothing is known yet. One that knows single images only has to list.
    """
    node = run.node(attempt.node)
    if node.fetch.proof != "count" or node.fetches_listed or study.status != "found" or guest(run, study, attempt.node):
        return set()
    known = {one.series_key for one in studies.instances(run.ledger, study.key)}
    return {series.key for series in study.wanted if announced_images(series)} - known - singled_out(study)


def unproven(run: Session, study: Study, attempt: Attempt, unlisted: set[str]) -> set[str]:
    """Which of the series that were not listed have to be: all but those that came in the number the node counts.

    Where a retrieval did not end in success, or brought what was not asked for, each of them.
    """
    outcomes = [outcome for _, outcome in attempt.answers]
    if attempt.strangers or not all(one.status == SUCCESS and not one.failed for one in outcomes):
        return unlisted
    known = Counter(one.series_key for one in studies.instances(run.ledger, study.key))
    return {
        series.key
        for series in study.wanted
        if series.key in unlisted and announced_images(series) != known[series.key]
    }


def expect(
    run: Session, lane: Lane, study: Study, attempt: Attempt, but: AbstractSet[str] = frozenset()
) -> list[Instance]:
    """Ask `attempt.node` for the UIDs of all instances (C-FIND, IMAGE level): those listed, written down.

    `but`: keys of series that are not asked for: they count as lists of nothing.

    Changes `attempt`: `listed` (number by series), `uncertain` (series whose list may be a part, and those of a study
    that was found incomplete although nothing listed is missing), `offline`, `classes`. Raises PacsError where the node
    does not answer.
    """
    found: list[Instance] = []
    told = _told(run, study, attempt.node)
    nowhere: Counter[str] = Counter()
    for series in (one for one in study.wanted if one.key not in but):
        keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
        answers = listed(run, lane, {**told, **keys}, attempt.node)
        if series.only is None and (answers is None or _doubtful(run, attempt.node, series, len(answers))):
            attempt.uncertain.add(series.key)
        mine = [a for a in answers or () if a.get("SOPInstanceUID") and same(keys, a) and _wanted(series, a)]
        nowhere.update(_nowhere(series, mine))
        found += [Instance(series.key, str(a.SOPInstanceUID), str(a.get("SOPClassUID") or "")) for a in mine]
        found += unlisted(series, {str(a.SOPInstanceUID) for a in mine})
        availability = {str(a.SOPInstanceUID): str(a.get("InstanceAvailability")) for a in mine}
        attempt.offline |= {uid: word for uid, word in availability.items() if word in AWAY}
    strewn = {uid for uid, number in nowhere.items() if number > 1} | echoed(study.wanted, found)
    attempt.uncertain |= {i.series_key for i in found if i.uid in strewn}
    found = list({(i.series_key, i.uid): i for i in found if i.uid not in strewn}.values())
    attempt.classes = {i.uid: i.sop_class for i in found}
    studies.expect(run.ledger, study, found)
    if study.status == "incomplete" and not studies.instances(run.ledger, study.key, "expected"):
        attempt.uncertain |= uncounted(study)
    known = studies.instances(run.ledger, study.key) if guest(run, study, attempt.node) else found
    attempt.listed = dict(Counter(i.series_key for i in known))
    return found


def _wanted(series: Series, answer: Dataset) -> bool:
    return series.only is None or str(answer.SOPInstanceUID) in series.only


def recounted(run: Session, lane: Lane, study: Study, node: str) -> Study:
    """The study, where its node counts more images in a series than it lists, with what it counts there now.

    A count that was asked for earlier may date from before images came or went. Raises PacsError.
    """
    known = Counter(i.series_key for i in studies.instances(run.ledger, study.key))
    short = [s for s in study.wanted if known[s.key] < (announced_images(s) or 0)]
    if not short or guest(run, study, node):
        return study
    for series in short:
        keys = {"StudyInstanceUID": study.uid, "SeriesInstanceUID": series.uid}
        run.traffic(node, find=1)
        answers = lane.find("SERIES", {**keys, "NumberOfSeriesRelatedInstances": ""})
        for answer in (a for a in answers if same(keys, a)):
            now = whole_number(str(answer.get("NumberOfSeriesRelatedInstances") or ""))
            if now is not None and now != announced_images(series):
                studies.recount(run.ledger, series, now)
    return studies.study(run.ledger, study.key)


def _doubtful(run: Session, node: str, series: Series, number: int) -> bool:
    """Whether a list of so many images of a series may be a part: at the node's limit, or the longest list so far.

    Where only listed images can be asked for, no retrieval would show it: then a limit is known, or a usual one.
    """
    ceiling = run.lanes_to(node).ceiling
    if announced_images(series) == number:
        ceiling.proved("IMAGE", number)
        return False
    known = ceiling.known("IMAGE", number)
    if not ceiling.reached("IMAGE", number):
        return known
    return known or (number in ROUND if run.node(node).fetches_listed else ceiling.grave("IMAGE", number))


def _nowhere(series: Series, answers: list[Dataset]) -> list[str]:
    """UIDs of answers without a Series Instance UID; twice where they are more than those of this one.

    Such a node may ignore the series that it is asked for: the header of what arrives shows where it belongs.
    """
    silent = [str(a.SOPInstanceUID) for a in answers if not a.get("SeriesInstanceUID")]
    count = announced_images(series)
    return silent * (2 if count is not None and len(answers) > count else 1)


def echoed(wanted: Iterable[Series], found: Iterable[Instance]) -> set[str]:
    """UIDs in the lists of several series, of a node that may give the images of a study for each of its series.

    It does where a list is longer than the series is counted, or, without a count, the same as another's. Else the
    images go by one UID, against PS3.5 9.1, and are expected in each of these series.
    """
    lists: dict[str, set[str]] = {}
    for one in found:
        lists.setdefault(one.series_key, set()).add(one.uid)
    numbers = Counter(uid for uids in lists.values() for uid in uids)
    blind: set[str] = set()
    for series in wanted:
        mine, count = lists.get(series.key, set()), announced_images(series)
        same_list = any(mine == uids for key, uids in lists.items() if key != series.key)
        if len(mine) > count if count is not None else same_list:
            blind |= mine
    return {uid for uid in blind if numbers[uid] > 1}


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


def listed(run: Session, lane: Lane, keys: Mapping[str, str], node: str) -> list[Dataset] | None:
    """The instances of a series as the node lists them; None where it cuts the list, or does not give one."""
    run.traffic(node, find=1)
    try:
        return lane.find("IMAGE", keys)
    except PacsError as error:
        if error.withholds:
            return None
        raise


def same(keys: Mapping[str, str], answer: Dataset) -> bool:
    """Whether an answer is of what was asked for, or does not name it."""
    return all((answer.get(keyword) or value) == value for keyword, value in keys.items())


def requests(run: Session, study: Study, attempt: Attempt, offered: set[str] | None) -> Iterator[Asked]:
    """The fewest requests that ask for what is missing and nothing else: the study, series, or instances.

    A series of which the node counts more than it lists is asked for whole, as an uncertain one that it does not
    count, or of which it counts another number: it is not known what is missing.
    Of a node that the study does not come from, only the instances it has `offered` are asked for; one that
    knows single images only is asked for those it listed.
    """
    wanted = {series.key for series in study.wanted}
    known = [one for one in studies.instances(run.ledger, study.key) if one.series_key in wanted]
    left = left_alone(run.ledger, study, run.project.query.guards.patient_differs_in_images, known)
    missing = Missing(study, left, offered, listed_only=run.node(attempt.node).fetches_listed)
    yield from missing.requests(attempt, _named_classes(study))
