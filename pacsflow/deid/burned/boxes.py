"""Rectangles of a picture, in rows and columns."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple


class Box(NamedTuple):
    """Rows `top` to before `bottom`, columns `left` to before `right`; the picture's first row and column are 0."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """Pixels."""
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    def wider(self, rows: int, columns: int) -> "Box":
        """With a margin on each side."""
        return Box(self.top - rows, self.left - columns, self.bottom + rows, self.right + columns)

    def within(self, rows: int, columns: int) -> "Box":
        """What of it lies in a picture of this size; of no area where nothing does."""
        return Box(max(0, self.top), max(0, self.left), min(self.bottom, rows), min(self.right, columns))

    def meets(self, other: "Box") -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.top < other.bottom and other.top < self.bottom and self.left < other.right and other.left < self.right
        )


def inside(boxes: Iterable[Box], rows: int, columns: int) -> tuple[Box, ...]:
    """What of the boxes lies in a picture of this size, each once, in order."""
    return tuple(sorted({box for each in boxes if (box := each.within(rows, columns)).area}))


def regions(boxes: Sequence[Box], reach: float) -> list[list[Box]]:
    """The boxes in groups: two are of one group where each, wider by `reach` times its height, meets the other.

    Lines of one block of text so come together, and words of one line.
    """
    wide = [box.wider(step := round(reach * (box.bottom - box.top)), step) for box in boxes]
    group = list(range(len(boxes)))
    for one in range(len(boxes)):
        for two in range(one):
            if wide[one].meets(boxes[two]) and wide[two].meets(boxes[one]) and group[one] != group[two]:
                old, new = group[one], group[two]
                group = [new if each == old else each for each in group]
    return [[box for box, each in zip(boxes, group, strict=True) if each == name] for name in dict.fromkeys(group)]


def outside(kept: Sequence[Box], rows: int, columns: int) -> tuple[Box, ...]:
    """Boxes that together are all of the picture but `kept`."""
    cuts = sorted({0, rows, *(edge for box in kept for edge in (box.top, box.bottom) if 0 < edge < rows)})
    found: list[Box] = []
    for top, bottom in pairwise(cuts):
        at = 0
        for box in sorted((box for box in kept if box.top <= top < box.bottom), key=lambda box: box.left):
            if box.left > at:
                found.append(Box(top, at, bottom, box.left))
            at = max(at, box.right)
        if at < columns:
            found.append(Box(top, at, bottom, columns))
    return inside(found, rows, columns)
