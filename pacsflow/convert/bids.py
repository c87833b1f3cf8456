"""BIDS names: which rule fits a converted file. What no rule fits has none, and a warning says so."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue

from pacsflow.convert.contract import STEM
from pacsflow.projects.patterns import alike
from schemas.bids import PLACEHOLDER, SIDECAR, Bids, Name, Rule

WARNING = "BIDS: "
"""Beginning of all warnings of names."""
_UNWANTED = re.compile(r"[^0-9A-Za-z]+")
_IMAGE = ".nii.gz"
_DIFFUSION = {".bval": "b-values", ".bvec": "directions"}


def bids_names(rules: Bids, dicom: Path, converted: Sequence[Path]) -> tuple[dict[str, Name], list[str]]:
    """What a series' converted images are called, by the stem of the file (`image_e1`), and warnings.

    `dicom`: one file of the series, whose cleaned header is asked beside the sidecar.
    """
    header = dcmread(dicom, stop_before_pixels=True)
    names: dict[str, Name] = {}
    warnings = []
    for image in sorted(path for path in converted if path.name.endswith(_IMAGE)):
        stem = image.name.removesuffix(_IMAGE)
        facts = _Facts(header, image.with_name(f"{stem}.json"), stem.removeprefix(STEM))
        name, wrong = _name(rules, facts)
        if name and (name.datatype, name.suffix) == ("dwi", "dwi") and (lacking := _lacking(image.with_name(stem))):
            name, wrong = None, f"no {lacking}"
        names |= {stem: name} if name else {}
        warnings += [f"{WARNING}left out, {wrong} ({_called(stem)})"] if wrong else []
    shared = Counter(map(_key, names.values()))
    for stem in [stem for stem, name in names.items() if shared[_key(name)] > 1]:
        del names[stem]
        warnings.append(
            f"{WARNING}left out, another file of the series has its name: tell them apart ({_called(stem)})"
        )
    return names, warnings


def _lacking(stem: Path) -> str:
    """What BIDS demands beside a diffusion-weighted image and is not there; empty where all is."""
    return next((what for ending, what in _DIFFUSION.items() if not stem.with_name(stem.name + ending).exists()), "")


class _Facts:
    """What may be asked of a converted file: its sidecar, then the header of its series."""

    def __init__(self, header: Dataset, sidecar: Path, end: str) -> None:
        told: Mapping[str, Any] = json.loads(sidecar.read_text("utf-8")) if sidecar.exists() else {}
        self._header, self._told = header, {**told, "Converted": end}

    def texts(self, keyword: str) -> list[str]:
        """The values of a keyword, trimmed; none where it is not there."""
        found = self._told.get(keyword)
        if found is None:
            with suppress(Exception):  # what is spoilt is not there
                found = self._header.get(keyword)
        values = found if isinstance(found, MultiValue | list) else [found]
        return [str(value).strip() for value in values if value is not None]


def _name(rules: Bids, facts: _Facts) -> tuple[Name | None, str]:
    """The name that the first fitting rule gives, or why there is none; nothing of both where it is left out."""
    rule = next((rule for rule in rules.rules if _fits(rule, facts)), None)
    if rule is None:
        asked = dict.fromkeys(keyword for rule in rules.rules for keyword in rule.when)
        lacking = [keyword for keyword in asked if keyword not in SIDECAR and not any(facts.texts(keyword))]
        return None, "no rule fits" + (f", and it has no {', '.join(lacking)}" if lacking else "")
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


def _fits(rule: Rule, facts: _Facts) -> bool:
    return all(
        any(alike(str(pattern), text) for pattern in (value if isinstance(value, list) else [value]) for text in texts)
        for keyword, value in rule.when.items()
        for texts in [facts.texts(keyword)]
    )


def _filled(value: str, facts: _Facts) -> str:
    """A label with its placeholders replaced; empty where a value is not there."""
    found = {keyword: _UNWANTED.sub("", "".join(facts.texts(keyword))) for keyword in PLACEHOLDER.findall(value)}
    return "" if "" in found.values() else PLACEHOLDER.sub(lambda match: found[match[1]], value)


def _key(name: Name) -> tuple[str, ...]:
    return (name.datatype, name.suffix, *(f"{entity}-{value}" for entity, value in sorted(name.entities.items())))


def _called(stem: str) -> str:
    return f"file {stem}"
