"""What the cleaned instance says of its own de-identification (PS3.3 C.12.1.1.7, PS3.15 E.1.2)."""

import re
from collections.abc import Sequence
from typing import Final

from pacsflow.deid.encoding.elements import element, item
from pacsflow.deid.rules.actions import Case
from pacsflow.deid.rules.codes import CODE_VALUE, MEANING, SCHEME

BASIC: Final = "113100"
CLEAN_PIXELS: Final = "113101"
CODES: Final = {
    BASIC: "Basic Application Confidentiality Profile",
    CLEAN_PIXELS: "Clean Pixel Data Option",
    "113103": "Clean Graphics Option",
    "113104": "Clean Structured Content Option",
    "113105": "Clean Descriptors Option",
    "113106": "Retain Longitudinal Temporal Information Full Dates Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113109": "Retain Device Identity Option",
    "113110": "Retain UIDs Option",
    "113111": "Retain Safe Private Option",
    "113112": "Retain Institution Identity Option",
}
"""CID 7050, De-identification Method."""
_KNOWN: Final = re.compile(
    rb"PACSFLOW [\w.+-]{1,32}|PS3\.15 20\d\d[a-e]|profile [0-9a-f]{16}"
    rb"|(?i:de-?identified|(?:anon|pseudon)ymi[sz]ed|(?:rsna )?ctp|dicognito|deid|dicom-anonymizer|karnak)"
    rb"|(?i:per dicom ps ?3\.15 annex ?e\.? details in \(?0012,0064\)?)"
)
"""What this program writes there, and words of others that name nobody."""

OPTION_CODE: Final = {
    "clean-graphics": "113103",
    "clean-structured-content": "113104",
    "clean-descriptors": "113105",
    "retain-longitudinal-full-dates": "113106",
    "retain-longitudinal-modified-dates": "113107",
    "retain-patient-characteristics": "113108",
    "retain-device-identity": "113109",
    "retain-uids": "113110",
    "retain-safe-private": "113111",
    "retain-institution-identity": "113112",
}

REMOVED: Final = 0x00120062
"""Patient Identity Removed."""
DATES: Final = 0x00280303
"""Longitudinal Temporal Information Modified."""
METHOD: Final = 0x00120063
METHOD_CODES: Final = 0x00120064


class Marking:
    """The marking elements of a profile, encoded once for both encodings."""

    def __init__(self, methods: Sequence[str], codes: Sequence[str], dates: str) -> None:
        self._methods = "\\".join(methods).encode("ascii")
        self._fixed = {
            explicit: {
                REMOVED: element(REMOVED, "CS", b"YES", explicit=explicit),
                DATES: element(DATES, "CS", dates.encode(), explicit=explicit),
            }
            for explicit in (True, False)
        }
        self._codes = {
            explicit: b"".join(item(_code(code, explicit=explicit)) for code in codes) for explicit in (True, False)
        }
        self.text = self._methods.lower()
        """What (0012,0063) says of us, in lower case: it is nobody's name."""
        self._alone = {explicit: self._with(b"", b"", explicit=explicit) for explicit in (True, False)}

    def elements(self, method: bytes, code_items: bytes, *, explicit: bool) -> dict[int, bytes]:
        """Tag -> element; ours after the prior values of (0012,0063) and (0012,0064)."""
        prior = method.strip(b" \0")
        if not prior and not code_items:
            return self._alone[explicit]
        return self._with(prior, code_items, explicit=explicit)

    def _with(self, prior: bytes, code_items: bytes, *, explicit: bool) -> dict[int, bytes]:
        return self._fixed[explicit] | {
            METHOD: element(METHOD, "LO", prior + b"\\" + self._methods if prior else self._methods, explicit=explicit),
            METHOD_CODES: element(METHOD_CODES, "SQ", code_items + self._codes[explicit], explicit=explicit),
        }


def earlier(method: bytes, case: Case) -> bytes:
    """What earlier tools wrote into (0012,0063), cleaned as text of devices is: some name who did it, and to whom."""
    values = [each.strip(b" \0") for each in method.split(b"\\")]
    kept = [each if _KNOWN.fullmatch(each) else case.cleaned(each, devices=True) for each in values if each]
    return b"\\".join(filter(None, kept))


def _code(code: str, *, explicit: bool) -> bytes:
    values = {CODE_VALUE: ("SH", code), SCHEME: ("SH", "DCM"), MEANING: ("LO", CODES[code])}
    return b"".join(element(tag, vr, text.encode(), explicit=explicit) for tag, (vr, text) in values.items())
