"""Instances with an identifier where nobody looks for one: encoded by hand, so that they may be as wrong as files are."""

import struct
from dataclasses import dataclass, field

import numpy as np
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import ExplicitVRLittleEndian

from pacsflow.deid import Source
from unit.deid.instances import ct

LONG = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
OWN, THIRD = b"Quistgaard", b"Zwingelstein"
DAY = b"20150512"
UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Kind:
    """An attack: the instance, the bytes that must not leave, and whose they are: own, third, date, uid."""

    source: Source
    traces: tuple[bytes, ...]
    whose: str = "own"
    profile: dict = field(default_factory=dict)


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """One element, explicit little endian; a length may be told that is not the value's."""
    size = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HI", 0, size) if vr in LONG else struct.pack("<H", size)) + value


def implicit(tag: int, value: bytes, length: int | None = None) -> bytes:
    """One element, implicit little endian."""
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value) if length is None else length) + value


def item(content: bytes, *, undefined: bool = False) -> bytes:
    """An item of a sequence."""
    if undefined:
        return struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + content + struct.pack("<HHI", 0xFFFE, 0xE00D, 0)
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content


def sequence(tag: int, *items: bytes, undefined: bool = False, vr: str = "SQ") -> bytes:
    """A sequence of items."""
    content = b"".join(items)
    if undefined:
        return element(tag, vr, content + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0), UNDEFINED)
    return element(tag, vr, content)


def text(value: bytes, pad: bytes = b" ") -> bytes:
    """A value of even length."""
    return value + pad * (len(value) % 2)


def dataset_bytes(ds) -> bytes:
    """What pydicom writes of a dataset, explicit little endian."""
    fp = DicomBytesIO()
    fp.is_little_endian, fp.is_implicit_VR = True, False
    write_dataset(fp, ds)
    return fp.getvalue()


def planted(*elements: bytes, ds=None, syntax: str = str(ExplicitVRLittleEndian), **values) -> Source:
    """A CT slice, or another dataset, with elements of our own put in or in place of what stands there."""
    ds = ct(**values) if ds is None else ds
    tags = {_tag(each) for each in elements}
    parts = [(_tag(each), each) for each in _elements(dataset_bytes(ds)) if _tag(each) not in tags]
    parts += [(_tag(each), each) for each in elements]
    data = b"".join(part for _, part in sorted(parts, key=lambda part: part[0]))
    return Source(str(ds.SOPClassUID), str(ds.SOPInstanceUID), syntax, data)


def _tag(data: bytes) -> int:
    group, number = struct.unpack_from("<HH", data)
    return group << 16 | number


def _elements(data: bytes):
    """The elements of an explicit little endian dataset, sequences of told length as a whole."""
    at = 0
    while at < len(data):
        long = data[at + 4 : at + 6].decode() in LONG
        size = struct.unpack_from("<I", data, at + 8)[0] + 12 if long else struct.unpack_from("<H", data, at + 6)[0] + 8
        yield data[at : at + size]
        at += size


def numbers(kind: str, value: bytes) -> bytes:
    """The letters of a word as an array of numbers, one each."""
    return np.frombuffer(value, "u1").astype(kind).tobytes()


def nested(depth: int, content: bytes, tag: int, *, undefined: bool = False) -> bytes:
    """A sequence in a sequence in a sequence."""
    for _ in range(depth):
        content = sequence(tag, item(content, undefined=undefined), undefined=undefined)
    return content
