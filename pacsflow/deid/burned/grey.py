"""Frames of an instance as arrays, few of them, and as the grey pictures that are read."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.burned.lossless import decoded_frame
from pacsflow.deid.burned.text_like import CELLS, strokes
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.walk import UNDEFINED
from pacsflow.deid.envelope.codecs import NATIVE
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.picture import Picture
from pacsflow.wording import counted

SAMPLED: Final = 12
"""Compressed frames that are decoded at most to see what stands still."""
_CELLS: Final = {8: "u1", 16: "u2", 32: "u4"}
_COLOURS: Final = 3
_PAIRED: Final = 2
Array = NDArray[Any]


class Frames:
    """The frames of one instance, decoded as they are asked for; grey: the brightest sample, or the brightness."""

    def __init__(self, header: Header, tag: int, syntax: str) -> None:
        _, _, value, stop = header.level.elements[tag]
        self._value = header.view[value:stop]
        open_ended = bytes(header.view[value - 4 : value]) == UNDEFINED.to_bytes(4, "little")
        self._syntax = syntax
        self._brush = Brush.of(header, ())
        self._coded: list[bytes] | None = None
        if open_ended:
            self._coded = _items(bytes(self._value), self.picture.frames)
        elif syntax not in NATIVE:
            raise UnclearError("pixel data in this transfer syntax")

    @property
    def picture(self) -> Picture:
        """What the header says of them."""
        return self._brush.picture

    def __len__(self) -> int:
        return self.picture.frames

    def grey(self, number: int) -> Array:
        """Rows and columns of frame `number`. Raises UnclearError where it cannot be decoded."""
        if self._coded is None:
            return _one(self._native(number), self.picture)
        if number >= len(self._coded):
            raise UnclearError("pixel data of fewer frames than its header promises")
        return _one(decoded_frame(self._coded[number], self._brush, self._syntax), self.picture)

    def _native(self, number: int) -> Array:
        picture = self.picture
        if picture.allocated == 1:
            cells = picture.rows * picture.columns
            first = number * cells
            bits = np.frombuffer(self._value[first // 8 : -(-(first + cells) // 8)], "u1")
            return np.unpackbits(bits, bitorder="little")[first % 8 :][:cells].reshape(picture.rows, picture.columns, 1)
        if picture.allocated not in _CELLS:
            raise UnclearError(f"pixels of {counted(picture.allocated, 'bit')}")
        if picture.photometric.endswith("_422") and len(self._value) < picture.whole:
            return self._paired(number)
        piece = np.frombuffer(self._value, f"<{_CELLS[picture.allocated]}", offset=0)
        size = picture.rows * picture.columns * picture.samples
        frame = piece[number * size : (number + 1) * size]
        if self._brush.planar and picture.samples > 1:
            return np.moveaxis(frame.reshape(picture.samples, picture.rows, picture.columns), 0, 2)
        return frame.reshape(picture.rows, picture.columns, picture.samples)

    def _paired(self, number: int) -> Array:
        picture = self.picture
        size = picture.rows * picture.columns * _PAIRED
        frame = np.frombuffer(self._value, "u1")[number * size : (number + 1) * size]
        return frame.reshape(picture.rows, picture.columns // _PAIRED, 4)[..., :_PAIRED].reshape(
            picture.rows, picture.columns, 1
        )

    def extremes(self) -> tuple[Array, Array]:
        """Minimum and maximum over frames; of compressed ones, over a few that lie evenly. Raises UnclearError."""
        step = 1 if self._coded is None else max(1, -(-len(self) // SAMPLED))
        lowest = highest = self.grey(0)
        for number in range(step, len(self), step):
            frame = self.grey(number)
            lowest, highest = np.minimum(lowest, frame), np.maximum(highest, frame)
        return lowest, highest


def _items(value: bytes, frames: int) -> list[bytes]:
    from pydicom.encaps import generate_frames

    try:
        return [bytes(frame) for frame in generate_frames(value, number_of_frames=frames)]
    except ValueError:
        raise UnclearError("encapsulated pixel data") from None


def _one(cells: Array, picture: Picture) -> Array:
    """One number a pixel, as stored; signed ones as such, MONOCHROME1 turned round."""
    if picture.samples == _COLOURS and cells.shape[-1] == _COLOURS:
        return np.asarray(cells[..., 0] if picture.photometric.startswith("YBR_F") else cells.max(-1))
    grey = cells[..., 0]
    if picture.signed and grey.dtype.kind == "u":
        mask = (1 << picture.stored) - 1
        grey = grey.astype(np.int64) & mask
        grey = np.where(grey > mask >> 1, grey - mask - 1, grey)
    elif not picture.signed and picture.allocated > 1:
        grey = grey & np.array((1 << picture.stored) - 1, grey.dtype)
    return grey.max() - grey.astype(np.int64) if picture.photometric == "MONOCHROME1" else np.asarray(grey)


class GreyView(NamedTuple):
    """A picture of 8 bits as it is read, and whether small letters are looked for in it too."""

    picture: NDArray[np.uint8]
    enlarged: bool


def shown(grey: Array) -> NDArray[np.uint8] | None:
    """The picture as a person sees it, 8 bits; None where it shows nothing."""
    low, high = (float(edge) for edge in np.percentile(grey, (0.5, 99.8)))
    if float(grey.max()) <= float(grey.min()):
        return None
    return _scaled(grey, min(low, float(grey.min()) if high <= low else low), max(high, low + 1))


def readable(grey: Array) -> Iterator[GreyView]:
    """The picture as it is read: all that it shows, its brightest pixels alone, as text mostly is, and its strokes.

    A large picture as a whole only: its parts are looked at by themselves, and its anatomy is larger than letters.
    """
    whole = shown(grey)
    if whole is None:
        return
    yield GreyView(whole, enlarged=True)
    if grey.size > CELLS:
        return
    low, edge = (float(each) for each in np.percentile(grey, (0.5, 97)))
    top = float(grey.max())
    if top > edge > low:
        yield GreyView(_scaled(grey, edge, top), enlarged=True)
    yield GreyView(strokes(whole), enlarged=False)


def _scaled(grey: Array, low: float, high: float) -> NDArray[np.uint8]:
    scaled = (grey.astype(np.float32) - low) * (255 / max(high - low, 1))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def chosen(frames: int) -> Sequence[int]:
    """First, middle and last."""
    return sorted({0, frames // 2, frames - 1})
