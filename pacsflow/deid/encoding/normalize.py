"""Rewrites what the strict walk does not take: big-endian, deflated, out of order, UN for known attributes.

pydicom reads it; the raw values are written again, in order, in little endian (PS3.5 A.1, A.2). The result goes the
same way as everything else. What pydicom cannot read whole is refused.
"""

import struct
import warnings
import zlib
from array import array
from dataclasses import replace
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Final

from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.dictionary import AMBIGUOUS, CREATORS, VR_OF
from pacsflow.deid.encoding.elements import element, item
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.encoding.walk import UNDEFINED, too_many
from pacsflow.errors import RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydicom import Dataset
    from pydicom.dataelem import DataElement, RawDataElement

IMPLICIT: Final = "1.2.840.10008.1.2"
EXPLICIT: Final = "1.2.840.10008.1.2.1"
DEFLATED: Final = "1.2.840.10008.1.2.1.99"
BIG_ENDIAN: Final = "1.2.840.10008.1.2.2"

_WORDS: Final = {
    **dict.fromkeys(("US", "SS", "AT", "OW"), "H"),
    **dict.fromkeys(("UL", "SL", "FL", "OF", "OL"), "I"),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), "Q"),
}
_PIXELS: Final = 0x7FE00010
_CELLS: Final = {32: "I", 64: "Q"}
"""Pixel cells wider than a word are swapped whole (PS3.5 8.1.1), as DCMTK and pydicom do."""
_HEAD: Final = 8
"""Bytes of the head of an element or an item, which pydicom reads at once."""
_END_OF_PIXELS = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
_lock = Lock()


WHOLE_AT_MOST: Final = 512 << 20
"""Bytes of an instance that must be taken as one, and of one that is inflated."""


PARTS_AT_MOST: Final = 1_000_000
"""Elements and items of a dataset that is written again: pydicom's take thousands of bytes each."""


def too_large() -> RefusalError:
    """The refusal of an instance that would need more memory than is given to one."""
    return RefusalError(
        f"too large: more than {WHOLE_AT_MOST >> 20} MB in an encoding that cannot be cleaned as it comes",
        fix="have the PACS send it in a little-endian transfer syntax that is not deflated",
    )


def inflated(source: Source) -> Source:
    """A deflated instance (PS3.5 A.5) as Explicit VR Little Endian. Raises RefusalError: too large, or malformed."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = inflater.decompress(source.dataset, WHOLE_AT_MOST)
    except zlib.error:
        raise RefusalError("malformed: not a deflated dataset") from None
    if inflater.unconsumed_tail:
        raise too_large()
    if not inflater.eof:
        raise RefusalError("malformed: cut off")
    return replace(source, transfer_syntax_uid=EXPLICIT, dataset=data)


def normalized(source: Source) -> Source:
    """The same instance as Implicit or Explicit VR Little Endian (pixel data as encoded), strictly ordered.

    Raises RefusalError `malformed: …` where pydicom cannot read it, or reads less than was announced.
    """
    from pydicom import dcmread  # loaded for instances alone that need it: it takes longer than to clean hundreds

    if source.transfer_syntax_uid == DEFLATED:
        source = inflated(source)
    syntax = EXPLICIT if source.transfer_syntax_uid == BIG_ENDIAN else source.transfer_syntax_uid
    head = file_head("1.2.3", "1.2.3", source.transfer_syntax_uid)
    with _lock, warnings.catch_warnings():  # warning filters belong to the process, not to a thread
        warnings.simplefilter("ignore")
        left = [PARTS_AT_MOST]
        try:
            dataset = dcmread(_Counted(head + bytes(source.dataset), left))
            content = _Writer(syntax != IMPLICIT, source.transfer_syntax_uid == BIG_ENDIAN, left).dataset(dataset)
        except RefusalError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken file may raise anything in pydicom
            if left[0] < 0:  # within a sequence pydicom makes an error of its own of it
                raise too_many(PARTS_AT_MOST) from None
            raise RefusalError("malformed: unreadable", f"pydicom: {type(error).__name__}") from None
    return replace(source, transfer_syntax_uid=syntax, dataset=content)


class _Counted(BytesIO):
    """Bytes whose reader meets no more elements and items than `left`, one number, says; it goes down."""

    def __init__(self, data: bytes, left: list[int]) -> None:
        super().__init__(data)
        self._left = left

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, as BytesIO. Raises RefusalError."""
        if size == _HEAD:
            self._left[0] -= 1
            if self._left[0] < 0:
                raise too_many(PARTS_AT_MOST)
        return super().read(size)


def _written(elem: "DataElement", *, explicit: bool) -> bytes:
    """An element that pydicom decodes as it reads, as pydicom writes it."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, not explicit
    write_data_element(buffer, elem)
    return buffer.getvalue()


class _Writer:
    def __init__(self, explicit: bool, big: bool, left: list[int]) -> None:
        self.explicit = explicit
        self.big = big
        self._left = left

    def dataset(self, dataset: "Dataset") -> bytes:
        return b"".join(self._element(dataset, int(tag)) for tag in sorted(dataset.keys()))

    def _element(self, dataset: "Dataset", tag: int) -> bytes:
        from pydicom.dataelem import RawDataElement

        raw = dataset.get_item(tag)
        vr = self._vr(dataset, raw)
        if vr == "SQ":
            content = b"".join(item(self.dataset(each)) for each in self._items(dataset, raw))
            return element(tag, vr, content, explicit=self.explicit)
        if not isinstance(raw, RawDataElement):
            return _written(raw, explicit=self.explicit)
        value = raw.value or b""
        if raw.length == UNDEFINED:
            head = element(tag, vr, b"", explicit=True)[:-4]
            return head + struct.pack("<I", UNDEFINED) + value + _END_OF_PIXELS
        if raw.length != len(value):
            raise RefusalError("malformed: cut off")
        word = _CELLS.get(dataset.get("BitsAllocated"), "H") if (tag, vr) == (_PIXELS, "OW") else _WORDS.get(vr)
        return element(tag, vr, self._little(word, value), explicit=self.explicit)

    def _items(self, dataset: "Dataset", raw: "DataElement | RawDataElement") -> "Iterable[Dataset]":
        """The items of a sequence; one that is still encoded (of defined length) is read, and counted."""
        from pydicom.dataelem import RawDataElement
        from pydicom.filereader import read_sequence

        if not isinstance(raw, RawDataElement) or not raw.value:
            return dataset[raw.tag].value or ()
        content, encoding = _Counted(raw.value, self._left), dataset.original_character_set
        return read_sequence(content, raw.is_implicit_VR, raw.is_little_endian, len(raw.value), encoding)

    def _vr(self, dataset: "Dataset", raw: object) -> str:
        vr = getattr(raw, "VR", None)
        tag = int(raw.tag)  # type: ignore[attr-defined]
        if vr not in (None, "UN"):
            return AMBIGUOUS.get(str(vr), str(vr))
        if tag in VR_OF:
            return VR_OF[tag]
        if vr is None and tag >> 16 & 1:
            return self._private_vr(dataset, tag)
        return "UN"

    def _private_vr(self, dataset: "Dataset", tag: int) -> str:
        from pydicom.datadict import private_dictionary_VR

        if tag & 0xFFFF in CREATORS:
            return "LO"
        creator = dataset.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
        try:
            return private_dictionary_VR(tag, str(creator.value))[:2] if creator else "UN"
        except KeyError:
            return "UN"

    def _little(self, word: str | None, value: bytes) -> bytes:
        if not self.big or word is None:
            return value
        words = array(word, value)
        words.byteswap()
        return words.tobytes()
