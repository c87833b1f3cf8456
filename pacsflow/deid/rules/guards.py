"""Which instances must not leave at all: those the profile drops, and those whose pixels may show text."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from pacsflow.attributes import name_of_uid
from pacsflow.deid.encoding.dictionary import VR_OF, parse_tag
from pacsflow.deid.encoding.header import Header
from pacsflow.deid.rules import known_devices
from pacsflow.deid.rules.risky_pixels import told_risk
from pacsflow.errors import RefusalError

PIXELS: Final = (0x7FE00010, 0x7FE00008, 0x7FE00009)
ELSEWHERE: Final = (0x00287FE0,)
"""Pixel Data Provider URL (PS3.3 C.7.6.3): the pixels are somewhere else."""
_ANYWHERE: Final = (*PIXELS, *ELSEWHERE)
DOCUMENT: Final = 0x00420011
WAVEFORM: Final = 0x54000100
SOUND: Final = frozenset({"1.2.840.10008.5.1.4.1.1.9.4.1", "1.2.840.10008.5.1.4.1.1.9.4.2"})
"""Basic Voice Audio and General Audio Waveform Storage."""
MODALITY: Final = 0x00080060
IMAGE_TYPE: Final = 0x00080008
SOP_CLASS: Final = 0x00080016
BURNED_IN: Final = 0x00280301
_TELLING: Final = (BURNED_IN, MODALITY, IMAGE_TYPE, SOP_CLASS)


def refuse_dropped(header: Header, rules: Sequence["DropRule"]) -> None:
    """Raise RefusalError `dropped: KEYWORD` where one of the profile's drop rules fits."""
    for rule in rules:
        if rule.fits(header):
            raise RefusalError(f"dropped: {rule.name}", fix="take the rule out of `drop:` in deid.yaml to keep it")


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
    if _is_image(sop_class) and header.level.elements.keys().isdisjoint(_ANYWHERE):
        raise RefusalError("malformed: an image without pixel data", fix="look at the image on the PACS")


def refuse_documents(header: Header, sop_class: str, ruled: Collection[int]) -> None:
    """Raise RefusalError `content: …` for what cannot be cleaned as a whole and is nothing without its content.

    Encapsulated PDF, CDA and models (PS3.3 A.45, A.85), and recorded sound. `ruled`: tags with a rule of the user's.
    """
    if DOCUMENT in header.level.elements and DOCUMENT not in ruled:
        what = "an encapsulated document, which is not cleaned inside"
    elif sop_class in SOUND and WAVEFORM not in ruled:
        what = "recorded sound, in which a voice may tell who it is"
    else:
        return
    tag, keyword = (
        (DOCUMENT, "EncapsulatedDocument") if DOCUMENT in header.level.elements else (WAVEFORM, "WaveformSequence")
    )
    raise RefusalError(
        f"content: {what}", fix=f"a rule for {keyword} ({tag:08x}) under `elements:` in deid.yaml says what is done"
    )


@lru_cache(512)
def _is_image(sop_class: str) -> bool:
    """Whether the standard's name of a storage class says that its instances are images."""
    return name_of_uid(sop_class).endswith("Image Storage")


def has_pixels(header: Header) -> bool:
    """Whether the instance has pixel data."""
    return not header.level.elements.keys().isdisjoint(PIXELS)


def refuse_risky(header: Header) -> None:
    """Raise RefusalError `pixels: …` where the pixel data may show text (PS3.15 E.3.1)."""
    if has_pixels(header) and (why := header_risk(header)):
        raise RefusalError(
            f"pixels: may show text ({why})",
            fix="`pixels: {burned_in: keep}` in deid.yaml lets such images pass; look at them first; or `mask`",
        )


def header_risk(header: Header) -> str:
    """Why pixel data may show text, by what the header says; empty where it says nothing of it."""
    if told := told_risk(*header.several(_TELLING)):
        return told
    device = known_devices.known(header)
    return f"device list: {device}" if device else ""
