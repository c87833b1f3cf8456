"""Video (PS3.5 8.2.5-8.2.9): MPEG-2, H.264 and H.265 elementary streams; user data and messages are blanked in place.

All units keep their places and sizes: zero bytes before a start code are stuffing in all three (H.262 5.2.3, H.264 and
H.265 Annex B). Containers may hold sound and text, and are refused.
"""

import re
from collections.abc import Callable
from typing import Final

from pacsflow.deid.envelope.frame import UnclearError

Kept = Callable[[int], int]
"""Bytes that stay of a unit, its start code included, by the byte behind the start code; 0: none, WHOLE: all."""

WHOLE: Final = 1 << 62
_HELD: Final = 4
_TABLE: Final = 1024
_UNIT: Final = re.compile(rb"(?=\x00\x00\x01(.))", re.DOTALL)
_BEGIN: Final = re.compile(rb"\x00*\x00\x00\x01")


def mpeg2(code: int) -> int:
    """Pictures, slices, headers and their extensions stay; user data goes (H.262 6.2.1). Raises UnclearError."""
    if code > 0xB8:  # noqa: PLR2004 - a program stream
        raise UnclearError("video with sound, or in a container,")
    if code < 0xB0:  # noqa: PLR2004
        return WHOLE
    return {0xB3: 4 + 8 + 128, 0xB5: _TABLE, 0xB7: 4, 0xB8: 8}.get(code, 0)


def h264(code: int) -> int:
    """Slices and parameter sets stay; supplemental enhancement information and reserved units go (H.264 7.4.1)."""
    kind = code & 0x1F
    if kind in {1, 2, 3, 4, 5, 14, 19, 20, 21}:
        return WHOLE
    return {7: _TABLE, 8: _TABLE, 9: 5, 10: 4, 11: 4, 13: _TABLE, 15: _TABLE}.get(kind, 0) if code < 0x80 else 0  # noqa: PLR2004


def h265(code: int) -> int:
    """As for H.264 (H.265 7.4.2.2)."""
    kind = code >> 1 & 0x3F
    if kind < 10 or 16 <= kind < 22:  # noqa: PLR2004
        return WHOLE
    return {32: _TABLE, 33: _TABLE, 34: _TABLE, 35: 6, 36: 5, 37: 5}.get(kind, 0)


class Blanker:
    """Blanks units of a stream that comes in pieces; what comes out is as long as what goes in."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._held = b""
        self._begun = False
        self._left = WHOLE

    def feed(self, piece: bytes | memoryview, *, last: bool = False) -> bytes:
        """The stream so far, but its last bytes until they are told from the beginning of a unit.

        Raises UnclearError for what is not a stream of such units.
        """
        data = bytearray(self._held + bytes(piece))
        if not self._begun:
            self._begun = bool(_BEGIN.match(data))
            if not self._begun and (last or len(data) > _HELD):
                raise UnclearError("video in a container")
        stop = len(data) if last else max(0, len(data) - _HELD)
        pos = 0
        for unit in _UNIT.finditer(data, 0, len(data)):
            if unit.start() >= stop:
                break
            self._blank(data, pos, unit.start())
            pos, self._left = unit.start(), self._kept(unit[1][0])
        self._blank(data, pos, stop)
        self._held = bytes(data[stop:])
        return bytes(data[:stop])

    def _blank(self, data: bytearray, start: int, stop: int) -> None:
        first = start + min(self._left, stop - start)
        data[first:stop] = bytes(stop - first)
        self._left = max(0, self._left - (stop - start))
