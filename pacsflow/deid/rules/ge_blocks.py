"""Two binary blocks of GE MR that conversion reads, rewritten with nothing but the numbers it needs.

(0043,"GEMS_PARM_01",2A) User Defined Data: flags of the phase encoding, at fixed places behind an offset.
(0025,"GEMS_SERS_01",1B) Protocol Data Block: a length, then lines of name and value, gzip-compressed (RFC 1952).
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.encoding.dictionary import PrivateTag
from pacsflow.deid.rules.actions import Answer, Case

USER_DATA: Final[PrivateTag] = (0x0043, "GEMS_PARM_01", 0x2A)
PROTOCOL_BLOCK: Final[PrivateTag] = (0x0025, "GEMS_SERS_01", 0x1B)

_OFFSET_AT: Final = 24
_EPI, _POLARITY, _DIRECTION = 0x3A, 0x30, 0x394
_LATER_VERSION: Final = 25.002
_MOVED: Final = 0x4C
_CLOSER: Final = 0x8C
_END: Final = 916
_PROTOCOL_LINE: Final = re.compile(
    rb'(?:set )?(?:SLICEORDER|VIEWORDER|MBACCEL|NOSLC|DELACQ|DELACQNOAV) "?(?:-?\d+(?:\.\d+)?|Minimum)?"?'
)
_LARGEST: Final = 1 << 20


@dataclass(frozen=True)
class CleanUserData:
    """User Defined Data, zero but for the flags of the phase encoding."""

    says: str = "rewritten with the phase encoding's flags alone"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """A block of the same length; None where it is too short."""
        if len(value) < _OFFSET_AT + 2:
            return None
        (offset,) = struct.unpack_from("<h", value, _OFFSET_AT)
        if offset < 0 or len(value) < offset + _END + _MOVED:
            return None
        later = struct.unpack_from("<f", value, offset)[0] >= _LATER_VERSION
        base = offset + (_MOVED if later else 0)
        spans = [(_OFFSET_AT, 2), (offset, 4), (base + _EPI, 2), (base + _POLARITY, 2)]
        spans.append((base + _DIRECTION - (_CLOSER if later else 0), 2))
        new = bytearray(len(value))
        for start, size in spans:
            new[start : start + size] = value[start : start + size]
        return bytes(new)


@dataclass(frozen=True)
class CleanProtocolBlock:
    """Protocol Data Block, cut down to lines on the order of slices."""

    says: str = "rewritten with the lines on the order of slices alone"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """A length and a gzip member, stored, not deflated: the same bytes on every machine. None: unreadable."""
        try:
            text = zlib.decompressobj(wbits=31).decompress(value[4:], _LARGEST)
        except zlib.error:
            return None
        kept = [line for line in text.split(b"\n") if _PROTOCOL_LINE.fullmatch(line.strip())]
        return _stored(b"\n".join([b"", *kept, b""]))


def _stored(text: bytes) -> bytes:
    """The text behind its block's length, in one stored block (RFC 1951 3.2.4)."""
    head = b"\x1f\x8b\x08\0" + bytes(4) + b"\0\xff" + b"\1" + struct.pack("<HH", len(text), len(text) ^ 0xFFFF)
    member = head + text + struct.pack("<II", zlib.crc32(text), len(text))
    return struct.pack("<I", len(member)) + member
