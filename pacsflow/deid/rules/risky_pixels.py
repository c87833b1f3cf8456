"""Which pixel data may show text, by what the instance says of itself (PS3.15 E.3.1): SOP class, Image Type, Modality.

The SOP class comes first, as it says what the pixels are even where Modality is empty or wrong.
"""

import re
from functools import lru_cache
from typing import Final

from pacsflow.attributes import registered_uids

_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
SCREEN_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "Secondary Capture": ("7", "7.1", "7.2", "7.3", "7.4"),
    "Hardcopy": ("1.2.840.10008.5.1.1.29", "1.2.840.10008.5.1.1.30"),
    "Ultrasound": ("3", "3.1", "6", "6.1", "6.2", "6.3"),
    "Endoscopy": ("77.1.1", "77.1.1.1"),
    "Photograph": ("77.1", "77.2", "77.1.4", "77.1.4.1", "77.1.7"),
    "Corneal Topography Map": ("82.1",),
    "Ophthalmic Thickness Map": ("81.1",),
}
"""SOP classes whose images are what a screen, a page or a camera showed; UIDs, or what follows the common root."""
FILM_CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "Computed Radiography": ("1",),
    "Digital X-Ray": ("1.1", "1.1.1", "501.2.1", "501.2.2"),
    "Mammography": ("1.2", "1.2.1", "13.1.4", "13.1.5"),
    "Intra-Oral X-Ray": ("1.3", "1.3.1"),
    "X-Ray Angiography": ("12.1", "12.1.1", "12.3"),
    "X-Ray Radiofluoroscopy": ("12.2", "12.2.1"),
    "RT Image": ("481.1", "481.23", "481.24"),
    "Intravascular OCT": ("14.1", "14.2"),
    "Microscopy": ("77.1.2", "77.1.2.1", "77.1.3"),
    "Ophthalmic Photography": ("77.1.5.1", "77.1.5.2", "77.1.5.5", "77.1.5.6"),
    "Ophthalmic Tomography": ("77.1.5.4", "77.1.5.7", "77.1.5.8"),
}
"""SOP classes of devices that write marks and names into some pictures."""
SCREENS: Final = frozenset(
    (
        *("US", "IVUS", "BDUS", "ES", "XC", "GM", "OT", "SC", "DOC", "HC", "LP", "VF", "BMD", "PA", "DMS", "OPM"),
        *("OPV", "KER", "AR", "LEN", "SRF", "OAM", "IOL", "VA", "CD", "DD", "EC", "AS", "CP", "CS", "DM", "FS"),
        *("ECG", "EPS", "HD", "EEG", "EMG", "EOG", "RESP", "TG"),
    )
)
"""Modalities, retired ones too, whose images are what a screen, a page or a camera showed: text is part of it."""
FILMS: Final = frozenset(
    (
        *("XA", "RF", "CR", "DX", "MG", "PX", "IO", "OP", "OPT", "OCT", "OPTENF", "OPTBSV", "IVOCT", "DG", "RG", "LS"),
        *("RTIMAGE", "CF", "DF", "DS", "FA", "CFM"),
    )
)
"""Modalities, retired ones too, that write marks and names into some pictures."""
WORDS: Final = (
    *("SCREEN", "SCREENSAVE", "SCREENSHOT", "SCREENCAPTURE", "SAVESCREEN", "SNAPSHOT", "CAPTURE", "CAPTURED"),
    *("REPORT", "REPORTS", "RESULT", "RESULTS", "PROTOCOL", "PROTOCOLS", "PROT", "INFO", "INFORMATION", "PATIENT"),
    *("DOSE_INFO", "SUMMARY", "WORKSHEET", "DOCUMENT", "TEXT", "PAGE", "PRINT", "HARDCOPY", "FILM", "PHOTO", "SCANNED"),
    *("LABEL", "OVERVIEW", "SLIDE", "CHART", "GRAPH", "TABLE"),
)
"""Words of Image Type that stand for screens, pages, reports, and pictures of a slide's paper label."""
_WORD: Final = re.compile(r"[^\W_]+")
_BY_UID: Final = {
    (tail if tail.startswith("1.2.840.") else _ROOT + tail): (name, kinds is SCREEN_CLASSES)
    for kinds in (SCREEN_CLASSES, FILM_CLASSES)
    for name, tails in kinds.items()
    for tail in tails
}


@lru_cache(1024)
def told_risk(burned_in: bytes, modality: bytes, image_type: bytes, sop_class: bytes) -> str:
    """What fits, for the reason; empty where the instance says nothing of text.

    The values as encoded: coded strings and UIDs are ASCII (PS3.5 6.2).
    """
    marks, kind, types, uid = (
        value.decode("latin-1").strip(" \0").upper() for value in (burned_in, modality, image_type, sop_class)
    )
    if marks == "YES":
        return "BurnedInAnnotation YES"
    return _screen(kind, types, uid) or ("" if marks == "NO" else _film(kind, uid))


def _screen(modality: str, types: str, uid: str) -> str:
    """What a screen, a page or a camera showed."""
    name, screen = _BY_UID.get(uid, ("", False))
    if screen:
        return f"SOPClassUID {name}"
    if shown := _shown(types):
        return f"ImageType {shown}"
    return f"Modality {modality}" if modality in SCREENS else ""


def _film(modality: str, uid: str) -> str:
    """What may bear marks, and does not say that it bears none."""
    name, _ = _BY_UID.get(uid, ("", False))
    if name:
        return f"SOPClassUID {name}, BurnedInAnnotation not NO"
    if modality in FILMS:
        return f"Modality {modality}, BurnedInAnnotation not NO"
    registered = uid in registered_uids()
    return "" if modality or registered else "neither SOPClassUID nor Modality says what it shows"


def _shown(types: str) -> str:
    """The first word of Image Type that stands for text; SCREENSAVE, SCREENS and the like by their beginning."""
    for word in _WORD.findall(types):
        found = "SCREEN" if word.startswith("SCREEN") else word if word in WORDS else ""
        if found:
            return found
    return ""
