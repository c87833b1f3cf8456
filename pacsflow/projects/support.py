"""What the language can say and this version cannot do yet: refused by name, never passed over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pacsflow import __version__
from pacsflow.projects.source import Document, FieldPath
from schemas import DeidProfile, Export, PacsNode, ProjectSettings


@dataclass(frozen=True)
class _Gap:
    """A wish in `model` that `asked` notices, and that nothing fulfils yet."""

    model: type[BaseModel]
    path: FieldPath
    asked: Callable[[Any], bool]
    wish: str
    instead: str


_GAPS = (
    _Gap(ProjectSettings, ("notify",), lambda m: bool(m.notify), "notify anybody", "take `notify` out"),
    _Gap(PacsNode, ("protocol",), lambda m: m.protocol != "dimse", "speak this protocol", "write dimse"),
    _Gap(
        PacsNode,
        ("find",),
        lambda m: m.find not in {None, m.protocol},
        "query by another protocol than it fetches by",
        "take `find` out",
    ),
    _Gap(
        PacsNode,
        ("fetch", "method"),
        lambda m: m.fetch.method not in {"auto", "c-get", "c-move"},
        "fetch by this method",
        "write auto, c-get or c-move",
    ),
    _Gap(
        PacsNode,
        ("fetch", "move_to", "ours"),
        lambda m: m.fetch.move_to is not None and not m.fetch.move_to.ours,
        "have another application entity receive",
        "take `ours` out",
    ),
    _Gap(
        PacsNode,
        ("limits", "results_per_query"),
        lambda m: m.limits.results_per_query != "auto",
        "split queries at a number of answers",
        "write auto",
    ),
    _Gap(PacsNode, ("hours",), lambda m: m.hours is not None, "keep to hours", "take `hours` out"),
    _Gap(PacsNode, ("fallback",), lambda m: bool(m.fallback), "fall back on another node", "take `fallback` out"),
    _Gap(
        DeidProfile,
        ("patient", "source"),
        lambda m: m.patient.source != "keyed",
        "take pseudonyms from this source",
        "write keyed",
    ),
    _Gap(DeidProfile, ("recipe",), lambda m: m.recipe is not None, "apply a recipe of `deid`", "use `elements`"),
    _Gap(
        DeidProfile,
        ("pixels", "burned_in"),
        lambda m: m.pixels.burned_in == "mask",
        "mask pixels",
        "write drop-risky",
    ),
)


def check_support(document: Document, model: BaseModel) -> None:
    """A problem in `document` for each wish of `model` that this version cannot fulfil."""
    for gap in _GAPS:
        if isinstance(model, gap.model) and gap.asked(model):
            _refuse(document, gap.path, gap.wish, gap.instead)
    if isinstance(model, Export):
        _check_export(document, model)


def _check_export(document: Document, model: Export) -> None:
    for position, target in enumerate(model.targets):
        if target.kind != "folder":
            path = ("targets", position, "kind")
            _refuse(document, path, f"deliver to a target of kind {target.kind}", "write folder")
    for position, nifti in enumerate(model.nifti):
        if nifti.bids is not None:
            _refuse(document, ("nifti", position, "bids"), "give BIDS names", "take `bids` out")


def _refuse(document: Document, path: FieldPath, wish: str, instead: str) -> None:
    document.problem(path, f"pacsflow {__version__.rsplit('.', 1)[0]} cannot {wish} yet", instead)
