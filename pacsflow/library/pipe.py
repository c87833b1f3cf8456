"""Bytes from the thread that receives to the one that uses them: a queue that holds few of them at a time."""

import threading
from collections import deque
from collections.abc import Iterator


class AbandonedError(Exception):
    """Nobody wants what comes any more."""


class Pipe:
    """A queue of at most `most` bytes, or one piece that is larger. One thread puts, one takes."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._pieces: deque[bytes] = deque()
        self._turn = threading.Condition()
        self._ended = self._waiting = False
        self.abandoned = threading.Event()

    def put(self, piece: bytes) -> None:
        """Add a piece once there is room for it. Raises AbandonedError."""
        with self._turn:
            self._waiting = True
            self._turn.wait_for(
                lambda: self.abandoned.is_set() or not self._bytes or self._bytes + len(piece) <= self._most
            )
            self._waiting = False
            if self.abandoned.is_set():
                raise AbandonedError
            self._pieces.append(piece)
            self._bytes += len(piece)
            self._turn.notify_all()

    @property
    def full(self) -> bool:
        """Whether the thread that puts waits until something is taken."""
        with self._turn:
            return self._waiting

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._pieces or self._ended)
                if not self._pieces:
                    return
                piece = self._pieces.popleft()
                self._bytes -= len(piece)
                self._turn.notify_all()
            yield piece

    def end(self) -> None:
        """Nothing more is put."""
        with self._turn:
            self._ended = True
            self._turn.notify_all()

    def abandon(self) -> None:
        """Nothing more is taken: who puts is told."""
        with self._turn:
            self.abandoned.set()
            self._pieces.clear()
            self._bytes = 0
            self._turn.notify_all()
