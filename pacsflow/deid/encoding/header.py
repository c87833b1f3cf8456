"""Reads single values out of a walked dataset, for the guards and for telling whose it is."""

from dataclasses import dataclass
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

    def raw(self, tag: int) -> bytes:
        """The value as encoded; empty where the element is absent."""
        span = self.level.elements.get(tag)
        return bytes(self.view[span[2] : span[3]]) if span else b""

    def text(self, tag: int) -> str:
        """The value as text, without padding."""
        value = self.raw(tag)
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii").strip(" \0")
        return decoded(value, self.charsets()).strip(" \0")

    def charsets(self) -> list[str]:
        """How this dataset's text is encoded."""
        return encodings(self.raw(CHARSET))
