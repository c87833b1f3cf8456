"""A dataset in an encoding that can be walked, its top level at hand."""

from typing import Final

from pacsflow.deid.contract import Source
from pacsflow.deid.encoding import normalize
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.encoding.shapes import LARGEST, Shapes
from pacsflow.deid.encoding.walk import NotStrictError, Walk
from pacsflow.errors import RefusalError

PATIENT_ID: Final = 0x00100020
_PICTURE: Final = 0x7FE00000
"""The first tag of the pixel data's group."""

_shapes = Shapes()


def walked(source: Source) -> tuple[Source, Walk, Header]:
    """The instance in an encoding the walk takes, and its top level. Raises RefusalError `malformed: …`."""
    if source.transfer_syntax_uid == normalize.DEFLATED:
        source = normalize.inflated(source)
    if source.transfer_syntax_uid != normalize.BIG_ENDIAN:
        try:
            return source, *_walk(source)
        except NotStrictError:
            pass
    source = normalize.normalized(source)
    try:
        return source, *_walk(source)
    except NotStrictError as error:
        raise RefusalError(f"malformed: {error}") from None


def _walk(source: Source) -> tuple[Walk, Header]:
    walk = Walk(source.dataset, explicit=source.transfer_syntax_uid != normalize.IMPLICIT)
    level, view = _shapes.dataset(walk), memoryview(source.dataset)
    stop = level.place(_PICTURE)
    return walk, Header(level, view, bytes(view[:stop]) if stop <= LARGEST else b"")
