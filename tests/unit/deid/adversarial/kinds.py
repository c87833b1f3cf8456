"""Kinds of places in which somebody's name, number, day or UID may stand: one line each."""

# ruff: noqa: RUF001 - letters that look alike are what is tried
# fmt: off
import base64
import struct

import numpy as np

from unit.deid.adversarial.copied import COPIED
from unit.deid.adversarial.planting import (
    DAY,
    OWN,
    THIRD,
    UNDEFINED,
    Kind,
    element,
    implicit,
    item,
    nested,
    numbers,
    planted,
    sequence,
    text,
)

SAFE = element(0x00190010, "LO", b"SIEMENS MR HEADER ")
RED = element(0x00281101, "US", struct.pack("<3H", 256, 0, 16))

SPELLED_DAYS = {
    "iso week": "2015-W20-2",
    "day of year": "2015-132",
    "day of year glued": "2015132",
    "roman month": "12.V.2015",
    "ordinal": "12th of May 2015",
    "ordinal2": "May 12th, 2015",
    "german": "12. Mai 2015",
    "dutch": "12 mei 2015",
    "polish": "12 maja 2015",
    "chinese": "2015年5月12日",
    "japanese era": "平成27年5月12日",
    "arabic digits": "٢٠١٥/٠٥/١٢",
    "fullwidth": "２０１５０５１２",
    "thai year": "12/5/2558",
    "us short": "5/12/15",
    "dotted short": "12.5.15",
    "spaced": "2015 05 12",
    "underscored": "2015_05_12",
    "month only word": "May 2015",
    "weekday": "Tuesday 12 May",
    "excel": "42136",
    "julian day": "2457155",
    "unix": "1431425472",
    "hex": hex(20150512),
    "base64": base64.b64encode(DAY).decode(),
    "apostrophe": "12.5.'15",
    "no year": "12.5.",
    "no separators ddmmyyyy": "12052015",
    "mmddyyyy": "05122015",
    "yymmdd": "150512",
    "in words": "twelve May two thousand fifteen",
    "with time": "2015-05-12T10:11:12",
    "glued to word": "scan20150512a",
    "tag-ish": "S20150512T101112",
    "greek month": "12 Μαΐου 2015",
    "russian": "12 мая 2015",
    "birth words": "23. Mai 1941",
    "birth roman": "23.V.1941",
    "birth two digit": "23.05.41",
    "birth year only": "Jg. 1941",
    "birth hebrew-ish": "born 1941 May",
}

SPELLED_IDS = (
    ("no separators", b"PID774411"),
    ("digits", b"774411"),
    ("spaces", b"7 7 4 4 1 1"),
    ("dotted", b"77.44.11"),
    ("leading zeros", b"000774411"),
    ("lower", b"pid-774411"),
    ("b64", base64.b64encode(b"PID-774411")),
    ("hex", b"PID-774411".hex().encode()),
    ("hexnum", b"0xbd10b"),
    ("thousands", b"774,411"),
    ("apostrophe", b"774'411"),
    ("fraction", b"774411/2"),
    ("roman suffix", b"774411II"),
    ("url", b"id%3D774411"),
    ("reversed", b"114477"),
    ("accession digits", b"9981273"),
    ("accession spaced", b"ACC 9981273"),
    ("acc dash", b"ACC-998-1273"),
    ("fullwidth", "７７４４１１".encode()),
    ("arabic", "٧٧٤٤١١".encode()),
)

NUMBERED_IDS = (
    ("IS", b"IS", 0x00181242, b"774411"),
    ("IS zeros", b"IS", 0x00181242, b"000774411"),
    ("IS multi", b"IS", 0x00181242, b"774\\411"),
    ("DS .0", b"DS", 0x00181063, b"774411.000"),
    ("DS exp", b"DS", 0x00181063, b"7.74411E+05"),
    ("acc DS", b"DS", 0x00181063, b"9981273.0"),
    ("neg", b"DS", 0x00181063, b"-774411"),
)

BINARY_IDS = (
    ("UL", "UL", 0x00289001, struct.pack("<I", 774411)),
    ("SL", "SL", 0x00186020, struct.pack("<i", 774411)),
    ("FD", "FD", 0x00189087, struct.pack("<d", 774411.0)),
    ("FL", "FL", 0x00189461, struct.pack("<f", 774411.0)),
    ("UV", "UV", 0x7FE00003, struct.pack("<Q", 774411)),
    ("BCD OB", "OB", 0x00340002, b"\x77\x44\x11\0"),
    ("UL acc", "UL", 0x00289001, struct.pack("<I", 9981273)),
)

NUMBERED_DAYS = (
    *(("IS", name, value) for name, value in (("IS exam", b"20150512"), ("IS birth", b"19410523"), ("IS parts", b"2015\\05\\12"), ("IS parts birth", b"23\\5\\1941"), ("IS signed", b"+20150512"))),
    *(("DS", name, value) for name, value in (("DS exam", b"20150512"), ("DS exam .0", b"20150512.0"), ("DS exp", b"2.0150512E7"), ("DS birth", b"19410523.00"), ("DS parts", b"2015\\5\\12"), ("DS epoch", b"1431425472.5"), ("DS epoch ms", b"1431425472500"))),
)


def in_utf7(own: bytes) -> bytes:
    """A name with its fourth letter as UTF-7 may have it."""
    return own[:3] + b"+" + base64.b64encode(own[3:4].decode().encode("utf-16-be")).rstrip(b"=") + b"-" + own[4:]


def of_a_name(own: bytes):
    """Kinds that are the same for the patient's own name and for somebody else's: elements, and what must be gone."""
    short = own[:8].upper()
    return (
        ("in ICC profile", (element(0x00282000, "OB", text(b"\0\0\x02\0lcms\x02\x10\0\0mntrRGB XYZ " + b"\0" * 16 + b"acsp" + b"\0" * 84 + b"desc" + own + b"\0")),), [own]),
        ("in palette LUT", (element(0x00281101, "US", struct.pack("<3H", 256, 0, 16)), element(0x00281201, "OW", text(own, b"\0") + b"\0" * (512 - len(text(own))))), [own]),
        ("in palette utf16", (element(0x00281101, "US", struct.pack("<3H", 256, 0, 16)), element(0x00281201, "OW", own.decode().encode("utf-16-le") + b"\0" * (512 - 2 * len(own)))), [own.decode().encode("utf-16-le")]),
        ("in palette byte swapped", (element(0x00281101, "US", struct.pack("<3H", 256, 0, 16)), element(0x00281201, "OW", np.frombuffer(own, "<u2").byteswap().tobytes() + b"\0" * (512 - len(own)))), [np.frombuffer(own, "<u2").byteswap().tobytes()]),
        ("in FlowIdentifier", (element(0x00340002, "OB", text(own, b"\0")),), [own]),
        ("in SourceIdentifier", (element(0x00340005, "OB", text(own, b"\0")),), [own]),
        ("in histogram UL", (sequence(0x00603000, item(element(0x00603020, "UL", numbers("<u4", own)))),), [numbers("<u4", own)]),
        ("in US array", (element(0x00280006 + 0, "US", numbers("<u2", own)),), [numbers("<u2", own)]),
        ("in FL array", (element(0x00189073, "FD", numbers("<f8", own)),), [numbers("<f8", own)]),
        ("in SpectroscopyData OF", (element(0x56000020, "OF", own + b"\0" * (-len(own) % 4)),), [own]),
        ("in AT", (element(0x00280009, "AT", own + b"\0" * (-len(own) % 4)),), [own]),
        ("in FD bytes", (element(0x00189087, "FD", own + b"\0" * (-len(own) % 8)),), [own]),
        ("in SelectorOB", (element(0x00720065, "OB", text(own, b"\0")),), [own]),
        ("in SelectorUN", (element(0x0072006D, "UN", text(own, b"\0")),), [own]),
        ("in SelectorOW", (element(0x00720069, "OW", text(own, b"\0")),), [own]),
        ("in SelectorLO", (element(0x00720066, "LO", text(own)),), [own]),
        ("in SelectorCS", (element(0x00720062, "CS", text(own.upper())),), [own.upper()]),
        ("in known OW as UN", (element(0x00281201, "UN", text(own, b"\0")),), [own]),
        ("in known US as UN", (element(0x00280106, "UN", text(own, b"\0")),), [own]),
        ("in known CS as LO", (element(0x00185100, "LO", text(own)),), [own]),
        ("in known SH as UN", (element(0x00181210, "UN", text(own)),), [own]),
        ("in unknown public even tag", (element(0x00280FFE, "LO", text(own)),), [own]),
        ("in unknown group", (element(0x12340010, "LO", text(own)),), [own]),
        ("in unknown VR ZZ", (element(0x00181210, "ZZ", text(own)),), [own]),
        ("in VR ??", (element(0x00181210, "??", text(own)),), [own]),
        ("in group length", (element(0x00280000, "UL", own[:4]),), [own[:4]]),
        ("in group length of 12", (element(0x00280000, "UN", text(own)),), [own]),
        ("in trailing padding", (element(0xFFFCFFFC, "OB", text(own)),), [own]),
        ("in IS", (element(0x00200012, "IS", text(own)),), [own]),
        ("in DS after number", (element(0x00180050, "DS", text(b"1.5\\" + own)),), [own]),
        ("in AS", (element(0x00101010, "AS", own),), [own]),
        ("in TM", (element(0x00080030, "TM", text(own)),), [own]),
        ("in DT", (element(0x0008002A, "DT", text(own)),), [own]),
        ("in DA", (element(0x00080020, "DA", text(own)),), [own]),
        ("in UI", (element(0x00081150, "UI", text(own, b"\0")),), [own]),
        ("in UI context group", (element(0x0008010D, "UI", text(own, b"\0")),), [own]),
        ("in PatientSize", (element(0x00101020, "DS", text(own)),), [own]),
        ("in PatientSex", (element(0x00100040, "CS", text(own.upper())),), [own.upper()]),
        ("as model code VB13-like", (element(0x00081090, "LO", text(short + b"13")),), [short]),
        ("digits glued in software", (element(0x00181020, "LO", text(b"VB13_" + own + b"7")),), [own]),
        ("camel in SequenceName", (element(0x00180024, "SH", text(b"ep2d" + own[:10])),), [own[:10]]),
        ("spaced letters", (element(0x00081030, "LO", text(b" ".join(bytes([c]) for c in own))),), [b" ".join(bytes([c]) for c in own)]),
        ("reversed", (element(0x00081030, "LO", text(own[::-1])),), [own[::-1]]),
        ("leet in description", (element(0x00081030, "LO", text(own.replace(b"i", b"1"))),), [own.replace(b"i", b"1")]),
        ("fullwidth", (element(0x00081030, "LO", text("".join(chr(c + 0xFEE0) for c in own).encode())),), ["".join(chr(c + 0xFEE0) for c in own).encode()]),
        ("with soft hyphen", (element(0x00081030, "LO", text((own[:5].decode() + "\u00ad" + own[5:].decode()).encode())),), [own[5:]]),
        ("with zero width", (element(0x00181020, "LO", text((own[:5].decode() + "\u200b" + own[5:].decode()).encode())),), [own[5:]]),
        ("cyrillic lookalike", (element(0x00181020, "LO", text(own.decode().replace("a", "а").encode())),), [own.decode().replace("a", "а").encode()]),
        ("utf16 in LT", (element(0x00204000, "LT", own.decode().encode("utf-16-le")),), [own.decode().encode("utf-16-le")]),
        ("utf7", (element(0x00181020, "LO", text(in_utf7(own))),), [own[4:]]),
        ("html entities", (element(0x00204000, "LT", text(b"".join(b"&#%d;" % c for c in own))),), [b"".join(b"&#%d;" % c for c in own)]),
        ("percent encoded", (element(0x00081190, "UR", text(b"http://x/" + own)),), [own]),
        ("as private creator", (element(0x00290010, "LO", text(own)), element(0x00291001, "LO", b"ab")), [own]),
        ("private creator behind safe one", (element(0x00290010, "LO", text(b"SIEMENS CSA HEADER\\" + own)), element(0x00291008, "CS", b"IMAGE NUM 4 ")), [own]),
        ("in safe private other VR", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100C, "LO", text(own))), [own]),
        ("in safe private IS", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100C, "IS", text(own))), [own]),
        ("in safe private UN", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100C, "UN", text(own))), [own]),
        ("in safe private FD", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100E, "FD", own + b"\0" * (-len(own) % 8))), [own]),
        ("in safe private OB", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100E, "OB", text(own))), [own]),
        ("in safe private sequence", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), sequence(0x0019100C, item(element(0x00081030, "LO", text(own))))), [own]),
        ("in safe private UN sequence", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), sequence(0x0019100C, item(implicit(0x00181210, text(own))), undefined=True, vr="UN")), [own]),
        ("in safe private unnested private", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), sequence(0x0019100C, item(element(0x00110010, "LO", text(own)) + element(0x00111001, "LO", text(own))))), [own]),
        ("in duplicate creators", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x00190011, "LO", b"SIEMENS MR HEADER "), element(0x0019110C, "LO", text(own))), [own]),
        ("creator twice same tag", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x00190010, "LO", text(own)), element(0x0019100C, "IS", b"1 ")), [own]),
        ("in unowned private", (element(0x0019100C, "LO", text(own)),), [own]),
        ("in unowned ge 0043,1039", (element(0x00431039, "IS", text(b"1000\\" + own)),), [own]),
        ("in ge 0043,1039", (element(0x00430010, "LO", b"GEMS_PARM_01"), element(0x00431039, "IS", text(b"1000\\" + own))), [own]),
        ("in ge LO asset", (element(0x00430010, "LO", b"GEMS_PARM_01"), element(0x0043106F, "LO", text(own))), [own]),
        ("in philips CS", (element(0x20010010, "LO", b"Philips Imaging DD 001"), element(0x20011004, "CS", text(own.upper()))), [own.upper()]),
        ("in philips FL", (element(0x20010010, "LO", b"Philips Imaging DD 001"), element(0x20011003, "FL", own + b"\0" * (-len(own) % 4))), [own]),
        ("in GEIIS PACS", (element(0x09030010, "LO", b"GEIIS PACS"), element(0x09031010, "US", text(own))), [own]),
        ("in CSA type", (element(0x00290010, "LO", b"SIEMENS CSA HEADER"), element(0x00291008, "CS", text(own.upper()))), [own.upper()]),
        ("in CSA version", (element(0x00290010, "LO", b"SIEMENS CSA HEADER"), element(0x00291018, "CS", text(own.upper()))), [own.upper()]),
        ("private below 0010", (element(0x00290001, "LO", text(own)),), [own]),
        ("private group 0001", (element(0x00010010, "LO", text(own)),), [own]),
        ("private sequence nested creator elsewhere", (element(0x20050010, "LO", b"Philips MR Imaging DD 001 "), sequence(0x2005100E, item(element(0x20050010, "LO", text(own)) + element(0x2005100D, "LO", text(own))))), [own]),
        ("deep nested 12", (nested(12, element(0x00181210, "SH", text(own)), 0x00081140),), [own]),
        ("deep undefined", (nested(8, element(0x0040A160, "UT", text(own)), 0x0040A730, undefined=True),), [own]),
        ("in sequence as UN implicit", (sequence(0x00081140, item(implicit(0x00082111, text(own))), undefined=True, vr="UN"),), [own]),
        ("in item of non-sequence VR OB", (element(0x00081140, "OB", item(element(0x00082111, "ST", text(own)))),), [own]),
        ("after item delimiter length", (sequence(0x00081140, struct.pack("<HHI", 0xFFFE, 0xE000, UNDEFINED) + element(0x00081155, "UI", b"1.2.3\0") + struct.pack("<HHI", 0xFFFE, 0xE00D, len(text(own))) + text(own)),), [own]),
        ("in sequence delimiter value", (element(0x00081140, "SQ", item(b"") + struct.pack("<HHI", 0xFFFE, 0xE0DD, len(text(own))) + text(own), UNDEFINED),), [own]),
        ("in duplicate element", (element(0x00181210, "SH", b"B30f"), element(0x00181210, "SH", text(own))), [own]),
        ("duplicate patient name", (element(0x00100010, "PN", text(OWN + b"^A")), element(0x00100010, "PN", text(own))), [own]),
        ("in reserved bytes of long VR", (struct.pack("<HH", 0x0020, 0x4000) + b"UT" + own[:2] + struct.pack("<I", 4) + b"axia",), [b"UT" + own[:2]]),
        ("in code meaning of SCT", (sequence(0x00540220, item(element(0x00080100, "SH", b"R-10202 ") + element(0x00080102, "SH", b"SCT ") + element(0x00080104, "LO", text(own)))),), [own]),
        ("in local code", (sequence(0x00082218, item(element(0x00080100, "SH", text(own[:8].upper() + b"1")) + element(0x00080102, "SH", b"99SIEMENS ") + element(0x00080104, "LO", text(own)))),), [own, own[:8].upper()]),
        ("in coding scheme", (sequence(0x00082218, item(element(0x00080100, "SH", b"T-D1100 ") + element(0x00080102, "SH", text(b"99" + own.upper())) + element(0x00080104, "LO", b"Head"))),), [own.upper()]),
        ("in coding scheme identification", (sequence(0x00080110, item(element(0x00080102, "SH", b"99X ") + element(0x00080115, "ST", text(own)) + element(0x00080116, "ST", text(own)) + element(0x0008010E, "UR", text(b"http://" + own)))),), [own]),
        ("in contributing equipment", (sequence(0x0018A001, item(element(0x00080070, "LO", text(own)) + element(0x00081040, "LO", text(own)) + element(0x0018A003, "ST", text(own)))),), [own]),
        ("in segment", (sequence(0x00620002, item(element(0x00620005, "LO", text(own)) + element(0x00620006, "ST", text(own)) + element(0x00620009, "LO", text(own)) + element(0x00620020, "UT", text(own)))),), [own]),
        ("in RT structures", (sequence(0x30060020, item(element(0x30060022, "IS", b"1 ") + element(0x30060026, "LO", text(b"PTV_" + own)) + element(0x30060028, "ST", text(own)))), sequence(0x30060080, item(element(0x30060085, "SH", text(own)) + element(0x300600A6, "PN", text(own))))), [own]),
        ("in PR graphics", (sequence(0x00700001, item(sequence(0x00700008, item(element(0x00700006, "ST", text(own)))) + element(0x00700002, "CS", text(own.upper())))), element(0x00700084, "PN", text(own))), [own, own.upper()]),
        (
            "in SR content",
            (sequence(0x0040A730, item(element(0x0040A040, "CS", b"TEXT") + element(0x0040A160, "UT", text(own))), item(element(0x0040A040, "CS", b"PNAME ") + element(0x0040A123, "PN", text(own))), item(element(0x0040A040, "CS", b"NUM ") + sequence(0x0040A300, item(element(0x0040A30A, "DS", text(own)))))),),
            [own],
        ),
        ("in overlay comments", (element(0x60004000, "LT", text(own)), element(0x60001500, "LO", text(own))), [own]),
        ("in curve audio", (element(0x5000200C, "OW", text(own)), element(0x50002022, "LO", text(own))), [own]),
        ("in curve odd group 5001", (element(0x50013000, "OB", text(own)),), [own]),
        ("in waveform labels", (sequence(0x54000100, item(element(0x003A0020, "SH", text(own)) + sequence(0x003A0200, item(element(0x003A0203, "SH", text(own)) + element(0x003A020C, "LO", text(own)))))),), [own]),
        ("in icon", (sequence(0x00880200, item(element(0x00280010, "US", b"\4\0") + element(0x00280011, "US", b"\4\0") + element(0x7FE00010, "OW", text(own) + b"\0" * (32 - len(text(own)))))),), [own]),
        ("in Encapsulated in CT", (element(0x00420011, "OB", text(own, b"\0")),), [own]),
        ("in pixel padding native", (element(0x7FE00010, "OW", b"\1\0" * 64 + text(own)),), [own]),
        ("in float pixel beside", (element(0x7FE00008, "OF", own + b"\0" * (-len(own) % 4)),), [own]),
        ("in double pixel beside", (element(0x7FE00009, "OD", own + b"\0" * (-len(own) % 8)),), [own]),
        ("in pixel data provider URL", (element(0x00287FE0, "UR", text(b"http://pacs/" + own)),), [own]),
        ("in variable pixel data 7f00", (element(0x7F000010, "OW", text(own)),), [own]),
        ("in variable coefficients 7f00,0020", (element(0x7F000020, "OW", text(own)),), [own]),
        ("in 0028,0400 lpx", (element(0x00280400, "LO", text(own)), element(0x00280300, "CS", b"YES ")), [own]),
        ("in SpecificCharacterSet", (element(0x00080005, "CS", text(b"ISO_IR 192\\" + own.upper())),), [own.upper()]),
        ("in charset of item", (sequence(0x00081140, item(element(0x00080005, "CS", text(own.upper())) + element(0x00081155, "UI", b"1.2.3\0"))),), [own.upper()]),
        ("in Modality", (element(0x00080060, "CS", text(own.upper())),), [own.upper()]),
        ("in photometric", (element(0x00280004, "CS", text(own.upper())),), [own.upper()]),
        ("in lossy method", (element(0x00282114, "CS", text(own.upper())),), [own.upper()]),
        ("in BurnedIn", (element(0x00280301, "CS", text(b"NO\\" + own.upper())),), [own.upper()]),
        ("in 0012,0063", (element(0x00120063, "LO", text(b"by " + own)),), [own]),
        ("in 0012,0064 code", (sequence(0x00120064, item(element(0x00080100, "SH", text(own)) + element(0x00080102, "SH", b"DCM ") + element(0x00080104, "LO", text(own)))),), [own]),
        ("in 0028,0303", (element(0x00280303, "CS", text(own.upper())),), [own.upper()]),
        ("in 0012,0062", (element(0x00120062, "CS", text(own.upper())),), [own.upper()]),
        ("trial ids", (element(0x00120010, "LO", text(own)), element(0x00120020, "LO", text(own)), element(0x00120040, "LO", text(own)), element(0x00120042, "LO", text(own)), element(0x00120071, "LO", text(own))), [own]),
        ("command group", (element(0x00000600, "AE", text(own)),), [own]),
        ("in meta group in dataset", (element(0x00020016, "AE", text(own)),), [own]),
        ("in dicomdir group 4", (element(0x00041130, "CS", text(own.upper())), element(0x00041500, "CS", text(own.upper()))), [own.upper()]),
    )


OTHERS = (
    ("US triple exam date", (element(0x00281101, "US", struct.pack("<3H", 2015, 5, 12)),), [struct.pack("<3H", 2015, 5, 12)], "date"),
    ("FD exam yyyymmdd", (element(0x00189087, "FD", struct.pack("<d", 20150512.0)),), [struct.pack("<d", 20150512.0)], "date"),
    ("FD epoch", (element(0x00189087, "FD", struct.pack("<d", 1431425472.5)),), [struct.pack("<d", 1431425472.5)], "date"),
    ("private UL date", (element(0x00190010, "LO", b"SIEMENS MR HEADER "), element(0x0019100C, "UL", struct.pack("<I", 20150512))), [struct.pack("<I", 20150512)], "date"),
    ("private GE epoch", (element(0x00430010, "LO", b"GEMS_PARM_01"), element(0x00431039, "IS", b"1431425472")), [b"1431425472"], "date"),
    ("DA range", (element(0x00080020, "DA", text(b"20150512-20150513")),), [b"20150512"], "date"),
    ("DA dotted", (element(0x00080020, "DA", b"2015.05.12"),), [b"2015.05.12"], "date"),
    ("DA dashed", (element(0x00080020, "DA", b"2015-05-12"),), [b"2015-05-12"], "date"),
    ("DA in TM", (element(0x00080030, "TM", b"20150512"),), [b"20150512"], "date"),
    ("DT in TM", (element(0x00080030, "TM", b"20150512101112"),), [b"20150512"], "date"),
    ("DA in second value of TM", (element(0x00080031, "TM", text(b"101112\\20150512")),), [b"20150512"], "date"),
    ("DA as UN", (element(0x00080022, "UN", DAY),), [DAY], "date"),
    ("DA as LO", (element(0x00080022, "LO", DAY),), [DAY], "date"),
    ("DT as LO", (element(0x0008002A, "LO", text(b"20150512101112")),), [b"20150512"], "date"),
    ("DT with tz", (element(0x0008002A, "DT", text(b"20150512101112.5+0200")),), [b"20150512"], "date"),
    ("DA with NUL", (element(0x00080022, "DA", b"20150512\0\0"),), [DAY], "date"),
    ("DA with text behind", (element(0x00080022, "DA", text(b"20150512 Quist")),), [DAY], "date"),
    ("DA multi", (element(0x00080022, "DA", text(b"20150512\\20150512")),), [DAY], "date"),
    ("DA fullwidth digits", (element(0x00080022, "DA", "２０１５０５１２".encode()),), ["２０１５０５１２".encode()], "date"),
    ("month only DA", (element(0x00080022, "DA", b"201505"),), [b"DA\x06\x00201505"], "date"),
    ("TZ offset", (element(0x00080201, "SH", text(b"+0545")),), [b"+0545"], "date"),
    ("series date in icon seq item DA", (sequence(0x00081140, item(element(0x00080020, "DA", DAY))),), [DAY], "date"),
    ("bare month name desc", (element(0x00081030, "LO", b"Verlauf Mai 2015"),), [b"Mai 2015"], "date"),
    ("UID with birth date", (element(0x0020000E, "UI", text(b"1.2.3.19410523.774411", b"\0")),), [b"1.2.3.19410523.774411"], "uid"),
    ("UID leading zero", (element(0x0020000E, "UI", text(b"1.2.003.4", b"\0")),), [b"1.2.003.4"], "uid"),
    ("UID in LO", (element(0x00081030, "LO", text(b"1.2.840.99999.77.5")),), [b"1.2.840.99999.77.5"], "uid"),
    ("other UID in code uid", (sequence(0x00081140, item(element(0x00081150, "UI", text(b"1.2.840.99999.77.5", b"\0")) + element(0x00081155, "UI", text(b"1.2.840.99999.77.6", b"\0")))),), [b"1.2.840.99999.77.5", b"1.2.840.99999.77.6"], "uid"),
    ("uid under registered root", (element(0x0008010D, "UI", text(b"1.2.840.10008.5.1.4.1.1.2.774411", b"\0")),), [b"774411"], "uid"),
    ("uid under registered root as instance", (element(0x0020000E, "UI", text(b"1.2.840.10008.774411.19410523", b"\0")),), [b"774411"], "uid"),
    ("SOP class under registered root ref", (sequence(0x00081140, item(element(0x00081150, "UI", text(b"1.2.840.10008.5.1.4.1.1.774411", b"\0")) + element(0x00081155, "UI", b"1.2.3\0"))),), [b"774411"], "uid"),
    ("own uid binary OID", (element(0x00181002, "UI", b"\x06\x09\x2b\x06\x01\x04\x01\xce\x0f\x01\x02\0"),), [b"\x06\x09\x2b\x06\x01\x04\x01\xce\x0f"], "uid"),
    ("own study uid with spaces in text", (element(0x00181020, "LO", b"1.3.6.1.4.1.9999.1.2.3"),), [b"1.3.6.1.4.1.9999.1.2.3"], "uid"),
    ("own study uid with underscores", (element(0x00181020, "LO", text(b"1_3_6_1_4_1_9999_1_2_3")),), [b"1_3_6_1_4_1_9999_1_2_3"], "uid"),
    ("uid tail alone", (element(0x00181020, "LO", text(b"9999.1.2.3")),), [b"9999.1.2.3"], "uid"),
)
"""Days and UIDs: elements, what must be gone, and what it is."""

CHARSETS = (
    ("gb18030", b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), ["王小东".encode("gb18030"), "王 小东".encode("gb18030"), b"Xiao Dong", "scan王小东".encode("gb18030"), "Wáng Xiǎodōng".encode("gb18030")]),
    ("gbk wrong declared", b"ISO_IR 100", "Wang^XiaoDong=王^小东".encode("gb18030"), ["王小东".encode("gb18030"), b"XiaoDong", "王小东".encode()]),
    ("none utf8", b"", "Müller^Jürgen".encode(), ["MÜLLER".encode(), "Müller".encode("latin1"), b"Mueller", b"MULLER", b"JUERGEN", b"Jurgen"]),
    ("latin1", b"ISO_IR 100", "Müller^Jürgen".encode("latin1"), ["müller".encode("latin1"), "Müller".encode(), b"Mueller", b"Muller", "Mu\u0308ller".encode()]),
    ("greek", b"ISO_IR 126", "Διονυσιος".encode("iso8859-7"), ["ΔΙΟΝΥΣΙΟΣ".encode("iso8859-7"), "Διονυσιος".encode(), b"Dionysios"]),
    ("cyrillic", b"ISO_IR 144", "Люкceмбypг".encode("iso8859-5"), ["Люкceмбypг".encode("iso8859-5"), "ЛЮКCEМБYPГ".encode("iso8859-5")]),
    ("cyrillic proper", b"ISO_IR 144", "Щербаков^Иван".encode("iso8859-5"), ["ЩЕРБАКОВ".encode("iso8859-5"), "Щербаков".encode(), "Щербаков".encode("cp1251"), "Щербаков".encode("koi8-r"), b"Shcherbakov"]),
    ("iso2022 kanji", b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", [b"\x1b$B;3EDB@O:\x1b(B", b"\x1b$B;3ED\x1b(B", "山田".encode(), "山田".encode("shift_jis"), "山田".encode("euc_jp"), b";3ED"]),
    ("korean", b"\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf", [b"\x1b$)C\xc8\xab\xb1\xe6\xb5\xbf", b"\xc8\xab\xb1\xe6\xb5\xbf", "홍길동".encode()]),
    ("iso ir 13", b"ISO_IR 13", b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3", [b"\xd4\xcf\xc0\xde", "ﾔﾏﾀﾞ".encode(), "ヤマダ".encode()]),
    ("thai", b"ISO_IR 166", "สมชาย^ใจดี".encode("tis-620"), ["สมชาย".encode("tis-620"), "สมชาย".encode()]),
    ("hebrew", b"ISO_IR 138", "שרון^דבורה".encode("iso8859-8"), ["שרון".encode("iso8859-8"), "דבורה".encode()]),
    ("arabic", b"ISO_IR 127", "قباني^لنزار".encode("iso8859-6"), ["قباني".encode("iso8859-6"), "لنزار".encode()]),
    ("charset case", b"iso_ir 192", "Müller^Jürgen".encode(), ["MÜLLER".encode()]),
    ("unknown charset", b"ISO_IR 999", "Müller^Jürgen".encode(), ["MÜLLER".encode(), "müller".encode("latin1"), "Müller".encode()]),
    ("decomposed", b"ISO_IR 192", "Mu\u0308ller^Ju\u0308rgen".encode(), ["Müller".encode(), "MÜLLER".encode(), b"Mueller"]),
    ("apostrophe", b"ISO_IR 192", "O\u2019Shaughnessy^Siobhan".encode(), [b"O'Shaughnessy", b"OShaughnessy", b"O`SHAUGHNESSY", b"Shaughnessy", "Siobhán".encode()]),
    ("turkish", b"ISO_IR 148", "Işıklı^İbrahim".encode("iso8859-9"), ["IŞIKLI".encode("iso8859-9"), b"Isikli", b"IBRAHIM", b"ibrahim", "İBRAHİM".encode()]),
    ("ligature", b"ISO_IR 192", "Strauß^Änne".encode(), [b"STRAUSS", b"Strauss", "STRAUẞ".encode(), b"Aenne", b"ANNE"]),
    ("nordic", b"ISO_IR 192", "Sørensen^Åse".encode(), [b"Soerensen", b"Sorensen", b"AASE"]),
    ("polish", b"ISO_IR 101", "Łukaszewicz^Zbigniew".encode("iso8859-2"), [b"Lukaszewicz", "ŁUKASZEWICZ".encode(), b"ZBIGNIEW"]),
    ("hyphenated", b"ISO_IR 192", b"Meyer-Landrut^Anna Lenuta", [b"MeyerLandrut", b"Landrut", b"Meyer Landrut", b"Lenuta"]),
)
"""Name, Specific Character Set, Patient's Name, and copies of it in another element."""


def kinds():
    """Name -> kind."""
    return _placed() | _spelled()


def _placed():
    found = {}
    for whose, own in (("own", OWN), ("third", THIRD)):
        for name, elements, traces in of_a_name(own):
            found[f"{whose} name {name}"] = Kind(planted(*elements), tuple(traces), whose)
        for tag, vr, name in COPIED:
            value = own.upper() if vr == "CS" else own
            found[f"{whose} name in {name}"] = Kind(planted(element(tag, vr, text(value))), (value,), whose)
    for name, elements, traces, whose in OTHERS:
        found[name] = Kind(planted(*elements), tuple(traces), whose)
    return found


def _spelled():
    found = {}
    for name, said in SPELLED_DAYS.items():
        found[f"day, {name}"] = _described(said.encode(), "date")
        found[f"day, {name}, in a device"] = _described(said.encode(), "date", 0x00181020)
    for name, value in SPELLED_IDS:
        found[f"id, {name}"] = _described(value, "id")
        found[f"id, {name}, in a device"] = _described(value, "id", 0x00181020)
    for name, vr, tag, value in (*NUMBERED_IDS, *BINARY_IDS):
        code = vr.decode() if isinstance(vr, bytes) else vr
        found[f"id as number, {name}, {code}"] = Kind(planted(element(tag, code, text(value))), (value,), "id")
    for vr, name, value in NUMBERED_DAYS:
        tag = 0x00181242 if vr == "IS" else 0x00181063
        found[f"day as number, {name}"] = Kind(planted(element(tag, vr, text(value))), (value,), "date")
    for name, charset, person, copies in CHARSETS:
        for number, copy in enumerate(copies):
            said = (element(0x00080005, "CS", text(charset)), element(0x00100010, "PN", text(person)))
            found[f"{name} name, copy {number}"] = Kind(planted(*said, element(0x00181020, "LO", text(copy))), (copy,), "spelled")
    return found


def _described(value: bytes, whose: str, tag: int = 0x0008103E) -> Kind:
    return Kind(planted(element(tag, "LO", text(value))), (value,), whose)
