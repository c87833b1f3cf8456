"""What was proved of an instance before: of the next one like it, only what changed is searched again.

That is one of the same patient, with the same elements at the same places.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from pacsflow.deid.proof.numbers_told import counted
from pacsflow.deid.proof.originals import Sought
from pacsflow.deid.proof.same_bytes import Span, changed, widened
from pacsflow.deid.proof.structure import TEXTS, TIMED, Leaf, getter

_NUMBER: Final = 17
"""Bytes of the longest number in text (PS3.5 6.2, VR DS), and one beside it."""
_REMEMBERED: Final = 64
Values = Callable[[bytes], tuple[bytes, ...]]


class Near(NamedTuple):
    """Where in instances of one kind is to be searched that differ in certain spans."""

    around: Values
    """All bytes in these spans, and as many around them as a value may reach out of them."""
    texts: Values
    untimed: Values
    """The values of elements that reach into them: of text, and of all VRs but dates, times and UIDs."""
    counted: Sequence[Leaf]
    numbers: Values
    """Those that may tell a number, and their values."""


class Proved(NamedTuple):
    """A part of an instance in which nothing was found: all its elements, whose values and which times were sought."""

    part: bytes
    leaves: Sequence[Leaf]
    sought: Sought
    times: frozenset[bytes]
    known: dict[tuple[Span, ...], Near]

    def near(self, part: bytes) -> Near | None:
        """Where another one of the same elements differs; None where that is in most places."""
        spans = changed(self.part, part)
        if spans is None:
            return None
        key = tuple(spans)
        near = self.known.get(key)
        if near is None:
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            near = self.known[key] = self._near(spans)
        return near

    def _near(self, spans: list[Span]) -> Near:
        found = list(self._within(spans))
        numbers = counted(found)
        return Near(
            getter([slice(*span) for span in widened(spans, self.sought.longest + _NUMBER, len(self.part))]),
            _values(leaf for leaf in found if leaf.vr in TEXTS),
            _values(leaf for leaf in found if leaf.vr not in TIMED),
            numbers,
            _values(numbers),
        )

    def _within(self, spans: Sequence[Span]) -> Iterator[Leaf]:
        """Elements that reach into one of the spans; one in several spans comes several times."""
        for start, stop in spans:
            for place in range(max(0, bisect_right(self.leaves, start, key=_start) - 1), len(self.leaves)):
                leaf = self.leaves[place]
                if leaf.start >= stop:
                    break
                if leaf.stop > start:
                    yield leaf


def _start(leaf: Leaf) -> int:
    return leaf.start


def _values(leaves: Iterable[Leaf]) -> Values:
    return getter([slice(leaf.start, leaf.stop) for leaf in leaves])
