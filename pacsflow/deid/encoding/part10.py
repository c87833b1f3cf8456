"""DICOM files (PS3.10 7.1): taken apart into a Source, and their head rewritten."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from pacsflow.deid.contract import Source
from pacsflow.deid.encoding.elements import element
from pacsflow.deid.encoding.implementation import IMPLEMENTATION, IMPLEMENTATION_UID
from pacsflow.deid.encoding.walk import LONG, Buffer, code
from pacsflow.errors import RefusalError

PREAMBLE: Final = 128
STREAMED_FROM = 8 << 20
"""Files of more bytes than this are not read into memory as one."""
_PIECE: Final = 1 << 20
_PREFIX: Final = bytes(PREAMBLE) + b"DICM"
_GROUP_LENGTH, _VERSION, _CLASS, _INSTANCE, _SYNTAX = 0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010
"""File meta information: its length and version, SOP class and instance, transfer syntax (PS3.10 7.1)."""
_META_VERSION: Final = element(_VERSION, "OB", b"\0\1", explicit=True)
_META_OURS: Final = element(0x00020012, "UI", IMPLEMENTATION_UID.encode(), explicit=True) + element(
    0x00020013, "SH", IMPLEMENTATION.encode(), explicit=True
)
_UI: Final = code("UI")
_HEAD = struct.Struct("<HHHH").unpack_from
_LENGTH = struct.Struct("<I").unpack_from


def file_head(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Zero preamble, prefix, and file meta information that names no application entity and nobody's UIDs but ours."""
    instance = element(_INSTANCE, "UI", sop_instance.encode(), explicit=True)
    group = _META_VERSION + _uid(_CLASS, sop_class) + instance
    group += _uid(_SYNTAX, transfer_syntax) + _META_OURS
    length = element(_GROUP_LENGTH, "UL", struct.pack("<I", len(group)), explicit=True)
    return _PREFIX + length + group


@lru_cache(256)
def _uid(tag: int, uid: str) -> bytes:
    return element(tag, "UI", uid.encode(), explicit=True)


def open_part10(path: Path) -> Source:
    """The instance in a file, read as it is needed where the file is large.

    Raises RefusalError as `read_part10`; so does `rest`, for what cannot be read.
    """
    if path.stat().st_size <= STREAMED_FROM:
        return read_part10(path)
    pieces = _pieces(path)
    return replace(read_part10(next(pieces)), rest=pieces)


def _pieces(path: Path) -> Iterator[memoryview]:
    try:
        with path.open("rb") as file:
            yield memoryview(file.read(STREAMED_FROM))
            while piece := file.read(_PIECE):
                yield memoryview(piece)
    except OSError as error:
        raise RefusalError(f"cannot be read: {error.strerror}") from None


def read_part10(file: Path | Buffer) -> Source:
    """The instance in a DICOM file, its dataset a view of the file's bytes.

    Raises RefusalError `malformed: …` where there is no readable file meta information.
    """
    data = memoryview(file.read_bytes() if isinstance(file, Path) else file)
    if bytes(data[PREAMBLE : len(_PREFIX)]) != b"DICM":
        raise RefusalError("malformed: not a DICOM file", fix="files without the DICM prefix are not taken")
    try:
        values, end = _meta(data, len(_PREFIX))
    except (struct.error, IndexError):
        raise RefusalError("malformed: file meta information") from None
    if end > len(data):
        raise RefusalError("malformed: file meta information")
    sop_class, instance, syntax = (values.get(tag, "") for tag in (_CLASS, _INSTANCE, _SYNTAX))
    if not syntax:
        raise RefusalError("malformed: no transfer syntax")
    return Source(sop_class, instance, syntax, data[end:])


def _meta(data: memoryview, pos: int) -> tuple[dict[int, str], int]:
    """UIDs of group 0002, and where it ends: by its elements, as the group length may lie."""
    values: dict[int, str] = {}
    while data[pos] == 2 and data[pos + 1] == 0:  # noqa: PLR2004
        group, number, vr, size = _HEAD(data, pos)
        pos += 8
        if vr in LONG:
            (size,) = _LENGTH(data, pos)
            pos += 4
        if vr == _UI:
            values[group << 16 | number] = bytes(data[pos : pos + size]).decode("latin-1").strip(" \0")
        pos += size
    return values, pos
