"""BIDS names: which rule fits a converted file. What no rule fits has none, and a warning says so."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import Dataset, dcmread

from pacsflow.convert.bids_demands import asl_context, lacking, tracer_facts
from pacsflow.convert.bids_facts import Answers, SeriesFacts, fits, sure
from pacsflow.convert.contract import STEM
from pacsflow.wording import counted
from schemas.bids import LEFT_OUT, NEWER, PLACEHOLDER, Bids, Name, Rule

_UNWANTED = re.compile(r"[^0-9A-Za-z]+")
_IMAGE = ".nii.gz"
_DIFFUSION = {".bval": "b-values", ".bvec": "directions"}


@dataclass(frozen=True)
class Original:
    """What is known of a series before it was cleaned: `answers` to the rules, and what the node `listed` of it."""

    answers: Answers
    listed: Mapping[str, str]


def bids_names(
    rules: Bids, dicom: Path, converted: Sequence[Path], original: Original | None = None
) -> tuple[dict[str, Name], list[str]]:
    """What a series' converted images are called, by the stem of the file (`image_e1`), and warnings.

    `dicom`: one file of the series, whose header is asked beside the sidecar. `original`: None where that header is
    the original's.
    """
    header = dcmread(dicom, stop_before_pixels=True)
    names: dict[str, Name] = {}
    warnings = []
    for image in sorted(path for path in converted if path.name.endswith(_IMAGE)):
        stem = image.name.removesuffix(_IMAGE)
        sidecar, end = image.with_name(f"{stem}.json"), stem.removeprefix(STEM)
        facts = SeriesFacts(header, *_of(original), listed=_listed(original), sidecar=sidecar, end=end)
        name, wrong = _name(rules, facts)
        if name:
            name, wrong = _whole(name, rules, facts, header, image.with_name(stem))
        names |= {stem: name} if name else {}
        warnings += [f"{LEFT_OUT}, {wrong} ({_called(stem)})"] if wrong else []
        if facts.doubtful:
            asked = ", ".join(sorted(facts.doubtful))
            warnings.append(f"{NEWER}, so {asked} was asked of its cleaned header")
    shared = Counter(map(_key, names.values()))
    for stem in [stem for stem, name in names.items() if shared[_key(name)] > 1]:
        del names[stem]
        warnings.append(f"{LEFT_OUT}, another file of the series has its name: tell them apart ({_called(stem)})")
    return names, list(dict.fromkeys(warnings))


def foreseen(rules: Bids, header: Dataset, original: Original | None = None) -> list[tuple[int, Rule, Name | None]]:
    """The rules that may fit a series, before it is converted: the first that does, and those before that might.

    Each with its number from 1, and the name that it would give as far as it is known.
    """
    facts = SeriesFacts(header, *_of(original), listed=_listed(original))
    found = []
    for number, rule in enumerate(rules.rules, 1):
        fit = fits(rule, facts)
        if fit is not False:
            found.append((number, rule, _named(rule, facts)[0]))
        if fit:
            break
    return found


def is_left_out(rules: Bids, dicom: Path, original: Original | None = None) -> bool:
    """Whether a rule leaves a series out whatever its conversion gives, so that it need not be converted."""
    found = foreseen(rules, dcmread(dicom, stop_before_pixels=True), original)
    return len(found) == 1 and found[0][1].leave_out and all(map(sure, found[0][1].when))


def _of(original: Original | None) -> tuple[Answers | None]:
    return (original.answers if original else None,)


def _listed(original: Original | None) -> Mapping[str, str]:
    return original.listed if original else {}


def _whole(name: Name, rules: Bids, facts: SeriesFacts, header: Dataset, stem: Path) -> tuple[Name | None, str]:
    """The name with what headers tell of a tracer or a label; none where BIDS demands what nothing says."""
    if (name.datatype, name.suffix) == ("dwi", "dwi") and (what := _lacking(stem)):
        return None, f"no {what}"
    told, volumes = facts.sidecar, facts.volumes
    if name.datatype == "pet":
        known = tracer_facts(header, told, volumes)
        name = name.model_copy(update={"sidecar": {**known, **name.sidecar}})
    if (name.datatype, name.suffix) == ("perf", "asl"):
        kinds = asl_context(_first(rules, facts), volumes)
        if kinds is None:
            return None, f"`asl_context` does not say the kinds of its {counted(volumes, 'volume')}"
        pairs = {"TotalAcquiredPairs": kinds.count("label")} if "label" in kinds else {}
        name = name.model_copy(update={"sidecar": {**pairs, **name.sidecar}, "asl_context": kinds})
    if missing := lacking(name.datatype, name.suffix, {**told, **name.sidecar}):
        return None, f"its sidecar lacks {', '.join(missing)}: put them under `sidecar` of the rule"
    return name, ""


def _lacking(stem: Path) -> str:
    """What BIDS demands beside a diffusion-weighted image and is not there; empty where all is."""
    return next((what for ending, what in _DIFFUSION.items() if not stem.with_name(stem.name + ending).exists()), "")


def _name(rules: Bids, facts: SeriesFacts) -> tuple[Name | None, str]:
    """The name that the first fitting rule gives, or why there is none; nothing of both where it is left out."""
    rule = next((rule for rule in rules.rules if fits(rule, facts)), None)
    if rule is None:
        asked = dict.fromkeys(keyword for rule in rules.rules for keyword in rule.when)
        lacking = [keyword for keyword in asked if facts.lacks(keyword)]
        return None, "no rule fits" + (f", and it has no {', '.join(lacking)}" if lacking else "")
    return _named(rule, facts)


def _first(rules: Bids, facts: SeriesFacts) -> Rule:
    """The rule that gave a name."""
    return next(rule for rule in rules.rules if fits(rule, facts))


def _named(rule: Rule, facts: SeriesFacts) -> tuple[Name | None, str]:
    if rule.datatype is None or rule.suffix is None:
        return None, ""
    entities = {entity: _filled(str(value), facts) for entity, value in rule.entities.items()}
    if empty := [entity for entity, value in entities.items() if not value]:
        return None, f"no value for {', '.join(empty)}"
    known = {"TaskName": entities["task"]} if "task" in entities else {}
    name = Name(
        datatype=rule.datatype,
        suffix=rule.suffix,
        entities=entities,
        sidecar={**known, **rule.sidecar},
        intended_for=rule.intended_for,
    )
    return name, ""


def _filled(value: str, facts: SeriesFacts) -> str:
    """A label with its placeholders replaced; empty where a value is not there."""
    found = {keyword: _UNWANTED.sub("", "".join(facts.texts(keyword))) for keyword in PLACEHOLDER.findall(value)}
    return "" if "" in found.values() else PLACEHOLDER.sub(lambda match: found[match[1]], value)


def _key(name: Name) -> tuple[str, ...]:
    return (name.datatype, name.suffix, *(f"{entity}-{value}" for entity, value in sorted(name.entities.items())))


def _called(stem: str) -> str:
    return f"file {stem}"
