"""Boxes painted into frames of JPEG (lossless), JPEG-LS and JPEG 2000: decoded, painted, encoded, and compared.

Where the code that came lost something, what it decodes to is kept from there on without loss.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from pacsflow.deid.burned.brush import Brush
from pacsflow.deid.burned.predicted import predicted_jpeg
from pacsflow.deid.envelope.frame import UnclearError
from pacsflow.deid.envelope.picture import Picture
from pacsflow.extras import missing

_ROOT: Final = "1.2.840.10008.1.2.4."
JPEG: Final = frozenset({f"{_ROOT}57", f"{_ROOT}70"})
JPEG_LS: Final = frozenset({f"{_ROOT}80", f"{_ROOT}81"})
JPEG_2000: Final = frozenset({f"{_ROOT}90", f"{_ROOT}91"})
RECODED: Final = JPEG | JPEG_LS | JPEG_2000
_ICT: Final = "YBR_ICT"
_BYTE: Final = 8
Cells = np.ndarray[Any, Any]


def painted_lossless(frame: bytes, brush: Brush, syntax: str) -> bytes:
    """The coded frame with its boxes painted, in the same transfer syntax.

    Raises UnclearError where there is no encoder for it, or where what comes out does not decode to what went in.
    """
    picture = brush.picture
    if picture.photometric == _ICT:
        raise UnclearError("text in JPEG 2000 whose colours were changed with loss (YBR_ICT)")
    cells = decoded_frame(frame, brush, syntax)
    flat = Brush(picture, brush.boxes)
    wanted = cells.copy()
    _plain(flat).cells(wanted[np.newaxis])
    coded = _encoded(wanted, brush, syntax)
    if not np.array_equal(decoded_frame(coded, brush, syntax), wanted):
        raise UnclearError("text in compressed pixels: what was encoded decodes to something else")
    return coded


def _plain(brush: Brush) -> Brush:
    """For pixels as decoders give them: RGB where the code holds a reversible change of colours."""
    if brush.picture.photometric != "YBR_RCT":
        return brush
    return replace(brush, picture=replace(brush.picture, photometric="RGB"))


def decoded_frame(frame: bytes, brush: Brush, syntax: str) -> Cells:
    """Row, column, sample of one coded frame, no colours changed. Raises UnclearError where it cannot be decoded."""
    from pydicom.pixels.decoders.base import get_decoder

    picture = brush.picture
    try:
        array, _ = get_decoder(syntax).as_array(_encapsulated(frame), raw=True, **_facts(picture))
    except Exception as error:  # noqa: BLE001 decoders raise anything
        raise UnclearError(f"compressed pixels that cannot be decoded ({type(error).__name__})") from None
    return np.ascontiguousarray(array).reshape(picture.rows, picture.columns, picture.samples)


def _facts(picture: Picture) -> dict[str, Any]:
    """What pydicom wants to know of one frame."""
    return {
        "rows": picture.rows,
        "columns": picture.columns,
        "samples_per_pixel": picture.samples,
        "number_of_frames": 1,
        "bits_allocated": picture.allocated,
        "bits_stored": picture.stored,
        "pixel_representation": int(picture.signed),
        "photometric_interpretation": picture.photometric,
        "planar_configuration": 0,
        "pixel_keyword": "PixelData",
    }


def _encapsulated(frame: bytes) -> bytes:
    from pydicom.encaps import encapsulate

    return bytes(encapsulate([frame], has_bot=False))


def _encoded(cells: Cells, brush: Brush, syntax: str) -> bytes:
    if syntax in JPEG:
        return predicted_jpeg(cells, brush.picture)
    from pydicom.pixels.encoders.base import get_encoder
    from pydicom.uid import JPEG2000Lossless, JPEGLSLossless

    if syntax in JPEG_LS and missing("jpeg_ls"):
        raise UnclearError("text in JPEG-LS without the package pyjpegls")
    picture = brush.picture
    facts = _facts(picture) | {"bits_allocated": cells.dtype.itemsize * _BYTE}
    del facts["pixel_keyword"]
    try:
        encoder = get_encoder(JPEG2000Lossless if syntax in JPEG_2000 else JPEGLSLossless)
        return bytes(encoder.encode(cells.tobytes(), **facts))
    except Exception as error:  # noqa: BLE001 encoders raise anything
        raise UnclearError(f"text in pixels that cannot be encoded again ({type(error).__name__})") from None
