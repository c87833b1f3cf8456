"""Binary values that Table E.1-1 does not list: as many numbers as PS3.6 says, tags that exist, and no words."""

import struct
from dataclasses import dataclass
from typing import Final

from pacsflow.attributes import entry_of
from pacsflow.deid.encoding.dictionary import PRIVATE, VR_OF, tag_text
from pacsflow.deid.encoding.values import SIZES
from pacsflow.deid.rules.actions import KEPT, Action, Answer, Case, Dummy
from pacsflow.deid.rules.icc import CleanIcc
from pacsflow.deid.rules.spelled import spells
from pacsflow.errors import RefusalError

UNBOUND: Final = 1 << 32
ICC_PROFILE: Final = 0x00282000
_HISTOGRAM: Final = 0x00603020
_ELEMENT: Final = 0xFFFF


@dataclass(frozen=True, eq=False)
class Binary:
    """Numbers: at most `most` bytes of them, in which no word stands."""

    tag: int
    most: int
    rest: Action
    says: str = "kept where they are numbers, and no more of them than there may be"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:
        """KEPT, fewer numbers, or what `rest` says. Raises RefusalError where the element must have a value."""
        new = _existing(value) if vr == "AT" else value
        new = new[: self.most]
        if not spells(new):
            return KEPT if new == value else new or self.rest(vr, value, case)
        if self.tag == _HISTOGRAM:
            return bytes(len(value))
        if isinstance(self.rest, Dummy):
            raise RefusalError(
                f"binary: {tag_text(self.tag)} holds letters where numbers should be",
                fix="look at the value; a rule for this element under `elements` in deid.yaml decides",
            )
        return self.rest(vr, value, case)


def _existing(value: bytes) -> bytes:
    """Tags of elements that exist: those of PS3.6 and private ones of a block (PS3.5 7.8.1)."""
    tags = (group << 16 | number for group, number in struct.iter_unpack("<HH", value[: len(value) // 4 * 4]))
    kept = [tag for tag in tags if tag in VR_OF or (tag & PRIVATE and tag & _ELEMENT >= 0x1000)]  # noqa: PLR2004
    return b"".join(struct.pack("<HH", tag >> 16, tag & _ELEMENT) for tag in kept)


def most_bytes(vr: str, multiplicity: str) -> int:
    """Bytes of as many values as a multiplicity of PS3.6 allows."""
    last = multiplicity.rpartition("-")[2]
    return SIZES[vr] * int(last) if vr in SIZES and last.isdigit() else UNBOUND


def action(tag: int, rest: Action) -> Action:
    """What is done with a binary attribute."""
    if tag == ICC_PROFILE:
        return CleanIcc()
    return Binary(tag, most_bytes(VR_OF[tag], entry_of(tag)[1]), rest)
