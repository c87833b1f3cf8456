"""Boxes painted into baseline JPEG (ITU-T T.81) without decoding a pixel: coefficients of blocks that a box touches.

All other coefficients are the same numbers, so nothing is compressed a second time. The DC coefficient is coded as the
difference to the block before (F.1.2.1), so DC codes are written again, with a table that has a code for each.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.envelope.frame import UnclearError, broken
from pacsflow.wording import counted

_SOF: Final = (0xC0, 0xC1)
"""Baseline and extended sequential, Huffman coded."""
_OTHER_SOF: Final = frozenset(range(0xC0, 0xD0)) - {*_SOF, 0xC4, 0xC8, 0xCC}
_DHT, _SOS, _DQT, _DRI, _EOI = 0xC4, 0xDA, 0xDB, 0xDD, 0xD9
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_LENGTHS: Final = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))
_DIFFERENCES: Final = bytes(range(12))
"""A DC table with a code for each difference of 8-bit samples (T.81 table K.3)."""
_BLOCK: Final = 8
_LAST: Final = 63
_EIGHT: Final = 8
_LEVEL: Final = 128
_AHEAD: Final = 16
Table = list[tuple[int, int]]


@dataclass
class _Component:
    """One sample of the image: sampling factors, DC of black, and which of its blocks a box touches."""

    across: int
    down: int
    quantization: int
    black: int = 0
    columns: int = 0
    rows: int = 0
    hidden: list[bytearray] = field(default_factory=list)


def painted_jpeg(data: bytes, brush: Brush) -> bytes:
    """The frame with its boxes black, widened to whole blocks (8 x 8; more where colours are coded coarser).

    Raises UnclearError for another process than sequential Huffman coding of 8 bits, RefusalError where it is cut off.
    """
    try:
        return _Jpeg(data, brush).whole()
    except (IndexError, KeyError, ValueError, struct.error):
        broken("a JPEG frame that cannot be followed to its end")


class _Jpeg:
    def __init__(self, data: bytes, brush: Brush) -> None:
        self._data, self._brush = data, brush
        self._components: dict[int, _Component] = {}
        self._dc: dict[int, Table] = {}
        self._ac: dict[int, Table] = {}
        self._quantization: dict[int, int] = {}
        self._restart = 0
        self._across = self._down = 1
        self._out: list[bytes] = [data[:2]]

    def whole(self) -> bytes:
        """Segment by segment."""
        pos = 2
        while True:
            code, pos = self._data[pos + 1], pos + 2
            if code == _EOI:
                return b"".join([*self._out, b"\xff\xd9"])
            (length,) = struct.unpack_from(">H", self._data, pos)
            content, pos = self._data[pos + 2 : pos + length], pos + length
            kept = self._segment(code, content)
            if kept:
                self._out.append(bytes((0xFF, code)) + struct.pack(">H", len(kept) + 2) + kept)
            if code == _SOS:
                pos = self._scan(content, pos)

    def _segment(self, code: int, content: bytes) -> bytes:
        if code in _OTHER_SOF:
            raise UnclearError("text in JPEG of another process than sequential Huffman coding")
        if code in _SOF:
            self._header(content)
        elif code == _DHT:
            return self._tables(content)
        elif code == _DQT:
            self._read_quantization(content)
        elif code == _DRI:
            (self._restart,) = struct.unpack_from(">H", content)
        return content

    def _header(self, content: bytes) -> None:
        if content[0] != _EIGHT:
            raise UnclearError(f"text in lossy JPEG of {counted(content[0], 'bit')}")
        rows, columns = struct.unpack_from(">HH", content, 1)
        rows = rows or self._brush.picture.rows
        for at in range(6, 6 + 3 * content[5], 3):
            name, factors, table = content[at : at + 3]
            self._components[name] = _Component(factors >> 4, factors & 15, table)
        self._across = max(one.across for one in self._components.values())
        self._down = max(one.down for one in self._components.values())
        for one, fill in zip(self._components.values(), self._brush.fill, strict=True):
            one.black = (fill - _LEVEL) * _BLOCK
            one.columns = _up(_up(columns * one.across, self._across), _BLOCK)
            one.rows = _up(_up(rows * one.down, self._down), _BLOCK)
            self._hide(one, rows, columns)

    def _hide(self, one: _Component, rows: int, columns: int) -> None:
        """Mark the blocks, with those that only fill up the last unit, which a box at the edge takes too."""
        tall, wide = _BLOCK * self._down // one.down, _BLOCK * self._across // one.across
        down = _up(rows, _BLOCK * self._down) * one.down
        across = _up(columns, _BLOCK * self._across) * one.across
        one.hidden = [bytearray(across) for _ in range(down)]
        for box in self._brush.boxes:
            bottom = down if box.bottom >= rows else _up(box.bottom, tall)
            right = across if box.right >= columns else _up(box.right, wide)
            left = box.left // wide
            for row in one.hidden[box.top // tall : bottom]:
                row[left:right] = b"\1" * (right - left)

    def _tables(self, content: bytes) -> bytes:
        kept, pos = b"", 0
        while pos < len(content):
            kind, lengths = content[pos], content[pos + 1 : pos + 17]
            size = sum(lengths)
            symbols = content[pos + 17 : pos + 17 + size]
            into = self._ac if kind >> 4 else self._dc
            into[kind & 15] = _lookup(lengths, symbols)
            ours = (lengths, symbols) if kind >> 4 else (_LENGTHS, _DIFFERENCES)
            kept += bytes((kind,)) + ours[0] + ours[1]
            pos += 17 + size
        return kept

    def _read_quantization(self, content: bytes) -> None:
        pos = 0
        while pos < len(content):
            wide = content[pos] >> 4
            (first,) = struct.unpack_from(">H" if wide else ">B", content, pos + 1)
            self._quantization[content[pos] & 15] = first or 1
            pos += 1 + 64 * (1 + bool(wide))

    def _scan(self, content: bytes, pos: int) -> int:
        found = _MARKER.search(self._data, pos)
        if not found:
            broken("a JPEG scan without its end")
        chosen = [(content[at], content[at + 1]) for at in range(1, 1 + 2 * content[0], 2)]
        members = [(self._components[name], tables >> 4, tables & 15) for name, tables in chosen]
        coded = self._data[pos : found.start()]
        units = self._units(members)
        marks = [b"", *_RESTART.findall(coded)]
        for mark, interval in zip(marks, _RESTART.split(coded), strict=True):
            self._out.append(mark + self._interval(interval, units, members))
        if next(units, None) is not None:
            broken("a JPEG scan without its end")
        return found.start()

    def _units(self, members: list[tuple[_Component, int, int]]) -> Iterator[list[tuple[int, int]]]:
        """Of each unit in turn, its blocks: number of the component in the scan, and whether it is hidden."""
        if len(members) == 1:
            one = members[0][0]
            for row in range(one.rows):
                for column in range(one.columns):
                    yield [(0, one.hidden[row][column])]
            return
        first = members[0][0]
        for row in range(len(first.hidden) // first.down):
            for column in range(len(first.hidden[0]) // first.across):
                yield [
                    (number, one.hidden[row * one.down + y][column * one.across + x])
                    for number, (one, _, _) in enumerate(members)
                    for y in range(one.down)
                    for x in range(one.across)
                ]

    def _interval(
        self, coded: bytes, units: Iterator[list[tuple[int, int]]], members: list[tuple[_Component, int, int]]
    ) -> bytes:
        """The units up to a restart, which begins without a block before (F.1.1.5.1)."""
        raw = coded.replace(b"\xff\x00", b"\xff")
        bits = bin(int.from_bytes(b"\1" + raw, "big"))[3:]
        size = len(bits)
        bits += "1" * 4 * _AHEAD
        coder = _Coder(bits, len(members))
        blacks = [round(one.black / self._quantization.get(one.quantization, 1)) for one, _, _ in members]
        tables = [(self._dc.get(dc, []), self._ac.get(ac, [])) for _, dc, ac in members]
        ends = [_code_of(ac) for _, ac in tables]
        left = self._restart or -1
        while left and coder.pos < size:
            unit = next(units, None) if left < 0 or left else None
            if unit is None:
                break
            for number, hidden in unit:
                coder.block(number, *tables[number], (blacks[number], ends[number]) if hidden else None)
            left -= 1
        if coder.pos > size:
            broken("a JPEG scan without its end")
        return coder.written()


class _Coder:
    """Bits in, bits out, block by block."""

    def __init__(self, bits: str, components: int) -> None:
        self._bits = bits
        self._before, self._after = [0] * components, [0] * components
        self._out: list[str] = []
        self.pos = 0

    def block(self, number: int, dc: Table, ac: Table, hidden: tuple[int, str] | None) -> None:
        """The next block; `hidden`: the DC and the end of block that stand in its place."""
        bits = self._bits
        size, length = dc[int(bits[self.pos : self.pos + _AHEAD], 2)]
        start = self.pos + length
        pos = start + size
        value = self._before[number] + (_extended(bits[start:pos]) if size else 0)
        self._before[number] = value
        begin, at = pos, 1
        while at <= _LAST:
            symbol, length = ac[int(bits[pos : pos + _AHEAD], 2)]
            pos += length + (symbol & 15)
            if symbol & 15:
                at += 1 + (symbol >> 4)
            elif symbol == 0xF0:  # noqa: PLR2004 sixteen zeros
                at += 16
            else:
                break
        self.pos = pos
        new, rest = hidden or (value, bits[begin:pos])
        self._out.append(_difference(new - self._after[number]) + rest)
        self._after[number] = new

    def written(self) -> bytes:
        """What came out, filled up with ones and stuffed (F.1.2.3)."""
        bits = "".join(self._out)
        bits += "1" * (-len(bits) % 8)
        return int(bits or "0", 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def _up(number: int, step: int) -> int:
    """Steps that reach `number`."""
    return -(-number // step)


def _extended(bits: str) -> int:
    """The number that these bits mean (F.2.2.1)."""
    value = int(bits, 2)
    return value if bits[0] == "1" else value - (1 << len(bits)) + 1


def _codes(lengths: bytes) -> Iterator[tuple[int, int]]:
    """Each code and its length, in order (T.81 C.2)."""
    code = 0
    for length, count in enumerate(lengths, start=1):
        for _ in range(count):
            yield code, length
            code += 1
        code <<= 1


def _lookup(lengths: bytes, symbols: bytes) -> Table:
    """Symbol and length of the code that the next sixteen bits begin with."""
    table: Table = []
    for (code, length), symbol in zip(_codes(lengths), symbols, strict=True):
        table += [(symbol, length)] * ((code + 1 << _AHEAD - length) - len(table))
    return table + [(0, 1 << 20)] * ((1 << _AHEAD) - len(table))


def _code_of(table: Table) -> str:
    """The code of the end of a block. Raises UnclearError where the table has none."""
    for start, (symbol, length) in enumerate(table):
        if symbol == 0 and length <= _AHEAD:
            return f"{start >> _AHEAD - length:0{length}b}"
    raise UnclearError("text in JPEG whose table has no end of block")


_WRITTEN: Final = [f"{code:0{length}b}" for code, length in _codes(_LENGTHS)]


def _difference(value: int) -> str:
    """A difference as it is coded: its size by the table, and the number (F.1.2.1.1)."""
    size = abs(value).bit_length()
    if size >= len(_WRITTEN):
        broken("a JPEG scan of larger differences than 8 bits have")
    return _WRITTEN[size] + (f"{value if value > 0 else value + (1 << size) - 1:0{size}b}" if size else "")
