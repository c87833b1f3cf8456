"""Values as DICOM encodes them: padding, dummies, what a replacement must look like (PS3.5 6.2)."""

import re
import struct
from typing import Final

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
SIZES: Final = {**{vr: struct.calcsize(form) for vr, form in NUMBER.items()}, "AT": 4}
"""Bytes of one value; what has another VR, and is no text, is one value of any length."""
BYTES: Final = frozenset((*SIZES, "OB", "OD", "OF", "OL", "OV", "OW", "UN"))
"""VRs of numbers and bytes."""
PAD: Final = dict.fromkeys(("UI", "OB", "OW", "UN", "OD", "OF", "OL", "OV"), b"\x00")

LONGEST: Final = {"AE": 16, "CS": 16, "DS": 16, "IS": 12, "LO": 64, "LT": 10240, "SH": 16, "ST": 1024, "UI": 64}
GROUPS, LONGEST_GROUP = 3, 64
"""Groups of characters of a person's name, and how long one may be."""
_DAY = r"\d{4}(0[1-9]|1[0-2])([0-2]\d|3[01])"
_SECONDS = r"(60|[0-5]\d)(\.\d{1,6} ?)?"
_HOURS = rf"([01]\d|2[0-3])([0-5]\d({_SECONDS})?)?"
_MOMENT = rf"\d{{4}}((0[1-9]|1[0-2])(([0-2]\d|3[01])({_HOURS})?)?)?([+-][01]\d\d\d)?"
_FORMS: Final = {
    vr: re.compile(form)
    for vr, form in {
        "AE": r"[\x20-\x7e]*",
        "AS": r"\d\d\d[DWMY]",
        "CS": r"[A-Z0-9 _]*",
        "DS": r" *[+\-]?(\d+|\d+\.\d*|\.\d+)([eE][+\-]?\d+)? *",
        "IS": r" *[+\-]?\d+ *",
        "UI": r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*",
        "UR": r"[A-Za-z_\d:/?#\[\]@!$&'()*+,;=%\-.~]* *",
        **{
            vr: rf"{one}|-{one} ?|{one}- ?|{one}-{one} ?" for vr, one in (("DA", _DAY), ("DT", _MOMENT), ("TM", _HOURS))
        },
    }.items()
}
"""How values of a VR are written (PS3.5 6.2), those of days and times as ranges too (PS3.4 C.2.2.2.5)."""


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
        _check(vr, part)
    return text.encode("ascii")


def _check(vr: str, part: str) -> None:
    """Raise ValueError where one value is not as PS3.5 6.2 has it; padding counts, as people write none."""
    if len(part) > LONGEST.get(vr, len(part)):
        raise ValueError(f"VR {vr} takes {LONGEST[vr]} characters at most, this has {len(part)}")
    if vr == "PN" and (part.count("=") >= GROUPS or any(len(group) > LONGEST_GROUP for group in part.split("="))):
        raise ValueError(f"VR PN takes {GROUPS} groups of {LONGEST_GROUP} characters at most")
    if part and vr in _FORMS and not _FORMS[vr].fullmatch(part):
        raise ValueError(f"not a value of VR {vr}")
