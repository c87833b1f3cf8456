"""JPEG 2000 and HTJ2K codestreams (ITU-T T.800 A, T.814), bare or in a JP2 file: comments go, no packet is decoded."""

import struct
from itertools import pairwise
from typing import Final

from pacsflow.deid.envelope.frame import Frame, UnclearError, broken
from pacsflow.deid.envelope.picture import Picture, fits

SOC: Final = b"\xff\x4f\xff\x51"
JP2: Final = b"\0\0\0\x0cjP  \r\n\x87\n"
_EOC: Final = b"\xff\xd9"
_SIZ, _SOT, _SOD, _COM = 0xFF51, 0xFF90, 0xFF93, 0xFF64
_MAIN: Final = frozenset(
    {_SIZ, 0xFF50, 0xFF52, 0xFF53, 0xFF55, 0xFF56, 0xFF57, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF63}
    | {0xFF72, 0xFF74, 0xFF75, 0xFF76, 0xFF77, 0xFF78, 0xFF79}
)
"""CAP COD COC TLM PRF PLM CPF QCD QCC RGN POC PPM CRG, and those of T.801 for transforms across components."""
_TILE: Final = frozenset({0xFF52, 0xFF53, 0xFF58, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF61, 0xFF74, 0xFF75, 0xFF76})
"""COD COC PLT QCD QCC RGN POC PPT, and those of T.801."""
_SOT_SIZE: Final = 12
_TILES_MOST: Final = 65535
_PALETTE: Final = (b"pclr", b"cmap")
_SIZES: Final = struct.Struct(">HHIIIIIIIIH")


def j2k(data: bytes, picture: Picture) -> Frame:
    """The codestream without comments and boxes. Raises RefusalError: malformed, or not to be cleaned."""
    frame = Frame()
    if data.startswith(JP2):
        data = _codestream(data, frame)
    if not data.startswith(SOC):
        broken("a frame that is not JPEG 2000")
    try:
        return _Walk(data, picture, frame).whole()
    except struct.error:
        broken("a JPEG 2000 frame without its end")


def _codestream(data: bytes, frame: Frame) -> bytes:
    """The contiguous codestream of a JP2 file (T.800 I.5.4)."""
    pos = 0
    while True:
        if pos + 8 > len(data):
            broken("a JP2 file without a codestream")
        size, kind = struct.unpack_from(">I4s", data, pos)
        start = pos + 8
        if size == 1 and pos + 16 <= len(data):
            (size,), start = struct.unpack_from(">Q", data, start), pos + 16
        stop = len(data) if size == 0 else pos + size
        if stop < start or stop > len(data):
            broken("a JP2 box without its end")
        if kind == b"jp2c":
            frame.dropped += [data[:pos], data[stop:]]
            return data[start:stop]
        if kind == b"jp2h" and any(box in data[start:stop] for box in _PALETTE):
            raise UnclearError("a JP2 file with a palette")
        pos = stop


class _Walk:
    def __init__(self, data: bytes, picture: Picture, frame: Frame) -> None:
        self._data = data
        self._picture = picture
        self._frame = frame
        self._tiles = 0
        self._seen: set[int] = set()

    def whole(self) -> Frame:
        self._frame.keep(SOC[:2])
        pos = self._main(2)
        while self._data.startswith(b"\xff\x90", pos):
            pos = self._tile_part(pos)
        if len(self._seen) != self._tiles:
            broken(f"{len(self._seen)} of the {self._tiles} tiles of a JPEG 2000 frame")
        if pos + 2 <= len(self._data) and not self._data.startswith(_EOC, pos) and self._data[pos:].strip(b"\0"):
            self._frame.dropped.append(self._data[pos:])
        elif self._data.startswith(_EOC, pos) and pos + 2 < len(self._data):
            self._frame.dropped.append(self._data[pos + 2 :])
        self._frame.parts.append(_EOC)
        return self._frame

    def _main(self, pos: int) -> int:
        while True:
            code, stop = self._segment(pos)
            if code == _SOT:
                break
            content = self._data[pos:stop]
            if code == _COM:
                self._frame.dropped.append(content)
            elif code in _MAIN:
                self._frame.keep(content)
            else:
                raise UnclearError(f"JPEG 2000 with a segment {code:04X}")
            if code == _SIZ:
                self._size(content)
            pos = stop
        return pos

    def _segment(self, pos: int) -> tuple[int, int]:
        """Code of the marker segment at `pos`, and where it ends."""
        code, length = struct.unpack_from(">HH", self._data, pos)
        stop = pos + 2 + length
        if code < 0xFF00 or length < 2 or stop > len(self._data):  # noqa: PLR2004
            broken("a JPEG 2000 header without its end")
        return code, stop

    def _size(self, content: bytes) -> None:
        length, _, *area, components = _SIZES.unpack_from(content, 2)
        right, bottom, left, top, width, height, tile_left, tile_top = area
        if length != 38 + 3 * components or not width or not height:
            broken("a JPEG 2000 frame whose size cannot be read")
        fits(self._picture, bottom - top, right - left)
        if components != self._picture.samples:
            broken(f"a JPEG 2000 frame of {components} samples where the header promises {self._picture.samples}")
        self._frame.precision = max((depth & 0x7F) + 1 for depth in content[40::3])
        self._tiles = -(-(right - tile_left) // width) * -(-(bottom - tile_top) // height)
        if not 0 < self._tiles <= _TILES_MOST:
            broken("a JPEG 2000 frame whose size cannot be read")

    def _tile_part(self, pos: int) -> int:
        length, tile, size, _, _ = struct.unpack_from(">HHIBB", self._data, pos + 2)
        header = self._tile_header(pos + _SOT_SIZE)
        stop = pos + size if size else self._data.find(_EOC, header[-1])
        if length != 10 or tile >= self._tiles or stop < header[-1] or stop > len(self._data):  # noqa: PLR2004
            broken("a JPEG 2000 tile without its end")
        self._seen.add(tile)
        self._frame.keep(self._data[pos : pos + _SOT_SIZE])
        for start, end in pairwise(header):
            self._kept(start, end)
        self._frame.coded(self._data[header[-1] : stop])
        return stop

    def _tile_header(self, pos: int) -> list[int]:
        """Where the marker segments of a tile-part begin; the last place is that of its data."""
        places = [pos]
        while struct.unpack_from(">H", self._data, pos)[0] != _SOD:
            code, pos = self._segment(pos)
            if code not in _TILE and code != _COM:
                raise UnclearError(f"JPEG 2000 with a segment {code:04X}")
            places.append(pos)
        return [*places, pos + 2]

    def _kept(self, start: int, end: int) -> None:
        """A marker segment of a tile-part; a comment is blanked, so that lengths told elsewhere hold."""
        content = self._data[start:end]
        if content.startswith(b"\xff\x64"):
            self._frame.dropped.append(content)
            content = content[:4] + bytes(len(content) - 4)
        self._frame.keep(content)
