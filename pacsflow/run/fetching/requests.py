"""The fewest requests that ask for what is missing of a study, and for nothing else: three questions in one place."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from pacsflow.dicom.contract import Request
from pacsflow.ledger.studies import Instance, Study
from pacsflow.run.fetching.completeness import Attempt, announced_images
from pacsflow.run.fetching.single_instances import singled_out


@dataclass(frozen=True)
class Missing:
    """What a study lacks, as the ledger has it after a node was asked for its list.

    `known`: the instances of the wanted series, in whatever status. `offered`: of a node that the study does not come
    from, the UIDs that it lists; None of the node it does come from. `listed_only`: the node knows single images only.

    A study of four wanted series, at its own node, is asked for in two requests:

    | series | counted | listed | held | asked for |
    |--------|---------|--------|------|-----------|
    | A      | 3       | 3      | 0    | whole: nothing of it came yet |
    | B      | 3       | 3      | 2    | its one missing instance, by SOP Instance UID |
    | C      | 3       | 2      | 2    | whole: the UID of the third is not known |
    | D      | 3       | 3      | 3    | not at all |

    The first names A and C (PS3.4 C.4.3, SERIES level), the second the one instance of B (IMAGE level).
    """

    study: Study
    known: Sequence[Instance]
    offered: AbstractSet[str] | None = None
    listed_only: bool = False

    def requests(self, attempt: Attempt, named: frozenset[str]) -> Iterator[tuple[frozenset[str], Request]]:
        """Keys of the series that a request is about, and the request. `named`: classes the node names in the study."""
        study, single = self.study, self.single_instances()
        whole, classes = self.whole_series(attempt), self.sop_classes(attempt, named)
        uids = {series.key: series.uid for series in study.series}
        if self.offered is None and study.listed and whole == uids.keys():
            yield whole, Request(study.uid, (), (), classes, study.patient_id)
        elif whole:
            yield whole, Request(study.uid, tuple(sorted(uids[key] for key in whole)), (), classes, study.patient_id)
        for key in sorted(single.keys() - whole):
            wanted = tuple(instance.uid for instance in single[key])
            yield frozenset([key]), Request(study.uid, (uids[key],), wanted, classes, study.patient_id)

    def single_instances(self) -> dict[str, list[Instance]]:
        """Which instances are missing by name: key of a series -> what is expected of it (and offered)."""
        found: dict[str, list[Instance]] = {}
        for one in self.known:
            if one.status == "expected" and (self.offered is None or one.uid in self.offered):
                found.setdefault(one.series_key, []).append(one)
        return found

    def whole_series(self, attempt: Attempt) -> frozenset[str]:
        """Which series are asked for whole: those of which nothing came, and those whose list may be a part.

        A series of which single instances are wanted is never asked for whole.
        """
        if self.listed_only:
            return frozenset()
        begun = {one.series_key for one in self.known if one.status != "expected"}
        wanted = {series.key for series in self.study.wanted}
        whole = (self.single_instances().keys() - begun) | (self.unlisted(attempt) & wanted)
        return frozenset(whole - singled_out(self.study))

    def unlisted(self, attempt: Attempt) -> frozenset[str]:
        """The series of which it is not known what is missing: more is counted than listed, or the list is uncertain.

        An uncertain list is believed where the node counts the very number. A node that the study does not come from
        is asked for what it lists alone.
        """
        if self.offered is not None:
            return frozenset()
        numbers = Counter(one.series_key for one in self.known)
        short = {series.key for series in self.study.wanted if (series.expected or 0) > numbers[series.key]}
        sure = {series.key for series in self.study.wanted if announced_images(series) == numbers[series.key]}
        return frozenset(short | (attempt.uncertain - sure))

    def sop_classes(self, attempt: Attempt, named: frozenset[str]) -> frozenset[str]:
        """Which SOP classes the missing instances are of; empty where not all are known."""
        if self.unlisted(attempt):
            return frozenset()
        missing = (one for each in self.single_instances().values() for one in each)
        classes = frozenset(attempt.classes.get(one.uid) or one.sop_class for one in missing)
        if "" in classes and self.study.status == "found":
            classes = named
        return frozenset() if "" in classes else classes
