"""The private elements that Karnak reads, put into a file; nothing else of it is touched, pixel data is not decoded.

Group 000B, creator `CHUV_DEV_TML`: (000B,xx01) patient code, (000B,xx02) album, (000B,xx03) day shift, all LO. Karnak
reads the block 10 only; where another creator holds it (PS3.5 7.8.1), the file is refused.
"""

import shutil
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.filereader import data_element_generator, read_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from pacsflow.errors import TargetError
from pacsflow.export.disk import own_words
from pacsflow.staging import half_beside, sync

CREATOR = "CHUV_DEV_TML"
_GROUP, _AFTER = 0x000B0000, 0x000C0000
_FIRST = 0x10
_LONGEST = 64
_PREAMBLE = 132
_CANNOT = "a file cannot be tagged"


@dataclass(frozen=True)
class Tags:
    """What Karnak needs to know of a patient's images."""

    code: str
    album: str
    day_shift: str


@dataclass(frozen=True)
class _Element:
    tag: int
    value: bytes
    raw: bytes


@dataclass(frozen=True)
class _Group:
    """Where group 000B stands in a file, or would stand; its elements; and how they are encoded."""

    begin: int
    end: int
    elements: tuple[_Element, ...]
    explicit: bool
    little: bool


def write_tagged(source: Path, tags: Tags, sink: BinaryIO) -> bool:
    """Write the Part 10 file `source` with `tags`; False, and nothing written, where it has them already.

    Raises TargetError for what is no DICOM file, or cannot hold the tags.
    """
    with _own_words(), source.open("rb") as stream:
        group = _group(stream, source)
        elements = _with(group, tags)
        if elements == list(group.elements):
            return False
        stream.seek(0)
        sink.write(stream.read(group.begin))
        sink.write(b"".join(element.raw for element in elements))
        stream.seek(group.end)
        shutil.copyfileobj(stream, sink, 1 << 20)
        return True


def tag_in_place(path: Path, tags: Tags) -> bool:
    """Put `tags` into a file, which is whole at any time; False where it has them already. Raises TargetError."""
    with half_beside(path, stat.S_IMODE(path.stat().st_mode)) as half:
        with half.open("wb") as sink:
            changed = write_tagged(path, tags, sink)
        if changed:
            sync(half)
            half.replace(path)
            sync(path.parent)
    return changed


@contextmanager
def _own_words() -> Iterator[None]:
    try:
        with own_words(_CANNOT), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values in them may be anybody's
            yield
    except TargetError:
        raise
    except Exception as error:  # noqa: BLE001 what is spoilt fails in many ways, in words that may be anybody's
        raise TargetError(f"{_CANNOT}: {type(error).__name__}") from None


def _group(stream: BinaryIO, source: Path) -> _Group:
    meta = read_file_meta_info(source)
    syntax = UID(meta.TransferSyntaxUID)
    if syntax == DeflatedExplicitVRLittleEndian:
        raise TargetError(f"{_CANNOT}: its data set is deflated", fix="send it in another syntax")
    explicit, little = not syntax.is_implicit_VR, syntax.is_little_endian
    # Group length (0002,0000) is 12 bytes, and says how much follows it.
    stream.seek(_PREAMBLE + 12 + meta.FileMetaInformationGroupLength)
    begin = end = stream.tell()
    found = []
    for one in data_element_generator(stream, not explicit, little, stop_when=lambda tag, *_: tag >= _AFTER):
        start, end = end, stream.tell()
        if one.tag < _GROUP:
            begin = end
            continue
        stream.seek(start)
        found.append(_Element(int(one.tag), _bytes(one.value), stream.read(end - start)))
    return _Group(begin, end, tuple(found), explicit, little)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _with(group: _Group, tags: Tags) -> list[_Element]:
    """The elements of the group with the tags, by ascending tag; without the group's length, which would be wrong."""
    block = _block(group.elements)
    ours = {
        _GROUP + block: CREATOR,
        _GROUP + (block << 8) + 1: tags.code,
        _GROUP + (block << 8) + 2: tags.album,
        _GROUP + (block << 8) + 3: tags.day_shift,
    }
    kept = [one for one in group.elements if one.tag not in ours and one.tag != _GROUP]
    return sorted([*kept, *(_element(group, tag, text) for tag, text in ours.items())], key=lambda one: one.tag)


def _block(elements: tuple[_Element, ...]) -> int:
    """The first block, which is the only one that Karnak looks at. Raises TargetError where it is another creator's."""
    for one in elements:
        number = one.tag & 0xFFFF
        reserved = number == _FIRST and one.value.strip(b" \0") not in (b"", CREATOR.encode())
        if reserved or (number >> 8 == _FIRST and not _is_ours(elements)):
            raise TargetError(
                f"{_CANNOT}: another creator holds block (000B,10xx), and Karnak reads no other",
                fix="take the group 000B out of the images first: de-identify them, or remove private elements",
            )
    return _FIRST


def _is_ours(elements: tuple[_Element, ...]) -> bool:
    return any(one.tag & 0xFFFF == _FIRST and one.value.strip(b" \0") == CREATOR.encode() for one in elements)


def _element(group: _Group, tag: int, text: str) -> _Element:
    if not text.isascii() or not text.isprintable() or "\\" in text or not 0 < len(text) <= _LONGEST:
        raise TargetError(
            "a patient code, album or day shift cannot stand in DICOM",
            fix="write 1 to 64 ASCII characters without backslash",
        )
    value = text.encode() + b" " * (len(text) % 2)
    order = "<" if group.little else ">"
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    size = struct.pack(f"{order}2sH", b"LO", len(value)) if group.explicit else struct.pack(f"{order}I", len(value))
    return _Element(tag, value, head + size + value)
