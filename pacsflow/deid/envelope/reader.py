"""Bytes that come in pieces, taken in the sizes that are needed."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from pacsflow.deid.encoding.walk import Buffer
from pacsflow.errors import RefusalError

FRAME_AT_MOST: Final = 512 << 20
"""Bytes of one coded frame, which is held as a whole."""


class Reader:
    """Takes from pieces each of which holds until the next one is asked for."""

    def __init__(self, flow: Iterable[Buffer]) -> None:
        self._flow = iter(flow)
        self._piece = memoryview(b"")

    def take(self, size: int) -> bytes:
        """The next `size` bytes. Raises RefusalError where there are fewer, or more than may be held."""
        if size > FRAME_AT_MOST:
            raise RefusalError(f"too large: more than {FRAME_AT_MOST >> 20} MB in one frame")
        taken = [bytes(piece) for piece in self.pieces(size)]
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next `size` bytes as they come. Raises RefusalError where there are fewer."""
        while size:
            if not self._piece:
                self._piece = self._next()
            piece = self._piece[:size]
            self._piece = self._piece[len(piece) :]
            size -= len(piece)
            if piece:
                yield piece

    def rest(self) -> Iterator[memoryview]:
        """Whatever has not been taken."""
        return chain((self._piece,), map(memoryview, self._flow))

    def _next(self) -> memoryview:
        for piece in self._flow:
            return memoryview(piece)
        raise RefusalError("malformed: pixel data cut off")
