"""The tables of attributes, codes and UIDs that pydicom brings, read without pydicom itself.

To import pydicom takes half a second and more, for it loads numpy and every decoder of pixels at hand. Commands that
only ask what an attribute is called (PS3.6) wait for none of that: a table's module is put in its place in
`sys.modules`, where pydicom, if it is imported later, finds it.
"""

import sys
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

_WILD: Final = "x"


def _table(module: str) -> Any:
    """A module of pydicom that holds tables and imports nothing. Raises ModuleNotFoundError."""
    if module in sys.modules:
        return sys.modules[module]
    package, *inside = module.split(".")
    whole = find_spec(package)
    if whole is None or whole.origin is None:
        raise ModuleNotFoundError(f"no module named {package}", name=package)
    spec = spec_from_file_location(module, Path(whole.origin).parent.joinpath(*inside).with_suffix(".py"))
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module named {module}", name=module)
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return sys.modules.setdefault(module, found)


Entry = tuple[str, str, str, str, str]
"""VR, value multiplicity, name, whether retired, keyword."""

DICOM: Final[dict[int, Entry]] = _table("pydicom._dicom_dict").DicomDictionary
"""Tag -> what PS3.6 6 says of it."""
REPEATERS: Final[dict[str, Entry]] = _table("pydicom._dicom_dict").RepeatersDictionary
"""`50xx0010` -> what PS3.6 says of a repeating group."""
KEYWORDS: Final[dict[str, int]] = {entry[4]: tag for tag, entry in DICOM.items()}
"""Keyword -> tag."""


def tag_for_keyword(keyword: str) -> int | None:
    """The tag of an attribute; None where PS3.6 has no such keyword."""
    return KEYWORDS.get(keyword)


def entry_of(tag: int) -> Entry:
    """What PS3.6 says of a tag, be it of a repeating group. Raises KeyError."""
    found = DICOM.get(tag)
    if found is not None:
        return found
    digits = f"{tag:08x}"
    for mask, entry in REPEATERS.items():
        if all(wanted in (_WILD, digit) for wanted, digit in zip(mask.lower(), digits, strict=True)):
            return entry
    raise KeyError(f"tag ({tag >> 16:04x},{tag & 0xFFFF:04x}) is not in PS3.6")


def vr_of_tag(tag: int) -> str:
    """The VR of a tag (PS3.6), as `US or SS` where it hangs on others. Raises KeyError."""
    return entry_of(tag)[0]


@cache
def private_creators() -> frozenset[str]:
    """The private creators whose elements pydicom knows."""
    return frozenset(_table("pydicom._private_dict").private_dictionaries)


UidEntry = tuple[str, str, str, str, str]
"""Name, type, more of it, whether retired, keyword."""


@cache
def registered_uids() -> dict[str, UidEntry]:
    """UID -> what PS3.6 Annex A says of it."""
    return {str(uid): entry for uid, entry in _table("pydicom._uid_dict").UID_dictionary.items()}


def name_of_uid(uid: str) -> str:
    """The name of a registered UID (PS3.6 Annex A); empty for others."""
    found = registered_uids().get(uid)
    return found[0] if found else ""


@cache
def concepts() -> dict[str, Any]:
    """Coding scheme -> keyword -> code -> its meaning and context groups (PS3.16)."""
    found: dict[str, Any] = _table("pydicom.sr._concepts_dict").concepts
    return found
