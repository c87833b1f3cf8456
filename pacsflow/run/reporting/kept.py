"""A sequence too long for memory: what is added goes to a temporary file without a name, and is read back in order."""

import pickle
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar, overload

T = TypeVar("T")

IN_MEMORY = 20_000
"""Sequences up to this length are kept in memory."""
READ_AT_ONCE = 500
"""So many items of a longer one are worked on together."""


class KeptApart(Sequence[T], Generic[T]):
    """Items in a file below TMPDIR, which is private while a session is open: see `scratch`.

    The file has no name and is gone with the process, as items may identify patients. Not for several threads at once.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 closed with the sequence
        weakref.finalize(self, self._file.close)
        self._places = array("Q")
        for item in items:
            self._places.append(self._file.tell())
            pickle.dump(item, self._file, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self._at(one) for one in range(len(self))[place]]
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[T]:
        return map(self._at, range(len(self)))

    def _at(self, place: int) -> T:
        self._file.seek(self._places[place])
        item: T = pickle.load(self._file)  # noqa: S301 this process wrote it, and no other can
        return item


def kept(items: Iterable[T], number: int) -> Sequence[T]:
    """The items, of which there are about `number`: in memory where they are few."""
    return tuple(items) if number <= IN_MEMORY else KeptApart(items)


def is_long(items: Sequence[object]) -> bool:
    """Whether a sequence is not to be held in memory, nor anything of each of its items."""
    return len(items) > IN_MEMORY


def parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """All items of a short sequence; of a long one some at a time."""
    step = READ_AT_ONCE if is_long(items) else len(items)
    for start in range(0, len(items), step or 1):
        yield items[start : start + step]
