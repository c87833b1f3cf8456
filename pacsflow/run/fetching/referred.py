"""`references: fetch`: series that a structure set, segmentation or presentation state refers to are wanted too.

They are known by their new UIDs, as the cleaned object names them: those of the patient's series, which the node lists,
are made new for the comparison. So nothing that identifies is kept of the object itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from pacsflow.convert.masks.references import references_in
from pacsflow.ledger import rows, studies
from pacsflow.ledger.book import agreed
from pacsflow.ledger.rows import FoundSeries, Hit
from pacsflow.ledger.studies import Series, Study
from pacsflow.projects.elsewhere import third_party
from pacsflow.query.row import Row
from pacsflow.run.barring import barred_study
from pacsflow.run.search import Search
from pacsflow.run.session import Session
from schemas.query import Query

MODALITIES = frozenset({"RTSTRUCT", "SEG", "PR"})
"""Objects whose references are followed."""
_CLASSES = ("1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.11.")
"""Beginnings of their SOP classes, for nodes that do not tell the modality of a series (PS3.4 B.5)."""
_WILD = set("*?\\")


@dataclass(frozen=True)
class Referred:
    """`more`: whether further series of the study itself are wanted now; `missing`: what is not there, in words."""

    more: bool = False
    missing: str = ""


def follow(run: Session, study: Study) -> Referred:
    """Have the rows want what the objects of a complete study refer to, in this study and in others of the patient.

    Studies that are wanted by this alone are noted in `run.referred`. Raises PacsError.
    """
    if run.project.query.references == "ignore" or third_party(run.node(study.node)):
        return Referred()
    told = _told(run, study)
    here = {run.cleaner.uid(one.uid) for one in study.wanted}
    lacking = {uid for named in told.values() for uid in named} - here
    if not lacking:
        return Referred()
    found = set(_wanted(run, study, told, lacking, [_known(study)]))
    if left := lacking - found:
        found |= set(_wanted(run, study, told, left, _patients(run, study)))
    now = {one.key for one in studies.study(run.ledger, study.key).wanted}
    missing = "; ".join(_missing(study, told, lacking - found))
    return Referred(now != {one.key for one in study.wanted}, missing)


def look_again(run: Session) -> None:
    """Have studies looked at once more that were complete before the project said `references: fetch`."""
    if run.project.query.references == "fetch" and agreed(run.ledger, "references", run.owner) == run.owner:
        studies.look_again_of(run.ledger, MODALITIES)


def _told(run: Session, study: Study) -> dict[str, frozenset[str]]:
    """Key of each series of such objects -> the new UIDs of the series that they refer to."""
    modality = {one.key: one.attributes.get("Modality", "") for one in study.wanted}
    files: dict[str, list[str]] = {}
    for instance in studies.instances(run.ledger, study.key, "held"):
        told = modality.get(instance.series_key)
        if told in MODALITIES or (told == "" and instance.sop_class.startswith(_CLASSES)):
            files.setdefault(instance.series_key, []).append(instance.path)
    return {key: references_in(run.staging / path for path in paths).series for key, paths in files.items()}


def _wanted(
    run: Session, study: Study, told: Mapping[str, frozenset[str]], lacking: set[str], hits: list[Hit]
) -> Iterator[str]:
    """Have rows want the series of `hits` that are referred to; their new UIDs."""
    for hit in hits:
        named = {run.cleaner.uid(one.uid): one for one in hit.series}
        found = lacking & named.keys()
        if not found:
            continue
        referring = [key for key, uids in told.items() if uids & found]
        only = tuple(replace(named[uid], wanted=True, reason="") for uid in sorted(found))
        key = rows.want_too(run.ledger, referring, replace(hit, series=only, listed=False), study.node)
        if key != study.key:
            run.referred.add(key)
        yield from found


def _known(study: Study) -> Hit:
    """What the ledger knows of the study already."""
    found = tuple(FoundSeries(one.uid, one.attributes, one.expected) for one in study.series)
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


def _missing(study: Study, told: Mapping[str, frozenset[str]], missing: set[str]) -> Iterator[str]:
    """Which objects refer to series that are not there, and to how many."""
    for one in study.wanted:
        if lacks := told.get(one.key, frozenset()) & missing:
            yield f"{_called(one)} refers to {len(lacks)} series that the node does not have"


def _called(series: Series) -> str:
    number = series.attributes.get("SeriesNumber", "").strip()
    return f"{series.attributes.get('Modality') or 'an object'}{f' of series {number}' if number.isdecimal() else ''}"
