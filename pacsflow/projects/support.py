"""What the language has and this version cannot do yet: refused by name, never passed over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from pacsflow.projects.source import Document, FieldPath
from pacsflow.version import __version__


@dataclass(frozen=True)
class _Gap:
    """A wish in `model` that `asked` notices, and that nothing fulfils yet."""

    model: type[BaseModel]
    path: FieldPath
    asked: Callable[[Any], bool]
    wish: str
    instead: str


_GAPS: tuple[_Gap, ...] = ()


def check_support(document: Document, model: BaseModel) -> None:
    """A problem in `document` for each wish of `model` that this version cannot fulfil."""
    for gap in _GAPS:
        if isinstance(model, gap.model) and gap.asked(model):
            version = __version__.rsplit(".", 1)[0]
            document.problem(gap.path, f"pacsflow {version} cannot {gap.wish} yet", gap.instead)


def not_yet(model: type[BaseModel], field: str) -> str:
    """What to do about a field of `model` (named as in the reference) that is refused; empty where it is not."""
    for gap in _GAPS:
        if gap.model is model and f"{field}.".startswith(".".join(map(str, gap.path)) + "."):
            return gap.instead
    return ""
