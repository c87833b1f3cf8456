"""Large instances in bounded memory: all but the pixel data is cleaned and verified, the pixel data passes by.

The cleaner sees an empty value in its place, so that rules, guards and verification are those of every other
instance, and so are the bytes that come out.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Protocol

from pacsflow.deid.contract import Cleaned, Source
from pacsflow.deid.encoding.elements import Part
from pacsflow.deid.encoding.normalize import BIG_ENDIAN, DEFLATED, IMPLICIT, WHOLE_AT_MOST, too_large
from pacsflow.deid.encoding.pixel_data import pixels_at
from pacsflow.deid.encoding.walk import UNDEFINED, Buffer, NotStrictError
from pacsflow.deid.envelope.passage import Passage
from pacsflow.deid.envelope.reader import Reader
from pacsflow.deid.faults import faults_refused
from pacsflow.errors import RefusalError

HEAD_AT_MOST: Final = 64 << 20
BEHIND_AT_MOST: Final = 64 << 20
"""Bytes held at once: before the pixel data, and behind it."""

_END: Final = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_LENGTH = struct.Struct("<I").unpack_from


class Streaming(Protocol):
    """A cleaner that can let pixel data pass by."""

    def clean(self, source: Source) -> Cleaned:
        """The instance by the profile; of one whose pixel data is apart, all but that. Raises RefusalError."""

    def passage(self, source: Source) -> Passage:
        """How the pixel data goes out of an instance that it is apart from. Raises RefusalError."""


def clean_streamed(cleaner: Streaming, source: Source) -> Cleaned:
    """The instance by `cleaner`; its pixel data and what stands behind it in `rest`, which is read once.

    Where the encoding does not allow that, the instance is gathered in memory first. Raises RefusalError, as reading
    `rest` does: for pixel data that is cut off, for what is less than its header promises, and for what must not leave
    of what stands in its envelope and behind it.
    """
    begun = _begin(source)
    if isinstance(begun, Source):
        return cleaner.clean(begun)
    first = cleaner.clean(begun.empty())
    written = b"".join(first.parts)
    if not written.endswith(begun.stub):  # something is done to the pixel data itself
        return cleaner.clean(_gathered(begun.head + begun.header, begun.flow, source))
    passage = cleaner.passage(begun.empty())
    parts = [written[: -len(begun.stub)], passage.header(begun.header)]
    return replace(first, parts=parts, rest=_rest(begun, cleaner, written, passage))


def without_pixels(source: Source) -> Source:
    """The instance with an empty value as its pixel data, or as it is where it has to be taken as one."""
    begun = source if source.rest is None else _begin(source)
    return begun if isinstance(begun, Source) else begun.empty()


@dataclass(frozen=True)
class _Begun:
    """An instance that is read up to the value of its pixel data, which `flow` begins with."""

    source: Source
    head: bytes
    header: bytes
    flow: Iterator[memoryview]

    @property
    def stub(self) -> bytes:
        """The pixel data element without a value."""
        return self.header + _END if _length(self.header) == UNDEFINED else self.header[:-4] + bytes(4)

    def empty(self, behind: bytes = b"") -> Source:
        """The instance with an empty value as its pixel data."""
        return replace(self.source, dataset=self.head + self.stub + behind, rest=None, apart=True)


def _rest(begun: _Begun, cleaner: Streaming, written: bytes, passage: Passage) -> Iterator[Part]:
    reader = Reader(begun.flow)
    with faults_refused():
        yield from passage.flow(reader, _length(begun.header))
    behind = _behind(reader.rest())
    if not behind:
        return
    again = b"".join(cleaner.clean(begun.empty(behind)).parts)
    if not again.startswith(written):
        raise RefusalError("malformed: what stands behind the pixel data")
    yield again[len(written) :]


def _behind(rest: Iterable[Buffer]) -> bytes:
    behind = bytearray()
    for piece in rest:
        behind += piece
        if len(behind) > BEHIND_AT_MOST:
            raise RefusalError(f"too large: more than {BEHIND_AT_MOST >> 20} MB behind the pixel data")
    return bytes(behind)


def _length(header: bytes) -> int:
    return int(_LENGTH(header, len(header) - 4)[0])


def _begin(source: Source) -> _Begun | Source:
    """The instance read up to its pixel data; as one, where it has no pixel data that can pass by."""
    explicit = source.transfer_syntax_uid != IMPLICIT
    flow = iter(source.rest or ())
    have: Buffer = source.dataset
    while source.transfer_syntax_uid not in (DEFLATED, BIG_ENDIAN) and len(have) <= HEAD_AT_MOST:
        try:
            found = pixels_at(have, explicit=explicit)
        except NotStrictError:
            break
        if found:
            head, header = bytes(have[: found[0]]), bytes(have[found[0] : found[1]])
            if _length(header) % 2 and _length(header) != UNDEFINED:
                break
            return _Begun(source, head, header, chain((memoryview(have)[found[1] :],), flow))
        if (more := _grown(have, flow)) is None:
            break
        have = more
    return _gathered(have, flow, source)


def _grown(have: Buffer, flow: Iterator[memoryview]) -> Buffer | None:
    """Twice as much, as each look begins again, or all there is; None where nothing comes any more."""
    more, goal = bytearray(have), 2 * len(have) + 1
    for piece in flow:
        more += piece
        if len(more) >= goal:
            break
    return memoryview(more) if len(more) > len(have) else None


def _gathered(have: Buffer, flow: Iterable[memoryview], source: Source) -> Source:
    """The instance as one, as far as memory is given for it."""
    whole = bytearray(have)
    for piece in flow:
        whole += piece
        if len(whole) > WHOLE_AT_MOST:
            raise too_large()
    return replace(source, dataset=memoryview(whole), rest=None)
