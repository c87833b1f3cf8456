"""Boxes painted into native frames (PS3.5 8.1, PS3.3 C.7.6.3): no other pixel changes a bit."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.picture import Picture
from pacsflow.wording import counted

PLANAR: Final = 0x00280006
"""Planar Configuration."""
_CELLS: Final = {8: "u1", 16: "<u2", 32: "<u4", 64: "<u8"}
_PAIRS: Final = frozenset({"YBR_FULL_422", "YBR_PARTIAL_422"})
_WHOLE: Final = frozenset({"YBR_FULL", "YBR_RCT", "YBR_ICT"})
_COLOURS: Final = 3
Cells = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class Brush:
    """Paints `boxes` into frames of a picture. `planar`: samples of native frames lie plane by plane."""

    picture: Picture
    boxes: tuple[Box, ...]
    planar: bool = False

    @classmethod
    def of(cls, header: Header, boxes: tuple[Box, ...]) -> "Brush":
        """For the picture of a dataset. Raises RefusalError for pixel data of no size."""
        return cls(Picture.of(header), boxes, planar=header.raw(PLANAR)[:1] == b"\1")

    @property
    def fill(self) -> tuple[int, ...]:
        """The whole cell of each sample in a box: black, as far as that is in the range of every such picture.

        Signed pixels become 0: the lowest one would stretch every window that is chosen from extremes. Of a palette
        it is index 0, whatever colour that is.
        """
        picture = self.picture
        shift = max(0, picture.high - picture.stored + 1)
        top = (1 << picture.stored) - 1
        if picture.photometric == "MONOCHROME1" and not picture.signed:
            return (top << shift,) * picture.samples
        if picture.photometric in _PAIRS | _WHOLE and picture.samples == _COLOURS:
            grey = (top // 2 + 1) << shift
            return (0, grey, grey)
        return (0,) * picture.samples

    def native(self, data: bytearray, frames: int) -> None:
        """Paint into `frames` whole frames; those of single bits follow each other without a gap (PS3.5 8.1.1).

        Raises UnclearError for cells of a size, or colours in an order, that this does not know.
        """
        picture = self.picture
        if picture.allocated == 1:
            self._bits(data, frames)
        elif picture.allocated not in _CELLS:
            raise UnclearError(f"text in pixels of {counted(picture.allocated, 'bit')}")
        elif len(data) == picture.frame * frames:
            self.cells(self._shaped(data, frames))
        elif picture.photometric in _PAIRS and len(data) * 3 == picture.frame * frames * 2:
            self._paired(data, frames)
        else:
            raise UnclearError(f"text in pixels of {picture.photometric[:16]} of this length")

    def _shaped(self, data: bytearray, frames: int) -> Cells:
        """A view of the frames: frame, row, column, sample."""
        picture = self.picture
        cells = np.frombuffer(data, _CELLS[picture.allocated])
        if self.planar and picture.samples > 1:
            shaped = cells.reshape(frames, picture.samples, picture.rows, picture.columns)
            return np.moveaxis(shaped, 1, 3)
        return cells.reshape(frames, picture.rows, picture.columns, picture.samples)

    def cells(self, cells: Cells) -> None:
        """Paint into an array of frame, row, column, sample."""
        for box in self.boxes:
            cells[:, box.top : box.bottom, box.left : box.right] = self.fill

    def _bits(self, data: bytearray, frames: int) -> None:
        picture = self.picture
        count = picture.rows * picture.columns * picture.samples * frames
        bits = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little")
        shape = (frames, picture.rows, picture.columns, picture.samples)
        self.cells(bits[:count].reshape(shape))
        data[:] = np.packbits(bits, bitorder="little").tobytes()

    def _paired(self, data: bytearray, frames: int) -> None:
        """Two pixels share their colours: Y Y B R (PS3.3 C.7.6.3.1.2). A box takes both."""
        picture = self.picture
        if picture.columns % 2:
            raise UnclearError("text in pairs of pixels with one left over")
        y, blue, red = self.fill
        pairs = np.frombuffer(data, _CELLS[picture.allocated])
        pairs = pairs.reshape(frames, picture.rows, picture.columns // 2, 4)
        for box in self.boxes:
            pairs[:, box.top : box.bottom, box.left // 2 : -(-box.right // 2)] = (y, y, blue, red)
