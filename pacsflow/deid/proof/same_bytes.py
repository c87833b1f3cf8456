"""Where bytes differ from others of the same length: instances of a series mostly have the same headers."""

from typing import Final

_BLOCK: Final = 128
_STRETCH: Final = 8 * _BLOCK
LARGEST: Final = 1 << 16
"""Bytes that are remembered of one instance."""
REMEMBERED: Final = 256
Span = tuple[int, int]


def changed(old: bytes, new: bytes) -> list[Span] | None:
    """Spans outside of which both are equal, in order; None where they differ in most places, or in length.

    Long stretches are compared first, as most are equal.
    """
    size = len(new)
    if len(old) != size:
        return None
    spans: list[Span] = []
    number = 0
    for begin in range(0, size, _STRETCH):
        end = begin + _STRETCH
        if old[begin:end] == new[begin:end]:
            continue
        for start in range(begin, min(end, size), _BLOCK):
            stop = start + _BLOCK
            if old[start:stop] != new[start:stop]:
                number += 1
                if spans and spans[-1][1] == start:
                    spans[-1] = (spans[-1][0], stop)
                else:
                    spans.append((start, stop))
    return spans if number * _BLOCK * 2 <= size else None


def widened(spans: list[Span], by: int, size: int) -> list[Span]:
    """The spans and `by` bytes around them."""
    return [(max(0, start - by), min(size, stop + by)) for start, stop in spans]
