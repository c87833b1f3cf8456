"""An encoder of lossless JPEG (ITU-T T.81 H, process 14, first-order prediction): no package at hand has one."""

import struct
from typing import Any, Final

import numpy as np

from pacsflow.deid.envelope.picture import Picture

_BITS: Final = 16
_CATEGORIES: Final = 17
Cells = np.ndarray[Any, Any]


def predicted_jpeg(cells: Cells, picture: Picture) -> bytes:
    """A frame of `cells` (row, column, sample; values of `picture.stored` bits, signed ones in two's complement).

    One scan, all samples interleaved, predictor 1 (T.81 H.1.2.1), one Huffman table made for the frame.
    """
    precision = max(2, picture.stored)
    mask = (1 << precision) - 1
    values = cells.astype(np.int64) & mask
    differences = _differences(values, precision)
    sizes = _sizes(differences)
    lengths, symbols = _table(np.bincount(sizes.ravel(), minlength=_CATEGORIES))
    coded = _coded(differences.ravel(), sizes.ravel(), lengths, symbols)
    return b"".join([b"\xff\xd8", *_headers(values.shape, precision, lengths, symbols), coded, b"\xff\xd9"])


def _differences(values: Cells, precision: int) -> Cells:
    """To the sample on the left, in the first column to that above, at the very first to half the range; mod 2^16."""
    before = np.empty_like(values)
    before[:, 1:] = values[:, :-1]
    before[1:, 0] = values[:-1, 0]
    before[0, 0] = 1 << precision - 1
    found = (values - before) & 0xFFFF
    return np.where(found > 1 << 15, found - (1 << 16), found)


def _sizes(differences: Cells) -> Cells:
    """Bits of each difference (T.81 table H.2); 32768 is of category 16 and has none."""
    size = np.zeros(differences.shape, np.int64)
    magnitude = np.abs(differences)
    for bit in range(_CATEGORIES - 1):
        size += magnitude >= 1 << bit
    return size


def _table(counts: Cells) -> tuple[dict[int, int], list[int]]:
    """Length of the code of each category, and the categories in the order of their codes: Huffman, at most 16 bits.

    Counted in is one that never comes, as no code may be all ones (T.81 K.2).
    """
    counts = counts.copy()
    while True:
        trees: list[tuple[int, tuple[int, ...]]] = [(0, (-1,))]
        trees += [(int(count), (which,)) for which, count in enumerate(counts) if count]
        lengths = dict.fromkeys((which for _, members in trees for which in members), 0)
        while len(trees) > 1:
            trees.sort(key=lambda tree: (tree[0], -1 in tree[1]), reverse=True)
            one, two = trees.pop(), trees.pop()
            for which in one[1] + two[1]:
                lengths[which] += 1
            trees.append((one[0] + two[0], one[1] + two[1]))
        if max(lengths.values()) <= _BITS:
            break
        counts = np.where(counts > 0, counts // 2 + 1, 0)
    lengths[-1] = max(lengths.values())  # the one that never comes is the longest, and last
    symbols = sorted((which for which in lengths if which >= 0), key=lambda which: (lengths[which], which))
    return {which: lengths[which] for which in symbols}, symbols


def _headers(shape: tuple[int, ...], precision: int, lengths: dict[int, int], symbols: list[int]) -> list[bytes]:
    rows, columns, samples = shape
    frame = struct.pack(">BHHB", precision, rows, columns, samples)
    frame += b"".join(bytes((number, 0x11, 0)) for number in range(1, samples + 1))
    counts = bytes(sum(length == wanted for length in lengths.values()) for wanted in range(1, _BITS + 1))
    scan = bytes((samples,)) + b"".join(bytes((number, 0)) for number in range(1, samples + 1)) + b"\1\0\0"
    parts = ((0xC3, frame), (0xC4, b"\0" + counts + bytes(symbols)), (0xDA, scan))
    return [bytes((0xFF, code)) + struct.pack(">H", len(content) + 2) + content for code, content in parts]


def _coded(differences: Cells, sizes: Cells, lengths: dict[int, int], symbols: list[int]) -> bytes:
    """All differences as bits, filled up with ones and stuffed."""
    codes, long = np.zeros(_CATEGORIES, np.int64), np.zeros(_CATEGORIES, np.int64)
    code = before = 0
    for which in symbols:
        code <<= lengths[which] - before
        before = lengths[which]
        codes[which], long[which] = code, before
        code += 1
    extra = np.where(sizes == _CATEGORIES - 1, 0, sizes)
    low = np.where(differences < 0, differences + (1 << extra) - 1, differences)
    low = np.where(extra > 0, low & ((1 << extra) - 1), 0)
    words = codes[sizes] << extra | low
    total = long[sizes] + extra
    return _packed_bits(words, total).replace(b"\xff", b"\xff\x00")


def _packed_bits(words: Cells, lengths: Cells) -> bytes:
    """Words of these lengths, most significant bit first, one behind the other; in pieces, as memory is bounded."""
    tail, parts = np.zeros(0, np.uint8), list[bytes]()
    step = 1 << 18
    for start in range(0, len(words), step):
        word, length = words[start : start + step], lengths[start : start + step]
        ends = np.cumsum(length)
        total = int(ends[-1])
        index = np.repeat(ends, length) - np.arange(total) - 1
        bits = (np.repeat(word, length) >> index & 1).astype(np.uint8)
        bits = np.concatenate([tail, bits])
        whole = len(bits) // 8 * 8
        parts.append(np.packbits(bits[:whole]).tobytes())
        tail = bits[whole:]
    fill = np.ones(-len(tail) % 8, np.uint8)
    return b"".join([*parts, np.packbits(np.concatenate([tail, fill])).tobytes()])
