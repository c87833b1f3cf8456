"""SR content items (PS3.15 Table E.3.4-1): which of them may stay under Clean Structured Content."""

from pacsflow.deid.rules import Rules
from pacsflow.deid.walk import Level, Walk


def forbidden(walk: Walk, item: Level, rules: Rules) -> bool:  # noqa: ARG001
    """Whether a content item is to be taken out."""
    return False
