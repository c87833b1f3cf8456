"""What the rules for BIDS names ask of a series: its original attributes, its cleaned header, a converter's sidecar.

Of an original only answers are kept: which condition of the rules fits it, never a value (see `answers`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import nibabel as nib
from pydicom import Dataset
from pydicom.multival import MultiValue

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.projects.patterns import alike
from schemas.bids import SIDECAR, Bids, Rule

Answers = Mapping[str, str]
"""Digest of a condition -> YES, NO, or NOTHING where the original has no such value."""
YES, NO, NOTHING = "1", "0", "-"
_TEXTS = frozenset({"LO", "LT", "SH", "ST", "UC", "UT"})
_PERSONAL = frozenset({"PN", "UI", "DA", "TM", "DT"})
_PATIENT = 0x0010
_NUMBERS = frozenset({"AccessionNumber", "StudyID"})
_ONE_OF_A_SERIES = frozenset({"Modality", "Manufacturer", "ManufacturerModelName"})
"""Values that all instances of a series share, and the converter does not change."""


def asked_of_originals(keyword: str) -> bool:
    """Whether a rule's condition is put to the original: not where the value is a person's, a date or a UID."""
    tag = tag_for_keyword(keyword)
    if keyword in SIDECAR or tag is None or keyword in _NUMBERS:
        return False
    return tag >> 16 != _PATIENT and vr_of_tag(tag) not in _PERSONAL


def conditions(rules: Bids) -> Iterator[tuple[str, Any]]:
    """The conditions of rules that originals are asked: keyword and pattern, or patterns."""
    for rule in rules.rules:
        yield from ((keyword, value) for keyword, value in rule.when.items() if asked_of_originals(keyword))


def condition_key(keyword: str, value: Any) -> str:
    """By what an answer to a condition is found: the same for the same text of a rule."""
    return hashlib.sha256(json.dumps([keyword, value], sort_keys=True, default=str).encode()).hexdigest()[:12]


def answers(rules: Bids, header: Dataset) -> dict[str, str]:
    """What an original, or what a node tells of it, answers to the conditions of rules: nothing of its values."""
    return {
        condition_key(keyword, value): _answer(value, values_of(header, keyword))
        for keyword, value in conditions(rules)
    }


def values_of(header: Dataset | Mapping[str, Any], keyword: str) -> list[str]:
    """The values of a keyword, trimmed; none where it is not there, or spoilt."""
    found = None
    with suppress(Exception):
        found = header.get(keyword)
    values = found if isinstance(found, MultiValue | list) else [found]
    return [str(value).strip() for value in values if value is not None]


def is_text(keyword: str) -> bool:
    """Whether people write the value, so that a profile cleans it."""
    tag = tag_for_keyword(keyword)
    return tag is not None and vr_of_tag(tag) in _TEXTS


def _answer(value: Any, texts: list[str]) -> str:
    if not any(texts):
        return NOTHING
    return YES if matches(value, texts) else NO


def matches(value: Any, texts: list[str]) -> bool:
    """Whether one of several values fits a pattern, or one of a list of patterns."""
    return any(alike(str(each), text) for each in (value if isinstance(value, list) else [value]) for text in texts)


class SeriesFacts:
    """What may be asked of a series, or of one of its converted files.

    `header`: cleaned. `original`: its answers; None where the header is the original. `listed`: what the node told of
    the series. `sidecar`: of the file, None before conversion; `end`: of its name.
    """

    def __init__(
        self,
        header: Dataset,
        original: Answers | None = None,
        *,
        listed: Mapping[str, str] | None = None,
        sidecar: Path | None = None,
        end: str = "",
    ) -> None:
        self._header, self._original, self._listed = header, original, listed or {}
        self._converted = sidecar is not None
        self._told: dict[str, Any] = _read(sidecar, end) if sidecar else {}
        self.doubtful: set[str] = set()
        """Keywords for which the original was to be asked, and only the cleaned header could be."""

    @property
    def sidecar(self) -> Mapping[str, Any]:
        """What the converter's sidecar says, and `_shape`."""
        return self._told

    @property
    def volumes(self) -> int:
        """How many volumes the file has; 1 where that is not known."""
        return int(self._told.get("Volumes") or 1)

    def texts(self, keyword: str) -> list[str]:
        """The values of a keyword: of the sidecar, else of the cleaned header."""
        return (
            values_of(self._told, keyword) if self._told.get(keyword) is not None else values_of(self._header, keyword)
        )

    def holds(self, keyword: str, value: Any) -> bool | None:
        """Whether a condition holds; None where only conversion tells."""
        if self._per_file(keyword):
            return matches(value, values_of(self._told, keyword))
        if self._original is None or not asked_of_originals(keyword):
            return self._of_header(keyword, value)
        answer = self._original.get(condition_key(keyword, value))
        if answer is None and self._listed.get(keyword):
            answer = _answer(value, [part.strip() for part in self._listed[keyword].split("\\")])
        if answer is None:
            self.doubtful.add(keyword)
            return self._of_header(keyword, value)
        return answer == YES

    def lacks(self, keyword: str) -> bool:
        """Whether there is no value of a keyword that a rule asks for."""
        return keyword not in SIDECAR and not any(self.texts(keyword)) and not self._known(keyword)

    def _known(self, keyword: str) -> bool:
        return self._original is not None and asked_of_originals(keyword) and keyword not in self.doubtful

    def _of_header(self, keyword: str, value: Any) -> bool | None:
        if not self._converted and keyword in SIDECAR:
            return None
        return matches(value, self.texts(keyword))

    def _per_file(self, keyword: str) -> bool:
        """Whether the sidecar knows better than a header, which is of one instance: all but what people write."""
        return self._told.get(keyword) is not None and not is_text(keyword)


def sure(keyword: str) -> bool:
    """Whether a header tells a value of the whole series, so that it may be asked before conversion."""
    return is_text(keyword) or keyword in _ONE_OF_A_SERIES


def _read(sidecar: Path, end: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sidecar.read_text("utf-8")) if sidecar.exists() else {}
    return {**told, **_shape(sidecar.with_suffix(".nii.gz")), "Converted": end}


def _shape(image: Path) -> dict[str, Any]:
    """`Matrix` (`64x64x20`) and `Volumes` of a converted file; none where it cannot be read."""
    with suppress(Exception):
        shape = [int(each) for each in nib.load(image).shape]  # type: ignore[attr-defined]
        volumes = 1
        for each in shape[3:]:
            volumes *= each
        return {"Matrix": "x".join(map(str, shape[:3])), "Volumes": volumes}
    return {}


def fits(rule: Rule, facts: SeriesFacts) -> bool | None:
    """Whether all conditions of a rule hold; None where only conversion tells."""
    held = [facts.holds(keyword, value) for keyword, value in rule.when.items()]
    return False if False in held else None if None in held else True
