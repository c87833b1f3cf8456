"""DICOM files as they come: file meta information apart, large ones given on while they come (PS3.10 7)."""

import struct
from collections.abc import Callable, Iterator

from pacsflow.dicom.contract import STREAMED_FROM, Received

_PREAMBLE = 128
_HEAD = 1 << 16
"""Bytes in which the file meta information of every file that is one has ended."""
_MAGIC = b"DICM"
_META_GROUP = 0x0002
_CLASS, _INSTANCE, _SYNTAX = 0x0002, 0x0003, 0x0010
_LONG_LENGTH = frozenset({b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OD", b"OL", b"OV", b"SV", b"UV"})


class NoFileError(Exception):
    """What came is not a DICOM file."""


def received(pieces: Iterator[bytes], coming: Callable[[str], None] = lambda _: None) -> Received:
    """The instance in the file that `pieces` are; `coming` is told its SOP Instance UID as soon as it is known.

    Raises NoFileError; BrokenError where it does not come whole.
    """
    begin, whole, named = bytearray(), False, ""
    while len(begin) <= STREAMED_FROM:
        piece = next(pieces, None)
        if piece is None:
            whole = True
            break
        begin += piece
        if not named and (named := _named(begin)):
            coming(named)
    meta, end = _meta(begin)
    try:
        sop_class, instance, syntax = meta[_CLASS], meta[_INSTANCE], meta[_SYNTAX]
    except KeyError:
        raise NoFileError from None
    rest = None if whole else (memoryview(piece) for piece in pieces)
    return Received(sop_class, instance, syntax, memoryview(begin)[end:], rest)


def _named(begin: bytearray) -> str:
    """SOP Instance UID of the file that begins so; empty while unknown. Raises NoFileError where it is not a file."""
    try:
        meta, end = _meta(begin)
    except NoFileError:
        if len(begin) > _HEAD:
            raise
        return ""
    return meta.get(_INSTANCE, "") if end < len(begin) else ""


def _meta(file: bytearray) -> tuple[dict[int, str], int]:
    """UIDs of the file meta information by element number, and where the dataset begins."""
    if file[_PREAMBLE : _PREAMBLE + len(_MAGIC)] != _MAGIC:
        raise NoFileError
    at, found = _PREAMBLE + len(_MAGIC), {}
    try:
        while struct.unpack_from("<H", file, at)[0] == _META_GROUP:
            _, element, vr = struct.unpack_from("<HH2s", file, at)
            long = vr in _LONG_LENGTH
            (length,) = struct.unpack_from("<I" if long else "<H", file, at + (8 if long else 6))
            at += 12 if long else 8
            if vr == b"UI":
                found[element] = file[at : at + length].rstrip(b"\0 ").decode("ascii")
            at += length
    except (struct.error, UnicodeDecodeError):
        raise NoFileError from None
    return found, at
