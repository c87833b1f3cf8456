"""What PS3.6 knows of tags: their VR, which are sequences, how a person writes them."""

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from pacsflow.attributes import DICOM, KEYWORDS, tag_for_keyword

AMBIGUOUS: Final = {"OB or OW": "OW", "US or SS": "US", "US or SS or OW": "OW", "US or OW": "OW"}
"""VRs that hang on other elements (PS3.5 A.1), taken as the one of the same length and alignment."""

LAST_META: Final = 0x0002FFFF
PRIVATE: Final = 0x10000
"""Set in tags of odd groups (PS3.5 7.8)."""
EXACT: Final = 0xFFFFFFFF
"""Mask of a tag that is not a repeating group."""
CREATORS: Final = range(0x10, 0x100)
"""Element numbers of private creators (PS3.5 7.8.1)."""

NEEDED: Final = frozenset({0x00080016, 0x00080018, 0x0020000D, 0x0020000E})
"""UIDs that no instance can be without: SOP class and instance, study, series."""

VR_OF: Final[dict[int, str]] = {
    tag: AMBIGUOUS.get(entry[0], entry[0]) for tag, entry in DICOM.items() if tag > LAST_META and entry[0] != "NONE"
}
"""VR of every attribute of PS3.6 that may stand in a dataset (no command, no file meta elements)."""

_PRIVATE = re.compile(r'\(([0-9a-f]{4}),\s*"([^"]*)",\s*([0-9a-f]{2})\)', re.IGNORECASE)
_NUMBER = re.compile(r"\(?([0-9a-f]{2}(?:[0-9a-f]{2}|xx)),?\s*([0-9a-f]{4})\)?", re.IGNORECASE)


class WordingError(ValueError):
    """Something that cannot be read as it is written; `fix` says what to write."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


class TagError(WordingError):
    """A tag that cannot be read."""


PrivateTag = tuple[int, str, int]
"""Group, private creator, element byte (PS3.5 7.8.1)."""


def parse_private(text: str) -> PrivateTag | None:
    """Group, creator and element byte of `(gggg,"CREATOR",ee)`, or None where it is not one."""
    match = _PRIVATE.fullmatch(text.strip())
    return (int(match[1], 16), match[2].strip(), int(match[3], 16)) if match else None


def parse_tag(text: str) -> tuple[int, int]:
    """Value and mask of a keyword, `(gggg,eeee)` or a repeating group `(60xx,3000)`. Raises TagError."""
    if match := _NUMBER.fullmatch(text.strip()):
        group, element = match[1].lower(), int(match[2], 16)
        if group.endswith("xx"):
            return int(group[:2], 16) << 24 | element, 0xFF01FFFF
        return int(group, 16) << 16 | element, EXACT
    if (tag := tag_for_keyword(text)) is not None:
        return int(tag), EXACT
    near = get_close_matches(text, KEYWORDS, n=1, cutoff=0.7)
    raise TagError(
        f"no such attribute: {text}",
        f"write {near[0]}" if near else 'write a keyword, (gggg,eeee) or (gggg,"CREATOR",ee)',
    )


@lru_cache(4096)
def tag_text(tag: int) -> str:
    """The tag as (gggg,eeee)."""
    return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"
