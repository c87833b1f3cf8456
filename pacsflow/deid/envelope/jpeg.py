"""JPEG (ITU-T T.81) and JPEG-LS (T.87) frames: markers walked from SOI to EOI, no entropy-coded bit decoded.

Kept is what decoding needs: frame and scan headers, tables, restart intervals; JFIF and Adobe segments in the form that
says how colours are meant. Comments, all other application segments and whatever follows the end go.
"""

import re
import struct
from typing import Final

from pacsflow.deid.envelope.frame import Frame, UnclearError, broken
from pacsflow.deid.envelope.picture import Picture, fits

SOI: Final = b"\xff\xd8\xff"
_EOI, _SOS, _DNL, _DRI, _DHT, _DAC, _DQT, _EXP, _LSE = 0xD9, 0xDA, 0xDC, 0xDD, 0xC4, 0xCC, 0xDB, 0xDF, 0xF8
_FRAMES: Final = frozenset({*range(0xC0, 0xD0), 0xDE, 0xF7}) - {_DHT, 0xC8, _DAC}
"""SOF of every process, DHP, and SOF55 of JPEG-LS."""
_JPEG_LS: Final = 0xF7
_APP: Final = range(0xE0, 0xF0)
_COM: Final = 0xFE
_APP0, _APP8, _APP14 = 0xE0, 0xE8, 0xEE
_MARKER: Final = re.compile(rb"\xff+([\x01-\xfe])")
_IN_SCAN: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_IN_SCAN_LS: Final = re.compile(rb"\xff[\x80-\xfe]")
_JFIF: Final = struct.Struct(">5sBBBHH")
_FIXED: Final = {_DNL: (2,), _EXP: (1,)}
_INTERVAL: Final = 2
_INTERVALS_LS: Final = (2, 3, 4)
_DAC_MOST: Final = 64
_PRESET: Final = 11
_COLOURS: Final = 5


def jpeg(data: bytes, picture: Picture) -> Frame:
    """The frame without what decoding does not need. Raises RefusalError: malformed, or not to be cleaned."""
    if not data.startswith(SOI[:2]):
        broken("a frame that is not JPEG")
    return _Walk(data, picture).whole()


class _Walk:
    def __init__(self, data: bytes, picture: Picture) -> None:
        self._data = data
        self._picture = picture
        self._frame = Frame()
        self._lossless_ls = False
        self._lines = 0
        self._scans = 0

    def whole(self) -> Frame:
        self._frame.keep(SOI[:2])
        pos = 2
        while (pos := self._marker(pos)) >= 0:
            pass
        if not self._scans:
            broken("a JPEG frame without a scan")
        return self._frame

    def _marker(self, pos: int) -> int:
        """Offset behind the segment at `pos`; negative at the end."""
        found = _MARKER.match(self._data, pos)
        if not found:
            broken("a JPEG frame without its end")
        code, pos = found[1][0], found.end()
        if code == _EOI:
            self._end(pos)
            return -1
        content = self._content(pos)
        pos += 2 + len(content)
        kept = self._segment(code, content)
        if kept is None or kept != content:
            self._frame.dropped.append(content if kept is None else content[len(kept) :])
        if kept is not None:
            self._frame.keep(b"\xff" + bytes((code,)) + struct.pack(">H", len(kept) + 2) + kept)
        return self._scan(pos) if code == _SOS else pos

    def _content(self, pos: int) -> bytes:
        if pos + 2 > len(self._data):
            broken("a JPEG frame without its end")
        (length,) = struct.unpack_from(">H", self._data, pos)
        if length < 2 or pos + length > len(self._data):  # noqa: PLR2004
            broken("a JPEG segment without its end")
        return self._data[pos + 2 : pos + length]

    def _scan(self, pos: int) -> int:
        found = (_IN_SCAN_LS if self._lossless_ls else _IN_SCAN).search(self._data, pos)
        if not found or found.start() == pos:
            broken("a JPEG scan without its end")
        self._frame.coded(self._data[pos : found.start()])
        self._scans += 1
        return found.start()

    def _end(self, pos: int) -> None:
        if not self._lines:
            broken("a JPEG frame without its number of lines")
        self._frame.parts.append(b"\xff\xd9")
        if pos < len(self._data):
            self._frame.dropped.append(self._data[pos:])

    def _segment(self, code: int, content: bytes) -> bytes | None:
        """What stays of a segment; None where all of it goes."""
        if code in _APP or code == _COM:
            return _application(code, content)
        if code in _FRAMES:
            return self._header(code, content)
        if code == _DNL and len(content) >= 2:  # noqa: PLR2004
            self._size(struct.unpack_from(">H", content)[0], self._picture.columns)
        if code in (_DQT, _DHT):
            return content[: _tables(code, content)]
        return self._small(code, content)

    def _small(self, code: int, content: bytes) -> bytes:
        if code == _SOS and content:
            return _cut(content, 4 + 2 * content[0])
        if code in _FIXED:
            return _cut(content, _FIXED[code][0])
        if code == _DRI:
            return content if self._lossless_ls and len(content) in _INTERVALS_LS else _cut(content, _INTERVAL)
        if code == _DAC and _conditioned(content):
            return content
        if code == _LSE and content:
            return _preset(content)
        raise UnclearError(f"JPEG with a segment FF{code:02X}")

    def _header(self, code: int, content: bytes) -> bytes:
        if len(content) < 6:  # noqa: PLR2004
            broken("a JPEG frame header without its end")
        self._lossless_ls = self._lossless_ls or code == _JPEG_LS
        self._frame.precision = max(self._frame.precision, content[0])
        rows, columns = struct.unpack_from(">HH", content, 1)
        if content[5] != self._picture.samples:
            broken(f"a JPEG frame of {content[5]} samples where the header promises {self._picture.samples}")
        if rows:
            self._size(rows, columns)
        return _cut(content, 6 + 3 * content[5])

    def _size(self, rows: int, columns: int) -> None:
        fits(self._picture, rows, columns)
        self._lines = rows


def _cut(content: bytes, size: int) -> bytes:
    if len(content) < size:
        broken("a JPEG segment without its end")
    return content[:size]


def _application(code: int, content: bytes) -> bytes | None:
    """JFIF without its thumbnail, Adobe's and HP's word on colours, each in its one legal form; nothing else."""
    if code == _APP0 and content.startswith(b"JFIF\0") and len(content) >= _JFIF.size:
        name, major, minor, unit, x, y = _JFIF.unpack_from(content)
        return _JFIF.pack(name, 1, min(minor, 2), min(unit, 2), x, y) + b"\0\0" if major else None
    if code == _APP14 and content.startswith(b"Adobe") and len(content) >= 12:  # noqa: PLR2004
        return b"Adobe" + struct.pack(">H", 100) + bytes(4) + content[11:12]
    if code == _APP8 and content.startswith(b"mrfx") and len(content) == _COLOURS and content[4] <= _COLOURS:
        return content
    return None


def _tables(code: int, content: bytes) -> int:
    """Bytes of quantization or Huffman tables in a segment (T.81 B.2.4.1, B.2.4.2)."""
    pos = 0
    while pos < len(content):
        wide = 1 + bool(content[pos] >> 4)
        size = 1 + 64 * wide if code == _DQT else 17 + sum(content[pos + 1 : pos + 17])
        if content[pos] & 0x0F > 3 or content[pos] >> 4 > 1:  # noqa: PLR2004
            break
        if pos + size > len(content) or (code == _DHT and not _huffman(content[pos + 17 : pos + size])):
            break
        pos += size
    if not pos:
        broken("a JPEG table without its end")
    return pos


def _huffman(symbols: bytes) -> bool:
    """Whether these can be the symbols of a Huffman table: each has one code (T.81 C.2), which text has not."""
    return len(set(symbols)) == len(symbols)


def _conditioned(content: bytes) -> bool:
    """Whether a segment holds arithmetic conditioning: pairs of class and table, and of a value (T.81 B.2.4.3)."""
    pairs = list(zip(content[::2], content[1::2], strict=False))
    legal = all(
        which & 0x0F <= 3 and (1 <= value <= 63 if which >> 4 == 1 else which < 16 and value & 0x0F <= value >> 4)  # noqa: PLR2004
        for which, value in pairs
    )
    return legal and len(content) <= _DAC_MOST and not len(content) % 2


def _preset(content: bytes) -> bytes:
    """Preset parameters, mapping tables, or the size of a large image (T.87 C.2.4.1)."""
    if content[0] == 1:
        return _cut(content, _PRESET)
    raise UnclearError("JPEG-LS with mapping tables")
