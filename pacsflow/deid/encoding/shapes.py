"""Datasets of one shape: where all headers are the same and stand at the same places, one walk holds for all.

Instances of a series mostly are of one shape. What is remembered are tags, VRs, lengths and places, never a value.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.encoding.walk import OB, OW, SQ, Level, NotStrictError, Walk

REMEMBERED: Final = 512
LARGEST: Final = 1 << 16
"""Bytes of headers in a shape that is remembered."""
_OPEN: Final = b"\xff\xff\xff\xff"


class Shape(NamedTuple):
    """A walked dataset, its sequences too: where the bytes stand that are no values, those bytes, what they say."""

    places: NDArray[np.intp]
    headers: bytes
    level: Level


class Shapes:
    """The shapes met last; `dataset` gives what Walk.dataset gives. Threads may share it."""

    def __init__(self) -> None:
        self._known: dict[int, Shape | None] = {}

    def dataset(self, walk: Walk) -> Level:
        """The top level of a dataset, with offsets in bytes; not to be changed, as others have the same object.

        Always equal to `walk.dataset()`: a known shape is used only where every byte that is not a value is the same.
        In implicit VR (PS3.5 A.1) values may hide items, so nothing is remembered. Raises NotStrictError.
        """
        if not walk.explicit:  # there values tell sequences from bytes
            return walk.dataset()
        size = len(walk.buffer)
        shape = self._known.get(size)
        if shape and np.frombuffer(walk.buffer, np.uint8)[shape.places].tobytes() == shape.headers:
            return shape.level
        level = walk.dataset()
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        self._known[size] = _shape(walk, level) if size in self._known else None
        return level


def _shape(walk: Walk, level: Level) -> Shape | None:
    """None where a sequence cannot be read, or where values say how long things are: encapsulated pixel data."""
    try:
        values = list(_values(walk, level, 0))
    except NotStrictError:
        return None
    starts, ends = [0, *(stop for _, stop in values)], [*(start for start, _ in values), len(walk.buffer)]
    if sum(ends) - sum(starts) > LARGEST:
        return None
    level.shared = True
    places = np.concatenate([np.arange(*span) for span in zip(starts, ends, strict=True)])
    return Shape(places, np.frombuffer(walk.buffer, np.uint8)[places].tobytes(), level)


def _values(walk: Walk, level: Level, depth: int) -> Iterator[tuple[int, int]]:
    """Where the values begin and end, in order. Raises NotStrictError."""
    for tag, (vr, _, value, stop) in level.elements.items():
        if vr == SQ:
            for item in walk.items_of(level, tag, depth + 1):
                yield from _values(walk, item, depth + 1)
        elif vr in (OB, OW) and bytes(walk.buffer[value - 4 : value]) == _OPEN:
            raise NotStrictError("lengths within the value")
        else:
            yield value, stop
