"""Values as DICOM encodes them: padding, dummies, what a replacement must look like (PS3.5 6.2)."""

import struct
from typing import Final

from pydicom import config
from pydicom.valuerep import validate_value

DUMMY: Final[dict[str, bytes]] = {
    "AE": b"ANON",
    "AS": b"000Y",
    "AT": bytes(4),
    "CS": b"ANON",
    "DA": b"19000101",
    "DS": b"0",
    "DT": b"19000101000000",
    "FD": bytes(8),
    "FL": bytes(4),
    "IS": b"0",
    "LO": b"ANON",
    "LT": b"ANON",
    "OB": bytes(2),
    "OD": bytes(8),
    "OF": bytes(4),
    "OL": bytes(4),
    "OV": bytes(8),
    "OW": bytes(2),
    "PN": b"ANON",
    "SH": b"ANON",
    "SL": bytes(4),
    "SS": bytes(2),
    "ST": b"ANON",
    "SV": bytes(8),
    "TM": b"000000",
    "UC": b"ANON",
    "UL": bytes(4),
    "UN": bytes(2),
    "UR": b"urn:anon",
    "US": bytes(2),
    "UT": b"ANON",
    "UV": bytes(8),
}
"""A legal, non-empty value that says nothing, for every VR but UI and SQ."""

TEXT: Final = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"))
"""VRs that hold what people write."""

NUMBER: Final = {"US": "<H", "SS": "<h", "UL": "<I", "SL": "<i", "FL": "<f", "FD": "<d", "SV": "<q", "UV": "<Q"}
PAD: Final = dict.fromkeys(("UI", "OB", "OW", "UN", "OD", "OF", "OL", "OV"), b"\x00")


def padded(vr: str, value: bytes) -> bytes:
    """The value at even length (PS3.5 6.2)."""
    return value + PAD.get(vr, b" ") if len(value) & 1 else value


def encoded(vr: str, text: str) -> bytes:
    """A replacement written in YAML, as bytes. Raises ValueError with what is wrong for this VR."""
    if vr in NUMBER:
        numbers = [float(part) if vr in ("FL", "FD") else int(part) for part in text.split("\\")]
        try:
            return b"".join(struct.pack(NUMBER[vr], number) for number in numbers)
        except struct.error as error:
            raise ValueError(f"not a value of VR {vr}") from error
    if (vr in PAD and vr != "UI") or vr in ("SQ", "AT"):
        raise ValueError(f"VR {vr} cannot be written as text")
    if not text.isascii():
        raise ValueError("only ASCII fits every character set a file may have")
    for part in text.split("\\") if vr not in ("LT", "ST", "UT", "UR") else [text]:
        validate_value(vr, part, config.RAISE)
    return text.encode("ascii")
