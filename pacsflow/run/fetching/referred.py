"""`references: fetch`: series that an object about others refers to are wanted too: what a report or plan was made of.

They are known by their new UIDs, as the cleaned object names them: those of the patient's series, which the node lists,
are made new for the comparison. So nothing that identifies is kept of the object itself. Some objects name instances
and no series, as plans do their structure set: those are looked for in series of the kind that their class says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pacsflow.convert.masks.references import References, references_in
from pacsflow.ledger import rows, studies
from pacsflow.ledger.book import agreed
from pacsflow.ledger.rows import FoundSeries, Hit
from pacsflow.ledger.studies import Series, Study
from pacsflow.projects.elsewhere import third_party
from pacsflow.query.row import Row
from pacsflow.run.barring import barred_study
from pacsflow.run.fetching.kinds_of_objects import FOLLOWED, modality_of
from pacsflow.run.fetching.missing import listed, same
from pacsflow.run.search import Search
from pacsflow.run.session import Session
from pacsflow.wording import counted
from schemas.query import Query

MOST_LISTS = 200
"""Of so many series the instances are listed for one study, as objects in it name no series."""
_WILD = set("*?\\")


@dataclass(frozen=True)
class Referred:
    """`more`: whether further series of the study itself are wanted now; `missing`: what is not there, in words."""

    more: bool = False
    missing: str = ""


@dataclass
class Following:
    """What following the objects of one study has asked so far; UIDs are the new ones.

    `hits`: the studies of its patient, None before they were asked for. `instances`: UIDs of a series and its study
    -> UIDs of the instances that the node lists in it.
    """

    run: Session
    hits: list[Hit] | None = None
    instances: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def follow(self, study: Study) -> Referred:
        """Have the rows want what the objects of a complete study refer to, in this study and others of the patient.

        Studies that are wanted by this alone are noted in `run.referred`. Raises PacsError.
        """
        run = self.run
        if run.project.query.references == "ignore" or third_party(run.node(study.node)):
            return Referred()
        told = _told(run, study)
        here = {run.cleaner.uid(one.uid) for one in study.wanted}
        named = {key: set(one.series) - here for key, one in told.items()}
        alone = _alone(run, study, told)
        self._look(study, [_known(study)], named, alone)
        if any(named.values()) or any(alone.values()):
            if self.hits is None:
                self.hits = _patients(run, study)
            self._look(study, self.hits, named, alone)
        now = {one.key for one in studies.study(run.ledger, study.key).wanted}
        missing = "; ".join(_missing(study, named, alone))
        return Referred(now != {one.key for one in study.wanted}, missing)

    def _look(
        self, study: Study, hits: list[Hit], named: dict[str, set[str]], alone: dict[str, dict[str, str]]
    ) -> None:
        """Have rows want the series of `hits` that are referred to, and take them out of what is looked for."""
        for hit in hits:
            there = {self.run.cleaner.uid(one.uid): one for one in hit.series}
            wanted: dict[str, set[str]] = {}
            for key, uids in named.items():
                for uid in uids & there.keys():
                    wanted.setdefault(uid, set()).add(key)
            for uid, series in there.items():
                for key, left in alone.items():
                    if found := self._instances(study, hit, series, left):
                        wanted.setdefault(uid, set()).add(key)
                        alone[key] = {one: told for one, told in left.items() if one not in found}
            if wanted:
                _want(self.run, study, replace(hit, listed=False), {uid: there[uid] for uid in wanted}, wanted)
            for uids in named.values():
                uids.difference_update(wanted)

    def _instances(self, study: Study, hit: Hit, series: FoundSeries, left: Mapping[str, str]) -> set[str]:
        """Which of the instances that are looked for are in a series of their kind."""
        kinds = {modality_of(told) for told in left.values()}
        modality = series.attributes.get("Modality", "")
        if not left or not (modality in kinds or "" in kinds or not modality):
            return set()
        place = (hit.study_uid, series.uid)
        if place not in self.instances:
            if len(self.instances) >= MOST_LISTS:
                return set()
            self.instances[place] = self._listed(study, *place)
        return left.keys() & self.instances[place]

    def _listed(self, study: Study, study_uid: str, series_uid: str) -> frozenset[str]:
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        with self.run.lanes_to(study.node).borrow() as lane:
            answers = listed(self.run, lane, {"SOPInstanceUID": "", **keys}, study.node) or []
        found = (str(one.get("SOPInstanceUID") or "") for one in answers if same(keys, one))
        return frozenset(self.run.cleaner.uid(uid) for uid in found if uid)


def look_again(run: Session) -> None:
    """Have studies looked at once more that were complete before such objects were followed in this project."""
    if run.project.query.references == "fetch" and agreed(run.ledger, "followed", run.owner) == run.owner:
        studies.look_again_of(run.ledger, FOLLOWED)


def _told(run: Session, study: Study) -> dict[str, References]:
    """Key of each series of such objects -> the new UIDs of what they refer to."""
    files: dict[str, list[str]] = {}
    for instance in studies.instances(run.ledger, study.key, "held"):
        if instance.sop_class.startswith(FOLLOWED):
            files.setdefault(instance.series_key, []).append(instance.path)
    return {key: references_in(run.staging / path for path in paths) for key, paths in files.items()}


def _alone(run: Session, study: Study, told: Mapping[str, References]) -> dict[str, dict[str, str]]:
    """Key of a series -> the instances it names without their series, of other studies: UID -> class."""
    if not any(one.alone for one in told.values()):
        return {}
    known = studies.instances(run.ledger, study.key)
    here = {Path(one.path).stem if one.path else run.cleaner.uid(one.uid) for one in known}
    return {key: {uid: kind for uid, kind in one.alone.items() if uid not in here} for key, one in told.items()}


def _want(
    run: Session, study: Study, hit: Hit, series: Mapping[str, FoundSeries], wanted: Mapping[str, set[str]]
) -> None:
    """Have the rows that want the referring series want these of a study, which gets a turn where that is news."""
    referring = sorted({key for keys in wanted.values() for key in keys})
    key = run.ledger.digest("study", hit.study_uid)
    before = studies.wanted(run.ledger, key)
    only = tuple(replace(series[uid], wanted=True, reason="") for uid in sorted(series))
    rows.want_too(run.ledger, referring, replace(hit, series=only), study.node)
    if key != study.key and studies.wanted(run.ledger, key) != before:
        run.another_turn(key)


def _known(study: Study) -> Hit:
    """What the ledger knows of the study already."""
    found = tuple(FoundSeries(one.uid, one.attributes, one.expected) for one in study.series if not one.wanted)
    return Hit(study.uid, study.patient_id, study.attributes, found)


def _patients(run: Session, study: Study) -> list[Hit]:
    """What the node has of the patient of a study: all studies with all series; of nobody known, the study alone."""
    patient = study.patient_id.strip()
    keys = {"PatientID": patient} if patient and not _WILD & set(patient) else {"StudyInstanceUID": study.uid}
    row = Row(1, "", keys, {}, ("", 0), {})
    lanes = run.lanes_to(study.node)
    with lanes.borrow() as lane:
        asked = partial(run.traffic, study.node, find=1)
        barred = partial(barred_study, run.ledger, run.exclusions)
        search = Search(lane, row, Query(), ceiling=lanes.ceiling, asked=asked, barred=barred)
        hits = search.finding().hits
    return [hit for hit in hits if hit.patient_id.strip() == patient or hit.study_uid == study.uid]


def _missing(study: Study, named: Mapping[str, set[str]], alone: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Which objects refer to what is not there, and to how much."""
    for one in study.wanted:
        if lacks := len(named.get(one.key, ())):
            yield f"{_called(one)} refers to {lacks} series that the node does not have"
        if lost := len(alone.get(one.key, ())):
            yield f"{_called(one)} refers to {counted(lost, 'object')} that the node does not list"


def _called(series: Series) -> str:
    number = series.attributes.get("SeriesNumber", "").strip()
    return f"{series.attributes.get('Modality') or 'an object'}{f' of series {number}' if number.isdecimal() else ''}"
