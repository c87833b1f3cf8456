"""The identifiers of C-FIND, C-GET and C-MOVE: keys to bytes exactly as given, answers back (PS3.4 C.4, PS3.5 7)."""

import struct
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings, encode_string
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_dataset
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from pacsflow.attributes import tag_for_keyword, vr_of_tag
from pacsflow.dicom.contract import Level
from pacsflow.errors import PacsPermanentError, PacsTransientError

_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_LONG_LENGTH = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_SPECIFIC_CHARACTER_SET = 0x00080005
_QUERY_RETRIEVE_LEVEL = 0x00080052
_ESCAPE = b"\x1b"
_UNDEFINED = 0xFFFFFFFF


def encode(keys: Mapping[str, str], *, level: Level, character_set: str, syntax: str) -> bytes:
    """An identifier in the (little endian) transfer syntax `syntax`.

    `keys` go by keyword, each value exactly as given: a matching key with its wildcard, range or
    backslash-separated list, a return key as an empty text. Raises PacsPermanentError for a keyword
    that is not in the dictionary and a value that the character set cannot express.
    """
    elements = {_tag(keyword): value for keyword, value in keys.items()}
    elements[_QUERY_RETRIEVE_LEVEL] = level
    elements[_SPECIFIC_CHARACTER_SET] = character_set
    encodings = convert_encodings(character_set.split("\\"))
    pack = _implicit if UID(syntax).is_implicit_VR else _explicit
    return b"".join(pack(tag, *_value(tag, value, encodings)) for tag, value in sorted(elements.items()))


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword) if keyword else None
    if tag is None:
        raise PacsPermanentError(f"{keyword} is not a keyword of the DICOM dictionary", fix="fix the query's columns")
    return tag


def _value(tag: int, value: str, encodings: Sequence[str]) -> tuple[str, bytes]:
    vr = vr_of_tag(tag).split(" ")[0]
    raw = value.encode() if value.isascii() else _text(value, vr, list(encodings))
    return vr, raw + (b"\x00" if vr == "UI" else b" ") * (len(raw) % 2)


def _text(value: str, vr: str, encodings: list[str]) -> bytes:
    sayable = vr in _TEXT and all(any(_has(encoding, character) for encoding in encodings) for character in value)
    try:
        if sayable:
            return PersonName(value).encode(encodings) if vr == "PN" else encode_string(value, encodings)
    except UnicodeError:
        pass
    raise PacsPermanentError(
        "a key holds a character that cannot be sent in the node's character set",
        fix="set `character_set` of the node, for example to ISO_IR 192 (UTF-8); dates, codes, UIDs and AE titles "
        "take no letters but A to Z",
    )


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _explicit(tag: int, vr: str, raw: bytes) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    length = struct.pack("<HI", 0, len(raw)) if vr in _LONG_LENGTH else struct.pack("<H", len(raw))
    return head + length + raw


def _implicit(tag: int, _vr: str, raw: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw


def decode(identifier: bytes | memoryview, *, character_set: str, syntax: str) -> Dataset:
    """An answer, decoded to its last element.

    An answer that names no character set is read in the one it was asked in. Raises
    PacsTransientError where the bytes are not a dataset: an answer is never left out.
    """
    try:
        uid = UID(syntax)
        answer = read_dataset(BytesIO(identifier), uid.is_implicit_VR, uid.is_little_endian)
        _whole(answer, len(identifier))
        if not answer.get("SpecificCharacterSet"):
            answer.SpecificCharacterSet = character_set.split("\\")
        if not _same_in_all(bytes(identifier)):
            answer.decode()
        for _ in answer.iterall():
            pass
    except Exception:  # noqa: BLE001 - whatever pydicom stumbles over may hold a patient's data
        raise PacsTransientError(
            "the node's answer cannot be decoded", fix="ask the PACS administrator about the node's C-FIND answers"
        ) from None
    return answer


def _same_in_all(identifier: bytes) -> bool:
    """Whether the bytes mean the same in every character set (PS3.5 6.1): no letters but those of ISO 646, no escapes.

    Such are lists of UIDs; pydicom takes longer to decode them than a node to answer.
    """
    return identifier.isascii() and _ESCAPE not in identifier


def _whole(answer: Dataset, length: int) -> None:
    """Pydicom reads a dataset that ends in the middle of an element without an error; here it is one."""
    elements: list[Any] = sorted(map(answer.get_item, answer.keys()), key=_place)  # some nodes do not sort by tag
    raw = [element for element in elements if isinstance(element, RawDataElement)]
    short = any(element.length != _UNDEFINED and element.length != len(element.value or b"") for element in raw)
    last = raw[-1] if raw and raw[-1] is elements[-1] else None
    if short or not elements or (last and last.length != _UNDEFINED and last.value_tell + last.length != length):
        raise EOFError


def _place(element: Any) -> int:
    return int(element.value_tell if isinstance(element, RawDataElement) else element.file_tell)
