"""What a header says of its pixel data (PS3.3 C.7.6.3), and how many bytes that comes to."""

import struct
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.encoding.header import Header
from pacsflow.deid.envelope.frame import short

_SAMPLES, _PHOTOMETRIC, _FRAMES = 0x00280002, 0x00280004, 0x00280008
_ROWS, _COLUMNS = 0x00280010, 0x00280011
_ALLOCATED, _STORED, _HIGH, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_FACTS: Final = (_ROWS, _COLUMNS, _SAMPLES, _FRAMES, _ALLOCATED, _STORED, _HIGH, _SIGNED, _PHOTOMETRIC)
_FIRST: Final = 0x00280000
_BEHIND: Final = 0x00280104
"""Between these tags stands all that is told of a picture's size: the same bytes tell the same."""
_REMEMBERED: Final = 1024
_OVERLAYS: Final = range(0x60000000, 0x61000000)
_BIT_POSITION: Final = 0x0102
_DATA: Final = 0x3000
_SUBSAMPLED: Final = {"YBR_FULL_422": (2, 3), "YBR_PARTIAL_422": (2, 3), "YBR_PARTIAL_420": (1, 2)}
"""Photometric interpretations whose native pixels may hold fewer bytes than three whole planes (PS3.3 C.7.6.3.1.2)."""
_LETTERS: Final = 12
"""A number of frames of more letters is none (VR IS)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows, columns, samples per pixel, frames; bits of a cell; `photometric` in capitals."""

    rows: int
    columns: int
    samples: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    photometric: str

    @classmethod
    def of(cls, header: Header) -> "Picture":
        """What a dataset or item says. Raises RefusalError `malformed: …` for pixel data of no size."""
        level = header.level
        said = bytes(header.view[level.place(_FIRST) : level.place(_BEHIND)])
        known = _known.get(said)
        if known is None:
            known = _picture(tuple(map(header.raw, _FACTS)))
            if len(_known) >= _REMEMBERED:
                _known.clear()
            _known[said] = known
        return known

    @classmethod
    def unknown(cls) -> "Picture":
        """Of a header that cannot be read: no frames, and nothing is promised."""
        return cls(0, 0, 0, 0, 0, 0, 0, signed=False, photometric="")

    @property
    def bits(self) -> int:
        """Bits of all native frames."""
        return self.rows * self.columns * self.samples * self.allocated * self.frames

    @property
    def whole(self) -> int:
        """Bytes of all native frames, without padding (PS3.5 8.1.1: frames of single bits follow without a gap)."""
        return -(-self.bits // 8)

    @property
    def frame(self) -> int:
        """Bytes of one native frame, rounded up to whole ones."""
        return -(-self.rows * self.columns * self.samples * self.allocated // 8)

    def native(self, length: int, *, whole_frames: bool = True) -> int:
        """Bytes of native pixel data, of which there are `length`; without padding (PS3.5 8.1).

        Raises RefusalError where there are fewer, or more by a frame and above: those would be lost.
        """
        whole = self.whole
        part, of = _SUBSAMPLED.get(self.photometric, (1, 1))
        least = -(-self.bits * part // of // 8) if of > 1 and length < whole else whole
        if length < least:
            raise short(f"{length} bytes of pixel data where the header promises {least} ({self})")
        if whole_frames and length - least >= max(2, self.frame * part // of):
            raise short(f"{length} bytes of pixel data where the header promises no more than {least} ({self})")
        return least

    def __str__(self) -> str:
        return f"{self.rows} x {self.columns} x {self.samples} x {self.frames} frames, {self.allocated} bits"


_known: dict[bytes, Picture] = {}


def _picture(raw: tuple[bytes, ...]) -> Picture:
    rows, columns, samples = map(_number, raw[:3])
    allocated, stored, high, signed = map(_number, raw[4:8])
    if not rows or not columns or not allocated:
        raise short("pixel data without Rows, Columns or Bits Allocated")
    photometric = raw[8].decode("latin-1").strip(" \0").upper()
    sizes = (rows, columns, samples or 1, _frames(raw[3]), allocated)
    top = high if raw[6] else (stored or allocated) - 1
    return Picture(*sizes, stored or allocated, top, signed=bool(signed), photometric=photometric)


def _number(raw: bytes) -> int:
    return int(struct.unpack_from("<H", raw)[0]) if len(raw) >= 2 else 0  # noqa: PLR2004


def _frames(raw: bytes) -> int:
    """Number of Frames (VR IS); 1 where it is absent, empty or 0."""
    text = raw.decode("latin-1").strip(" \0")
    if not text:
        return 1
    if len(text) > _LETTERS or not text.lstrip("+").isdecimal() or not text.isascii():
        raise short("a Number of Frames that is not a number")
    return int(text.lstrip("+")) or 1


def fits(picture: Picture, rows: int, columns: int) -> None:
    """Raise RefusalError where a frame has another size than its header says."""
    if (rows, columns) != (picture.rows, picture.columns):
        raise short(f"a frame of {rows} x {columns} where the header promises {picture.rows} x {picture.columns}")


def overlay_bits(header: Header) -> frozenset[tuple[int, int]]:
    """Tag and bit of overlays that are drawn in the cells of the pixel data (retired; PS3.3-2004 C.9.2)."""
    tags = header.level.tags()
    first, last = bisect_left(tags, _OVERLAYS.start), bisect_left(tags, _OVERLAYS.stop)
    if first == last:
        return frozenset()
    found = {tag: _number(header.raw(tag)) for tag in tags[first:last] if tag & 0xFFFF == _BIT_POSITION}
    with_data = {tag & 0xFFFF0000 for tag in tags[first:last] if tag & 0xFFFF == _DATA}
    return frozenset((tag, bit) for tag, bit in found.items() if bit and tag & 0xFFFF0000 not in with_data)
