"""What may stand in the segments of a JPEG frame, planted one by one: it goes, or the instance is refused."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from pacsflow.errors import RefusalError
from unit.deid.adversarial.planting import THIRD, UNDEFINED, element, planted
from unit.deid.instances import cleaner, ct, whole

CLEAN = cleaner(pixels={"burned_in": "keep"})
ROWS = b"".join(bytes([7]) + bytes(range(row * 8, row * 8 + 8)) for row in range(8))
OFFSETS = struct.pack("<16I", 1, 64, *[0] * 14)


def jpeg():
    out = io.BytesIO()
    Image.fromarray((np.arange(64).reshape(8, 8) * 3).astype("u1")).save(out, "JPEG")
    return out.getvalue()


def segment(code, content):
    return b"\xff" + bytes([code]) + struct.pack(">H", len(content) + 2) + content


def frame(data, syntax=JPEGBaseline8Bit):
    ds = ct(BitsAllocated=8, BitsStored=8, HighBit=7)
    del ds.PixelData
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return planted(element(0x7FE00010, "OB", encapsulate([data]) + end, UNDEFINED), ds=ds, syntax=str(syntax))


SEGMENTS = {
    "behind Adobe's word": (0xEE, b"Adobe\0\x64\0\0\0\0\0" + THIRD),
    "behind JFIF": (0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0" + THIRD),
    "as a thumbnail": (0xE0, b"JFIF\0\1\1\0\0\1\0\1\2\2" + THIRD),
    "HP's colours": (0xE8, THIRD),
    "comment": (0xFE, THIRD),
    "restart interval": (0xDD, b"\0\0" + THIRD),
    "reserved segment": (0xF5, THIRD),
    "arithmetic conditioning": (0xCC, THIRD),
    "expansion": (0xDF, THIRD),
    "presets of JPEG-LS": (0xF8, THIRD),
    "Huffman table of no use": (0xC4, b"\x13" + bytes([0, 0, 0, 12, *[0] * 12]) + THIRD),
    "Huffman table that is replaced": (0xC4, b"\x00" + bytes([0, 0, 0, 12, *[0] * 12]) + THIRD),
}
FRAMES = {name: frame(jpeg()[:2] + segment(*each) + jpeg()[2:]) for name, each in SEGMENTS.items()} | {
    "behind the end": frame(jpeg() + THIRD),
    "before the beginning": frame(THIRD + jpeg()),
    "offsets of RLE of no use": frame(struct.pack("<2I", 1, 64) + (THIRD * 5)[:56] + ROWS, RLELossless),
    "gap in RLE": frame(struct.pack("<16I", 1, 76, *[0] * 14) + THIRD + ROWS, RLELossless),
    "behind RLE": frame(OFFSETS + ROWS + THIRD, RLELossless),
}


@pytest.mark.parametrize("place", FRAMES)
def test_no_text_leaves_between_the_pictures(place):
    try:
        out = whole(CLEAN.clean(FRAMES[place]))
    except RefusalError as error:
        out = str(error).encode()
    assert THIRD not in out


@pytest.mark.parametrize("data", [jpeg()])
def test_a_plain_frame_passes(data):
    assert data[-40:] in whole(CLEAN.clean(frame(data)))
