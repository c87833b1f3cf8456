"""Native pixel data (PS3.5 8.1, 8.2): as many bytes as the header promises, and no overlay in its cells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.picture import Picture

_CELLS: Final = {8: "u1", 16: "<u2", 32: "<u4"}


@dataclass(frozen=True)
class Cells:
    """What is done with bits that an overlay was drawn in: cleared or, of signed cells, like the sign (PS3.5 8.1.1)."""

    kind: str
    mask: int
    sign: int

    @classmethod
    def of(cls, picture: Picture, bits: Iterable[int]) -> "Cells | None":
        """None where there is nothing to do. Raises UnclearError where the bits belong to the image."""
        mask = sum(1 << bit for bit in set(bits))
        if not mask:
            return None
        used = range(max(0, picture.high - picture.stored + 1), picture.high + 1)
        kind = _CELLS.get(picture.allocated)
        if kind is None or mask >> picture.allocated or any(mask >> bit & 1 for bit in used):
            raise UnclearError("an overlay within the bits of the image")
        return cls(kind, mask, picture.high if picture.signed else -1)

    def cleared(self, data: bytes) -> bytes:
        """Whole cells without the overlay."""
        cells = np.frombuffer(data, self.kind)
        wanted = cells & np.array(~self.mask & (1 << 8 * cells.itemsize) - 1, self.kind)
        if self.sign >= 0:
            negative = (cells >> np.array(self.sign, self.kind)) & np.array(1, self.kind)
            above = sum(1 << bit for bit in range(self.sign + 1, 8 * cells.itemsize)) & self.mask
            wanted = wanted | negative * np.array(above, self.kind)
        return bytes(wanted.astype(self.kind))

    def flow(self, pieces: Iterable[memoryview]) -> Iterator[bytes]:
        """Pieces of any length without the overlay; the bytes of a last cell that is cut short are not given."""
        held, size = b"", np.dtype(self.kind).itemsize
        for piece in pieces:
            data = held + bytes(piece)
            whole = len(data) - len(data) % size
            yield self.cleared(data[:whole])
            held = data[whole:]
