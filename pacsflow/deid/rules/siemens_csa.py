"""CSA headers of Siemens MR, (0029,"SIEMENS CSA HEADER",10) and (0029,…,20), without what may identify.

They are lists of named elements with text items (form "SV10"). Listed elements stay where their items look as they
should; of the protocol text, lines whose value is a number stay. What cannot be read to its last element is removed,
so is the older form without "SV10".
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from pacsflow.deid.encoding.dictionary import PrivateTag
from pacsflow.deid.rules.actions import Answer, Case

CSA_HEADERS: Final[frozenset[PrivateTag]] = frozenset(
    {(0x0029, creator, number) for creator in ("SIEMENS CSA HEADER", "") for number in (0x10, 0x20)}
    | {(0x0021, creator, 0x19) for creator in ("SIEMENS MR SDR 01", "SIEMENS MR SDS 01", "SIEMENS MR SDI 02")}
)
"""Elements that hold a CSA header, or on XA scanners the protocol text alone."""

NUMBERS: Final = frozenset(
    """
    B_matrix B_value BandwidthPerPixelPhaseEncode DiffusionDirectionality DiffusionGradientDirection
    EchoColumnPosition EchoLinePosition EchoPartitionPosition FlowCompensation GradientMode ICE_Dims
    ImaAbsTablePosition ImaRelTablePosition ImageHistory MosaicRefAcqTimes NumberOfImagesInMosaic
    PhaseEncodingDirectionPositive ProtocolSliceNumber RealDwellTime SliceMeasurementDuration SliceNormalVector
    SlicePosition_PCS TimeAfterStart
    """.split()  # noqa: SIM905 - a list of words reads as one
)
"""Names of CSA elements that describe how an image was made."""
PROTOCOLS: Final = frozenset({"MrPhoenixProtocol", "MrProtocol"})

_MAGIC: Final = b"SV10"
_HEAD: Final = struct.Struct("<4s4sII")
_TAG: Final = struct.Struct("<64si4siii")
_ITEM: Final = struct.Struct("<4i")
_MOST: Final = 1000
_PLAIN: Final = re.compile(rb"[A-Za-z0-9_.:;,=+ -]{0,64}\0*")
_PROTOCOL: Final = re.compile(rb"(### ASCCONV BEGIN(?: \w+=[\w@%/.\\]+)* ###)(.*?)### ASCCONV END ###", re.DOTALL)
_LINE: Final = re.compile(rb"[A-Za-z][\w.\[\]]*\s*=\s*(?:-?\d+(?:\.\d*)?(?:e[+-]?\d+)?|0x[0-9a-f]+)\s*", re.IGNORECASE)
_TEXT: Final = re.compile(
    rb'(?:tSequenceFileName\s*=\s*"+%SiemensSeq%[\\/]+\w+"+'
    rb'|sProtConsistencyInfo\.t(?:Measured)?BaselineString\s*=\s*"+[A-Z0-9_]+"+)\s*'
)
_PERSONAL: Final = re.compile(rb"patient|birth|date|serial|weight|height|age\b", re.IGNORECASE)


class CsaElement(NamedTuple):
    """A named element: its head as it stands (84 bytes), and its items."""

    name: str
    head: bytes
    items: tuple[bytes, ...]


class CsaError(ValueError):
    """Bytes that are not a CSA header of form SV10."""


@dataclass(frozen=True)
class CleanCsa:
    """A CSA header cut down to listed elements."""

    says: str = "cut down to the elements that conversion needs"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """The shorter header; None where it cannot be read."""
        if not value.startswith(_MAGIC):
            return cleaned_protocol(value) or None
        try:
            return rebuilt(list(elements(value)))
        except CsaError:
            return None


def elements(data: bytes) -> Iterator[CsaElement]:
    """The elements of a CSA header. Raises CsaError."""
    try:
        _, _, count, _ = _HEAD.unpack_from(data, 0)
        pos = _HEAD.size
        if count > _MOST:
            raise CsaError("too many elements")
        for _ in range(count):
            name, _, _, _, number, _ = _TAG.unpack_from(data, pos)
            head, pos = data[pos : pos + _TAG.size], pos + _TAG.size
            items: list[bytes] = []
            if not 0 <= number <= _MOST:
                raise CsaError("too many items")
            for _ in range(number):
                _, size, _, _ = _ITEM.unpack_from(data, pos)
                pos += _ITEM.size
                if not 0 <= size <= len(data) - pos:
                    raise CsaError("an impossible length")
                items.append(data[pos : pos + size])
                pos += (size + 3) // 4 * 4
            yield CsaElement(name.split(b"\0")[0].decode("latin-1"), head, tuple(items))
    except struct.error as error:
        raise CsaError("cut off") from error


def rebuilt(found: list[CsaElement]) -> bytes:
    """A CSA header of those elements that may stay."""
    kept = [clean for each in found if (clean := _allowed(each))]
    head = _HEAD.pack(_MAGIC, b"\4\3\2\1", len(kept), 77)
    return head + b"".join(map(_encoded, kept))


def _allowed(each: CsaElement) -> CsaElement | None:
    if each.name in PROTOCOLS:
        return each._replace(items=tuple(map(cleaned_protocol, each.items)))
    if each.name in NUMBERS and all(_PLAIN.fullmatch(item) for item in each.items):
        return each
    return None


def _encoded(each: CsaElement) -> bytes:
    """The element with a head that holds nothing but what its format needs: names may have rubbish behind them."""
    name, vm, vr, kind, number, mark = _TAG.unpack(each.head)
    head = _TAG.pack(name.split(b"\0")[0], vm, vr[:2] + b"\0\0", kind, number, mark)
    items = (_ITEM.pack(len(item), len(item), 77, len(item)) + item + bytes(-len(item) % 4) for item in each.items)
    return head + b"".join(items)


def cleaned_protocol(text: bytes) -> bytes:
    """The protocol's ASCCONV part with lines that hold numbers and nothing personal; empty where there is none."""
    found = _PROTOCOL.search(text)
    if not found:
        return b""
    lines = (line for line in found[2].split(b"\n") if not _PERSONAL.search(line))
    kept = [line for line in lines if _LINE.fullmatch(line) or _TEXT.fullmatch(line)]
    return b"\n".join([b"<XProtocol>", found[1], *kept, b"### ASCCONV END ###\0"])
