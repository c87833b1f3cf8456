"""Which series of a found study are wanted."""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence
from typing import TYPE_CHECKING, Any

from pacsflow.projects.keywords import check_keyword
from pacsflow.projects.patterns import alike, check_patterns
from pacsflow.projects.validation import nearest
from pacsflow.query.levels import SERIES_KEYWORDS

if TYPE_CHECKING:
    from pydicom import Dataset

    from pacsflow.projects.source import Document
    from schemas.query import SeriesRules

_COUNTS = frozenset({"images_below", "images_above"})


def wanted(rules: SeriesRules, series: Dataset, count: int | None) -> tuple[bool, str]:
    """Whether a series answer is wanted, and why not (empty where it is); `count`: its images, None if unknown.

    Texts and wildcards (`*`, `?`) are compared whole and without case; `/…/` is searched for, `/…/i` without case.
    """
    for rule in rules.exclude:
        if _fits(rule, series, count):
            return False, f"excluded by {_spelled(rule)}"
    if not rules.include or any(_fits(rule, series, count) for rule in rules.include):
        return True, ""
    return False, "no rule of `include` fits"


def check_rules(document: Document, rules: SeriesRules) -> None:
    """A problem in `document` for each rule that cannot be followed."""
    for kind in ("include", "exclude"):
        for position, rule in enumerate(getattr(rules, kind)):
            path = ("series", kind, position)
            if not rule:
                document.problem(path, "is empty", "name a DICOM keyword and a value")
            for name, value in rule.items():
                _check_condition(document, (*path, name), value)


def _check_condition(document: Document, path: tuple[str | int, ...], value: Any) -> None:
    name = str(path[-1])
    if name in _COUNTS:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            document.problem(path, "is not a number of images", "write a whole number")
        return
    if name not in SERIES_KEYWORDS:
        near = nearest(name, SERIES_KEYWORDS | _COUNTS)
        if near:
            document.problem(path, "is not an attribute of a series", f"write `{near}`")
        elif check_keyword(document, path, name):
            document.problem(path, "is not an attribute of a series", "use SeriesDescription, Modality, ProtocolName…")
        return
    check_patterns(document, path, value)


def _fits(rule: Mapping[str, Any], series: Dataset, count: int | None) -> bool:
    return all(_holds(name, value, series, count=count) for name, value in rule.items())


def _holds(name: str, value: Any, series: Dataset, *, count: int | None) -> bool:
    if name == "images_below":
        return count is not None and count < value
    if name == "images_above":
        return count is not None and count > value
    found = series.get(name)
    texts = [
        str(each).strip() for each in (found if isinstance(found, MutableSequence) else [found]) if each is not None
    ]
    return any(alike(str(each), text) for each in (value if isinstance(value, list) else [value]) for text in texts)


def _spelled(rule: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in rule.items())
