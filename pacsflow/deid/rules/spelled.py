"""Words that stand in bytes of numbers, whoever they name: as letters, in pairs turned around, as numbers of letters.

Nothing tells a short name from numbers. What is looked for is a run of letters in one case that goes up and down as
words do, and as no table of colours or gray values does: those rise or fall, or repeat.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final

from pacsflow.deid.vocabulary import vocabulary

_LEAST: Final = ((1 << 12, 7), (1 << 16, 8), (1 << 62, 11))
"""Bytes of a value, and the letters of the shortest word in it: in many numbers more of them are letters by chance."""
_RUN: Final = re.compile(rb"[A-Za-z]{7,}")
_WORD: Final = re.compile(rb"[A-Z]?[a-z]{6,}|[A-Z]{7,}")
_WIDE: Final = (
    re.compile(rb"(?:[A-Za-z]\0){7,}"),
    re.compile(rb"(?:\0[A-Za-z]){7,}"),
    re.compile(rb"(?:[A-Za-z]\0\0\0){7,}"),
    re.compile(rb"(?:[A-Za-z]\0{7}){7,}"),
)
_SINGLE: Final = re.compile(rb"(?:\0\0[\x80-\xff]\x42){7,}", re.DOTALL)
_DOUBLE: Final = re.compile(rb"(?:\0{5}[\x00-\xff][\x50-\x5f]\x40){7,}", re.DOTALL)
"""Arrays of FL and FD with numbers from 64 to 127."""
ANY: Final = re.compile(
    rb"[A-Za-z]{7}|(?:[A-Za-z]\0){7}|(?:[A-Za-z]\0{3}){7}|(?:[A-Za-z]\0{7}){7}|(?:\0[A-Za-z]){7}"
    rb"|(?:\0\0[\x80-\xff]\x42){7}|(?:\0{5}[\0-\xff][\x50-\x5f]\x40){7}",
    re.DOTALL,
)
"""What must be there where there is a word at all: one look at many values."""
_TURNS, _DISTINCT = 2, 3
_COMMON, _ODD_PAIRS = 300, 5
"""Pairs of letters that are common, and letters of a word to one pair that is not."""


def spells(value: bytes) -> bool:
    """Whether a word stands in bytes that should be numbers."""
    least = next(letters for size, letters in _LEAST if len(value) <= size)
    return any(_is_word(word) for run in _letters(value) for word in _WORD.findall(run) if len(word) >= least)


@cache
def _pairs() -> frozenset[bytes]:
    """Two letters that stand side by side in many words and names."""
    words = [word.encode() for word in vocabulary() if word.isascii() and word.isalpha()]
    counts = Counter(word[at : at + 2] for word in words for at in range(len(word) - 1))
    return frozenset(pair for pair, _ in counts.most_common(_COMMON))


def _letters(value: bytes) -> Iterator[bytes]:
    """Runs of letters in each way in which numbers may hold them."""
    for run in _RUN.findall(value):
        yield run
        yield from (_turned(run[start:]) for start in (0, 1))
    said = len(value.strip(b"\0")) // 2  # numbers that are letters by chance, as indices may be, are few among others
    for wide in _WIDE:
        yield from (run.replace(b"\0", b"") for run in wide.findall(value) if len(run) > said)
    for run in _SINGLE.findall(value):
        if len(run) <= said:
            continue
        yield _counted(run[at + 2] << 16 | run[at + 3] << 24 for at in range(0, len(run), 4))
    for run in _DOUBLE.findall(value):
        if len(run) <= said:
            continue
        yield _counted(_of_double(run[at + 5], run[at + 6]) for at in range(0, len(run), 8))


def _counted(bits: Iterator[int]) -> bytes:
    """Numbers of four bytes (IEEE 754) from 64 to 127, each as the letter of its number, if it is whole."""
    return bytes(64 + (each >> 17 & 0x3F) if not each & 0x1FFFF else 0 for each in bits)


def _of_double(low: int, high: int) -> int:
    """The same number in four bytes; its last ones are zero."""
    mantissa = (high & 0xF) << 8 | low
    return 0x42 << 24 | 1 << 23 | mantissa << 11


def _turned(run: bytes) -> bytes:
    pairs = run[: len(run) // 2 * 2]
    return b"".join([pairs[at + 1 : at + 2] + pairs[at : at + 1] for at in range(0, len(pairs), 2)])


def _is_word(word: bytes) -> bool:
    """Whether letters go up and down, also when pairs are turned, and neither half of the pairs hardly changes."""
    low = word.lower()
    halves = low[::2], low[1::2]
    if min(map(_turns, (low, _turned(low)))) < _TURNS or any(len(set(half)) < _DISTINCT for half in halves):
        return False
    return sum(low[at : at + 2] not in _pairs() for at in range(len(low) - 1)) <= len(low) // _ODD_PAIRS


def _turns(letters: bytes) -> int:
    steps = [second - first for first, second in pairwise(letters) if first != second]
    return sum((first > 0) != (second > 0) for first, second in pairwise(steps))
