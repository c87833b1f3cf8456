"""What series would be called in a BIDS dataset, and why, before anything is converted."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pydicom import Dataset

from pacsflow.attributes import tag_for_keyword
from pacsflow.convert import bids
from pacsflow.convert.bids_facts import Answers, answers
from pacsflow.export import SeriesFiles, StudyFolder
from pacsflow.export.bids_names import images_of
from pacsflow.export.series import header_of
from pacsflow.ledger import Ledger, naming, studies
from pacsflow.projects import Project
from pacsflow.run.conversion_rules import rules_for
from schemas.bids import PLACEHOLDER, Bids, Name, Rule

_FILE = "image"
NO_RULE = "no rule fits: left out, with a warning"
NO_RULES = "no rules for this modality"


@dataclass(frozen=True)
class PreviewedSeries:
    """One series: `study` and `number` as reports call them; `called`: its path in the session, '' for none; why."""

    study: str
    number: str
    modality: str
    called: str
    why: str
    left_out: bool = False
    depends: bool = False
    """Whether conversion decides between several rules."""


def of_tree(found: Sequence[StudyFolder], rules: Bids) -> Iterator[PreviewedSeries]:
    """The series of a folder tree."""
    for number, study in enumerate(found, 1):
        facts = [(one, _foreseen(rules, _header(one, rules), None)) for one in study.series]
        yield from _previewed(str(number), facts)


def of_project(project: Project, ledger: Ledger) -> Iterator[PreviewedSeries]:
    """The series that a project's rows want, by what the node told of them and what their originals answered."""
    for plan in studies.planned(ledger):
        study = studies.study(ledger, plan.key)
        said = naming.answered(ledger, plan.key)
        facts = []
        for position, series in enumerate(study.wanted):
            told = series.attributes
            stub = SeriesFiles("P", "1", str(position), "", "", told.get("Modality", ""), _number(told), "", ())
            rules = rules_for(project, series)
            known = said[series.key].answers if series.key in said else None
            facts.append((stub, _foreseen(rules, _listed(told), known) if rules else None))
        yield from _previewed(plan.key, facts)


Foreseen = list[tuple[int, Rule, Name | None]]


def _foreseen(rules: Bids, header: Dataset, known: Answers | None) -> Foreseen:
    """By the answers of the original where it gave some, else by the header."""
    said = {**answers(rules, header), **(known or {})}
    return bids.foreseen(rules, header, bids.Original(said, {}))


def _previewed(study: str, facts: Sequence[tuple[SeriesFiles, Foreseen | None]]) -> Iterator[PreviewedSeries]:
    named = [replace(one, bids=_names(found or [])) for one, found in facts]
    places = {image.series.series_uid: image.place.replace("s_", "", 1) for image in images_of(named, "s")}
    for one, found in facts:
        called = places.get(one.series_uid, "")
        number = str(one.series_number or "")
        known = found or []
        left_out = found is None or (len(known) == 1 and known[0][1].leave_out)
        depends = len(known) > 1 or any(name is None and not rule.leave_out for _, rule, name in known)
        yield PreviewedSeries(study, number, one.modality, called, _why(found), left_out, depends)


def _names(found: Foreseen) -> dict[str, Name]:
    """The name where one rule alone may give it; several are told in words."""
    if len(found) != 1 or found[0][2] is None:
        return {}
    entities = {key: value for key, value in found[0][2].entities.items() if key != "run"}
    return {_FILE: found[0][2].model_copy(update={"entities": entities})}


def _why(found: Foreseen | None) -> str:
    if found is None:
        return NO_RULES
    if not found:
        return NO_RULE
    return "; or ".join(_told(number, rule, alone=len(found) == 1) for number, rule, _ in found)


def _told(number: int, rule: Rule, *, alone: bool) -> str:
    asked = ", ".join(rule.when)
    name = "left out" if rule.leave_out else f"{rule.datatype}/{rule.suffix}"
    return f"rule {number} ({asked})" + ("" if alone and not rule.leave_out else f": {name}")


def _header(one: SeriesFiles, rules: Bids) -> Dataset:
    asked = {*(keyword for rule in rules.rules for keyword in rule.when), *_labels(rules)}
    known = sorted(keyword for keyword in asked if tag_for_keyword(keyword) is not None)
    return header_of(one.dicom[0][1], ["SpecificCharacterSet", *known])


def _labels(rules: Bids) -> set[str]:
    values = (str(value) for rule in rules.rules for value in rule.entities.values())
    return {keyword for value in values for keyword in PLACEHOLDER.findall(value)}


def _listed(told: Mapping[str, str]) -> Dataset:
    """What a node told of a series, as a header; what is not a value of its element is left out."""
    header = Dataset()
    for keyword, text in told.items():
        with warnings.catch_warnings(), suppress(Exception):
            warnings.simplefilter("ignore")  # values in them may be anybody's
            if tag_for_keyword(keyword) is not None and text:
                setattr(header, keyword, text.split("\\") if "\\" in text else text)
    return header


def _number(told: Mapping[str, str]) -> int:
    text = told.get("SeriesNumber", "").strip()
    return int(text) if text.isdecimal() else 0
