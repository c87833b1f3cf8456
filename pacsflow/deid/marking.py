"""What the cleaned instance says of its own de-identification (PS3.3 C.12.1.1.7, PS3.15 E.1.2)."""

from collections.abc import Sequence
from typing import Final

from pacsflow.deid.splice import element, item

BASIC: Final = "113100"
CODES: Final = {
    BASIC: "Basic Application Confidentiality Profile",
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

METHOD: Final = 0x00120063
METHOD_CODES: Final = 0x00120064


class Marking:
    """The marking elements of a profile, encoded once for both encodings."""

    def __init__(self, methods: Sequence[str], codes: Sequence[str], dates: str) -> None:
        self._methods = "\\".join(methods).encode("ascii")
        self._fixed = {
            explicit: {
                0x00120062: element(0x00120062, "CS", b"YES", explicit=explicit),
                0x00280303: element(0x00280303, "CS", dates.encode(), explicit=explicit),
            }
            for explicit in (True, False)
        }
        self._codes = {
            explicit: b"".join(item(_code(code, explicit=explicit)) for code in codes) for explicit in (True, False)
        }
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


def _code(code: str, *, explicit: bool) -> bytes:
    values = {0x00080100: ("SH", code), 0x00080102: ("SH", "DCM"), 0x00080104: ("LO", CODES[code])}
    return b"".join(element(tag, vr, text.encode(), explicit=explicit) for tag, (vr, text) in values.items())
