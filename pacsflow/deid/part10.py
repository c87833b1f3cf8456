"""DICOM files (PS3.10 7.1): taken apart into a Source, and their head written anew."""

import struct
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from pacsflow.deid.contract import Source
from pacsflow.deid.splice import element
from pacsflow.deid.walk import Aside, Buffer, Walk
from pacsflow.errors import RefusalError

IMPLEMENTATION_UID: Final = "2.25.254309236420190718530287716046093361507"
IMPLEMENTATION: Final = f"PACSFLOW {version('pacsflow')}"[:16]
PREAMBLE: Final = 128
_PREFIX: Final = bytes(PREAMBLE) + b"DICM"
_META_VERSION: Final = element(0x00020001, "OB", b"\0\1", explicit=True)
_META_OURS: Final = element(0x00020012, "UI", IMPLEMENTATION_UID.encode(), explicit=True) + element(
    0x00020013, "SH", IMPLEMENTATION.encode(), explicit=True
)
_LENGTH = struct.Struct("<I").unpack_from


def file_head(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Zero preamble, prefix, and file meta information that names no application entity and nobody's UIDs but ours."""
    instance = element(0x00020003, "UI", sop_instance.encode(), explicit=True)
    group = _META_VERSION + _uid(0x00020002, sop_class) + instance
    group += _uid(0x00020010, transfer_syntax) + _META_OURS
    length = element(0x00020000, "UL", struct.pack("<I", len(group)), explicit=True)
    return _PREFIX + length + group


@lru_cache(256)
def _uid(tag: int, uid: str) -> bytes:
    return element(tag, "UI", uid.encode(), explicit=True)


def read_part10(file: Path | Buffer) -> Source:
    """The instance in a DICOM file, its dataset a view of the file's bytes.

    Raises RefusalError `malformed: …` where there is no readable file meta information.
    """
    data = memoryview(file.read_bytes() if isinstance(file, Path) else file)
    if bytes(data[PREAMBLE : PREAMBLE + 4]) != b"DICM":
        raise RefusalError("malformed: not a DICOM file", remedy="files without the DICM prefix are not taken")
    start = PREAMBLE + 4
    end = _meta_end(data, start)
    try:
        meta = Walk(bytes(data[start:end]), explicit=True)
        spans = meta.dataset().elements
    except Aside as error:
        raise RefusalError("malformed: file meta information") from error
    sop_class, instance, syntax = (
        bytes(meta.buffer[spans[tag][2] : spans[tag][3]]).decode("latin-1").strip(" \0") if tag in spans else ""
        for tag in (0x00020002, 0x00020003, 0x00020010)
    )
    if not syntax:
        raise RefusalError("malformed: no transfer syntax")
    return Source(sop_class, instance, syntax, data[end:])


def _meta_end(data: memoryview, start: int) -> int:
    """Where group 0002 ends, by its elements; the group length may lie."""
    pos = start
    while bytes(data[pos : pos + 2]) == b"\x02\0" and pos + 12 <= len(data):
        long = bytes(data[pos + 4 : pos + 6]) in (b"OB", b"UN", b"OW", b"UT", b"UC", b"UR", b"SQ")
        size = _LENGTH(data, pos + 8)[0] + 12 if long else int.from_bytes(data[pos + 6 : pos + 8], "little") + 8
        pos += size
    if pos > len(data):
        raise RefusalError("malformed: file meta information")
    return pos
