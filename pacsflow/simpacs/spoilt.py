"""Datasets that read well to their last byte and hold fewer pixels than they promise."""

import struct
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from pacsflow.simpacs.archive import Encoded

_PIXELS: Final = b"\xe0\x7f\x10\x00"
_WIDE: Final = (b"OB", b"OW")
_OPEN: Final = 0xFFFFFFFF
_NO_FRAGMENT: Final = struct.pack("<HHI", 0xFFFE, 0xE000, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


def shortened(encoded: "Encoded", left: Literal["half", "none"]) -> bytes:
    """The dataset, little endian, with half of its native pixels or none; of compressed ones no fragment is left."""
    data = bytes(encoded)
    at = data.find(_PIXELS)
    while at >= 0:
        value = at + (12 if data[at + 4 : at + 6] in _WIDE else 8)
        if value <= len(data):
            (length,) = struct.unpack_from("<I", data, value - 4)
            if length == _OPEN:
                return data[:value] + _NO_FRAGMENT
            if value + length == len(data):
                kept = length // 4 * 2 if left == "half" else 0
                return data[: value - 4] + struct.pack("<I", kept) + data[value : value + kept]
        at = data.find(_PIXELS, at + 1)
    return data
