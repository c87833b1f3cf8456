"""Which instances must not leave at all: those the profile drops, and those whose pixels may show text."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pydicom.uid import UID

from pacsflow.deid import known_devices
from pacsflow.deid.dictionary import VR_OF, parse_tag
from pacsflow.deid.header import Header
from pacsflow.errors import RefusalError

PIXELS: Final = (0x7FE00010, 0x7FE00008, 0x7FE00009)
ELSEWHERE: Final = (0x00287FE0,)
"""Pixel Data Provider URL (PS3.3 C.7.6.3): the pixels are somewhere else."""
MODALITY: Final = 0x00080060
IMAGE_TYPE: Final = 0x00080008
SOP_CLASS: Final = 0x00080016
BURNED_IN: Final = 0x00280301

SCREENS: Final = frozenset({"US", "IVUS", "BDUS", "ES", "XC", "GM", "OT", "SC", "DOC", "HC", "LP", "VF", "BMD"})
"""Modalities whose images are what a screen, a page or a camera showed: text is part of the picture."""
FILMS: Final = frozenset({"XA", "RF", "CR", "DX", "MG", "PX", "IO", "OP", "OPT", "OCT", "DG", "TG", "RG", "LS"})
"""Modalities that write marks and names into some pictures: taken where the instance says that there are none."""
TYPES: Final = (
    "SCREEN SAVE",
    "SCREENSAVE",
    "SCREENSHOT",
    "SCREEN",
    "REPORT",
    "DOSE_INFO",
    "LABEL",
    "OVERVIEW",
    "SLIDE",
)
"""Values of Image Type of screen captures, reports, and pictures of a slide's paper label."""
CAPTURES: Final = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary Capture, and the multi-frame classes below it."""


def refuse_dropped(header: Header, rules: Sequence["DropRule"]) -> None:
    """Raise RefusalError `dropped: KEYWORD` where one of the profile's drop rules fits."""
    for rule in rules:
        if rule.fits(header):
            raise RefusalError(f"dropped: {rule.name}", remedy="take the rule out of `drop:` in deid.yaml to keep it")


class DropRule:
    """One entry of `drop:`; fits where all its attributes do. Raises TagError for an unknown attribute."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name = ", ".join(entry)
        self._wanted = [(parse_tag(keyword)[0], _terms(wanted)) for keyword, wanted in entry.items()]

    def fits(self, header: Header) -> bool:
        """Whether the instance is to be dropped."""
        return all(_contains(header, tag, terms) for tag, terms in self._wanted)


def _terms(wanted: Any) -> list[str]:
    return [str(term).strip().casefold() for term in (wanted if isinstance(wanted, list) else [wanted])]


def _contains(header: Header, tag: int, terms: list[str]) -> bool:
    """Coded strings and UIDs are compared whole, value by value (CT is not in `OCT`); text anywhere."""
    text = header.text(tag).casefold()
    if VR_OF.get(tag) in ("CS", "UI"):
        return any(term == value.strip() for value in text.split("\\") for term in terms)
    return any(term in text for term in terms)


def refuse_without_pixels(header: Header, sop_class: str) -> None:
    """Raise RefusalError where an image has no pixel data: what was cut off between two elements reads as whole."""
    if _is_image(sop_class) and not any(tag in header.level.elements for tag in (*PIXELS, *ELSEWHERE)):
        raise RefusalError("malformed: an image without pixel data", remedy="look at the image on the PACS")


@lru_cache(512)
def _is_image(sop_class: str) -> bool:
    """Whether the standard's name of a storage class says that its instances are images."""
    return UID(sop_class).name.endswith("Image Storage")


def has_pixels(header: Header) -> bool:
    """Whether the instance has pixel data."""
    return any(tag in header.level.elements for tag in PIXELS)


def refuse_risky(header: Header) -> None:
    """Raise RefusalError `pixels: …` where the pixel data may show text (PS3.15 E.3.1)."""
    if has_pixels(header) and (why := _risk(header)):
        raise RefusalError(
            f"pixels: may show text ({why})",
            remedy="`pixels: {burned_in: keep}` in deid.yaml lets such images pass; look at them first",
        )


def _risk(header: Header) -> str:
    told = _told_risk(*map(header.raw, (BURNED_IN, MODALITY, IMAGE_TYPE, SOP_CLASS)))
    if told:
        return told
    device = known_devices.known(header)
    return f"device list: {device}" if device else ""


@lru_cache(1024)
def _told_risk(*raw: bytes) -> str:
    """What the instance itself says; empty where it says nothing of text. Coded strings are ASCII (PS3.5 6.2)."""
    burned_in, modality, image_type, sop_class = (value.decode("latin-1").strip(" \0") for value in raw)
    types = {value.strip() for value in image_type.split("\\")}
    if burned_in == "YES":
        return "BurnedInAnnotation YES"
    if sop_class.startswith(CAPTURES):
        return "SOPClassUID Secondary Capture"
    if shown := next((value for value in TYPES if value in types), ""):
        return f"ImageType {shown}"
    if modality in SCREENS:
        return f"Modality {modality}"
    if modality in FILMS and burned_in != "NO":
        return f"Modality {modality}, BurnedInAnnotation not NO"
    return ""
