"""ICC profiles (ICC.1:2022) with nothing but what a colour is computed from: no text, no maker, no day.

A profile is written again, tag by tag. Types of text become empty ones, as some tags must be there; of types that are
no numbers, and of tags that the specification does not name, nothing stays.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pacsflow.deid.rules.actions import Answer, Case
from pacsflow.deid.rules.spelled import spells

_HEAD: Final = 128
_ENTRY: Final = struct.Struct(">4sII")
_MOST: Final = 100
_TEXTS: Final = {
    b"desc": b"desc" + bytes(4) + struct.pack(">I", 1) + bytes(1 + 8 + 3 + 67),
    b"text": b"text" + bytes(4) + bytes(1),
    b"mluc": b"mluc" + bytes(4) + struct.pack(">II", 0, 12),
}
"""Type of a text -> the same without a letter (ICC.1:2001 6.5.17, ICC.1:2022 10.15, 10.24)."""
_TYPES: Final = frozenset(
    (b"XYZ ", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"mBA ", b"sf32", b"chrm", b"view", b"meas")
)
_TAGS: Final = frozenset(
    b"""
    A2B0 A2B1 A2B2 B2A0 B2A1 B2A2 bXYZ bTRC chad chrm cprt desc dmdd dmnd gTRC gXYZ gamt kTRC lumi meas pre0 pre1 pre2
    rTRC rXYZ view wtpt bkpt
    """.split()
)
_CLASSES: Final = frozenset((b"scnr", b"mntr", b"prtr", b"spac", b"link", b"abst", b"nmcl"))
_SPACES: Final = frozenset((b"RGB ", b"GRAY", b"CMYK", b"XYZ ", b"Lab ", b"YCbr", b"Luv ", b"HSV ", b"HLS ", b"CMY "))
_D50: Final = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)


@dataclass(frozen=True)
class CleanIcc:
    """ICC Profile (0028,2000), written again without text."""

    says: str = "written again without names, texts and days"

    def __call__(self, vr: str, value: bytes, case: Case) -> Answer:  # noqa: ARG002
        """The profile's colours alone; None for what is no profile."""
        return cleaned(value)


def cleaned(profile: bytes) -> bytes | None:
    """The profile without texts; None where it cannot be read."""
    if len(profile) < _HEAD + 4 or profile[36:40] != b"acsp":
        return None
    if profile[12:16] not in _CLASSES or not {profile[16:20], profile[20:24]} <= _SPACES:
        return None
    try:
        found = [(tag, new) for tag, data in _tags(profile) if (new := _element(data))]
    except (struct.error, ValueError):
        return None
    return _written(profile, found) if found else None


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", profile, _HEAD)
    if count > _MOST:
        raise ValueError("too many tags")
    for number in range(count):
        tag, start, size = _ENTRY.unpack_from(profile, _HEAD + 4 + number * _ENTRY.size)
        if start + size > len(profile):
            raise ValueError("cut off")
        if tag in _TAGS:
            yield tag, profile[start : start + size]


def _element(data: bytes) -> bytes | None:
    """A tag's data: numbers as they are, texts without a letter, nothing of anything else."""
    kind = data[:4]
    if kind in _TEXTS:
        return _TEXTS[kind]
    return kind + bytes(4) + data[8:] if kind in _TYPES and not spells(data[8:]) else None


def _written(profile: bytes, found: list[tuple[bytes, bytes]]) -> bytes:
    at, entries, contents = _HEAD + 4 + len(found) * _ENTRY.size, b"", b""
    places: dict[bytes, int] = {}
    for tag, data in found:
        if data not in places:
            places[data] = at + len(contents)
            contents += data + bytes(-len(data) % 4)
        entries += _ENTRY.pack(tag, places[data], len(data))
    head = _head(profile, at + len(contents))
    return head + struct.pack(">I", len(found)) + entries + contents


def _head(profile: bytes, size: int) -> bytes:
    """Size, version, class, spaces and intent; no maker, model, creator, day or digest (ICC.1:2022 7.2)."""
    intent = struct.unpack_from(">I", profile, 64)[0] & 3
    head = struct.pack(">I4s", size, b"") + profile[8:10] + bytes(2) + profile[12:24] + bytes(12) + b"acsp"
    return head + bytes(24) + struct.pack(">I", intent) + _D50 + bytes(_HEAD - 80)
