"""Reads single values out of a walked dataset, for the guards and for telling whose it is."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from pacsflow.deid.encoding.charsets import decoded, encodings
from pacsflow.deid.encoding.walk import Level

CHARSET: Final = 0x00080005
"""Specific Character Set."""


@dataclass(slots=True, frozen=True)
class Header:
    """A dataset's top level, read on demand."""

    level: Level
    view: memoryview
    head: bytes = b""
    """The bytes before the pixel data where they are at hand; else empty."""

    def raw(self, tag: int) -> bytes:
        """The value as encoded; empty where the element is absent."""
        span = self.level.elements.get(tag)
        if span is None:
            return b""
        _, _, start, stop = span
        return self.head[start:stop] if stop <= len(self.head) else bytes(self.view[start:stop])

    def several(self, tags: tuple[int, ...]) -> tuple[bytes, ...]:
        """The values of two tags or more, as `raw` gives them; where they stand is remembered for a shape."""
        level = self.level
        if not level.shared:
            return tuple(map(self.raw, tags))
        if tags not in level.takers:
            level.takers[tags] = _taker(level, tags, len(self.head))
        take = level.takers[tags]
        return take(self.head) if take else tuple(map(self.raw, tags))

    def text(self, tag: int) -> str:
        """The value as text, without padding."""
        value = self.raw(tag)
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii").strip(" \0")
        return decoded(value, self.charsets()).strip(" \0")

    def charsets(self) -> list[str]:
        """How this dataset's text is encoded."""
        return encodings(self.raw(CHARSET))


def _taker(level: Level, tags: tuple[int, ...], size: int) -> Callable[[bytes], tuple[bytes, ...]] | None:
    """None where a value stands behind the first `size` bytes."""
    pieces = [slice(*level.elements[tag][2:]) if tag in level.elements else slice(0, 0) for tag in tags]
    return itemgetter(*pieces) if all(piece.stop <= size for piece in pieces) else None
