"""One coded frame, taken apart."""

from dataclasses import dataclass, field
from typing import Final, NoReturn

from pacsflow.errors import RefusalError

SHORT_FIX: Final = "look at the image on the PACS: its pixels are not all there"
TAIL: Final = 1024
"""Bytes at the end of coded data that are searched: what is hidden behind the last block stands there."""


class UnclearError(RefusalError):
    """Pixel data whose envelope cannot be cleaned without decoding it: refused, unless nothing is to be cleaned."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"pixels: {what} cannot be cleaned",
            fix="have the PACS send these images uncompressed, or in JPEG, JPEG-LS, JPEG 2000 or RLE",
        )


@dataclass
class Frame:
    """What stays of a frame, in order; the bytes of it that are not a picture, and those that were taken out.

    `precision`: bits of a sample as coded; 0 where the code does not tell.
    """

    parts: list[bytes | memoryview] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    dropped: list[bytes] = field(default_factory=list)
    precision: int = 0

    def keep(self, data: bytes) -> None:
        """Bytes that stay and are not a picture."""
        self.parts.append(data)
        self.kept.append(data)

    def coded(self, data: bytes) -> None:
        """Bytes of coded picture."""
        self.parts.append(data)
        self.kept.append(data[-TAIL:])


def short(what: str) -> RefusalError:
    """The refusal of pixel data that is less than its header promises. `what` holds numbers, never values."""
    return RefusalError(f"malformed: {what}", fix=SHORT_FIX)


def broken(what: str) -> NoReturn:
    """Raise the refusal of a frame that cannot be followed to its end."""
    raise short(what)
