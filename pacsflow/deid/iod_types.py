"""Types of attributes in each IOD, to choose one action of a compound code (PS3.15 E.1.1, PS3.3 A)."""

from collections.abc import Callable

from pacsflow.deid.profile import conservative


def resolver(sop_class: str) -> Callable[[int, str], str]:  # noqa: ARG001
    """What picks one letter of a compound code for instances of a SOP class."""
    return conservative
