"""Which instances of a selected study are to come: as its node lists and counts them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom import Dataset

from pacsflow.dicom.contract import Lane, Request
from pacsflow.library.questions import uid_row
from pacsflow.library.selection import SelectedStudy
from pacsflow.library.sources import PacsSource
from pacsflow.query.row import Row
from pacsflow.run.answer_fields import text
from pacsflow.run.search import Search


@dataclass
class ExpectedStudy:
    """What is to come of a study. `series`: UID -> the instances expected in it (SOP Instance UID -> SOP class).

    `whole`: series that are wanted whole: an instance of one of them is taken although it was not listed. `counted`:
    series -> the number the node counts in it. `doubts`: the guard, and why lists may be a part. `came`, `refused`:
    SOP Instance UIDs; what was refused with its reason.
    """

    uid: str
    patient_id: str = ""
    series: dict[str, dict[str, str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    counted: dict[str, int] = field(default_factory=dict)
    doubts: set[tuple[str, str]] = field(default_factory=set)
    came: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    strangers: Counter[str] = field(default_factory=Counter)
    asked_whole: bool = False

    @property
    def expected(self) -> set[str]:
        """SOP Instance UIDs of all that is to come."""
        return {uid for instances in self.series.values() for uid in instances}

    @property
    def missing(self) -> set[str]:
        """Those of them that neither came nor were refused."""
        return self.expected - self.came - self.refused.keys()

    @property
    def unlisted(self) -> int:
        """How many more instances the node counts in series that are wanted whole than it listed and sent."""
        return sum(max(0, self.counted.get(uid, 0) - len(self.series[uid])) for uid in self.whole)

    def requests(self) -> Iterator[Request]:
        """What is asked for now: whole series at first, where they are wanted whole; then what is missing of each."""
        fresh = set() if self.asked_whole else self.whole
        self.asked_whole = True
        if fresh:
            yield Request(self.uid, tuple(sorted(fresh)), (), self._classes(fresh), self.patient_id)
        missing = self.missing
        for series in sorted(self.series.keys() - fresh):
            if wanted := tuple(uid for uid in self.series[series] if uid in missing):
                yield Request(self.uid, (series,), wanted, self._classes([series]), self.patient_id)

    def _classes(self, series: "set[str] | list[str]") -> frozenset[str]:
        """The SOP classes in some series; empty where they are not all known."""
        classes = {sop_class for uid in series for sop_class in self.series[uid].values()}
        short = any(self.counted.get(uid, 0) > len(self.series[uid]) for uid in series)
        return frozenset() if "" in classes or short else frozenset(classes)


def expected_of(selection: SelectedStudy, source: PacsSource, lane: Lane, node: str) -> ExpectedStudy | None:
    """What is to come of a selected study, as a node lists it; None where the node has no such study."""
    found = ExpectedStudy(selection.uid)
    answer = selection.answer.dataset if selection.answer else None
    if answer is None:
        search = source.search(lane, uid_row(StudyInstanceUID=selection.uid), node)
        answer = next(iter(search.studies()), None)
        found.doubts |= search.doubts
    if answer is None or source.barred(answer):
        return None
    found.patient_id = text(answer, "PatientID").strip()
    for series in _series(selection, source, lane, (answer, node, found)):
        _list(found, series, source.search(lane, Row(1, "", {}, {}, ("", 0), {}), node))
    for uid, instances in selection.series.items():
        if instances is not None and not selection.whole:
            found.series[uid] = {one: _class_of(selection, uid, one) for one in sorted(instances)}
    return found


def _series(
    selection: SelectedStudy, source: PacsSource, lane: Lane, of: tuple[Dataset, str, ExpectedStudy]
) -> list[Dataset]:
    """The answers for the series that are wanted whole."""
    answer, node, found = of
    if selection.whole and selection.answer and selection.answer.found is not None:
        return [series.dataset for series in selection.answer.found]
    wanted = {uid for uid, instances in selection.series.items() if instances is None}
    if not selection.whole and not wanted:
        return []
    known = {uid: one.dataset for uid, one in selection.series_answers.items() if uid in wanted}
    if not selection.whole and known.keys() == wanted:
        return list(known.values())
    keys = {"StudyInstanceUID": selection.uid}
    row = uid_row(**keys) if selection.whole else uid_row(**keys, SeriesInstanceUID="\\".join(sorted(wanted)))
    search = source.search(lane, row, node)
    answers = search.series_of(answer)
    found.doubts |= search.doubts
    lacking = 0 if selection.whole else len(wanted - {str(one.SeriesInstanceUID) for one in answers})
    if lacking:
        found.doubts.add(("", f"the node does not have {lacking} of the series that were named"))
    return answers


def _list(found: ExpectedStudy, series: Dataset, search: Search) -> None:
    """Add a series that is wanted whole, with what the node lists and counts in it."""
    uid, counted = str(series.SeriesInstanceUID), text(series, "NumberOfSeriesRelatedInstances").strip()
    answers = search.images_of(found.uid, series)
    found.series[uid] = {str(one.SOPInstanceUID): text(one, "SOPClassUID") for one in answers}
    found.whole.add(uid)
    if counted.isdigit():
        found.counted[uid] = int(counted)
    found.doubts |= {doubt for doubt in search.doubts if doubt[0] != "fewer_images_than_counted"}


def _class_of(selection: SelectedStudy, series: str, instance: str) -> str:
    """The SOP class of an instance that was found; '' where only its UID is known."""
    answer = selection.series_answers.get(series)
    known = (one for one in (answer.found if answer and answer.found else ()) if one.uid == instance)
    return next((text(one.dataset, "SOPClassUID") for one in known), "")
