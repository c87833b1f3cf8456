"""Kinds of objects by SOP class (PS3.4 B.5): which of them are about others, and what modality their series has."""

_STORED = "1.2.840.10008.5.1.4.1.1."
_REFERRING = (
    "11.",  # presentation states
    "30",  # parametric maps
    "66.",  # registrations, fiducials, segmentations, surfaces, tracts
    "67",  # maps to real world values
    "88.",  # reports, key object selections
    "90.",  # assessments
    "91.",  # annotations
    "104.",  # documents, models
    "131",  # displays
    "481.",  # radiotherapy: structure sets, plans, doses, records, images of beams
)
FOLLOWED = tuple(_STORED + end for end in _REFERRING)
"""Beginnings of the classes of objects whose references are followed. Images are none: a slice names its scout."""
REFERRING = frozenset({
    "ANN", "ASMT", "DOC", "FID", "KO", "M3D", "PLAN", "PR", "REG", "RTDOSE", "RTIMAGE", "RTINTENT", "RTPLAN",
    "RTRECORD", "RTSEGANN", "RTSTRUCT", "RWV", "SEG", "SR",
})  # fmt: skip
"""Modalities of the series of most of them, for what a node tells before they are there."""
_MODALITIES = {
    "2": "CT", "2.1": "CT", "4": "MR", "4.1": "MR", "4.3": "MR", "20": "NM", "128": "PT", "130": "PT", "1": "CR",
    "6.1": "US", "3.1": "US", "12.1": "XA", "12.2": "RF", "66.1": "REG", "66.3": "REG", "66.4": "SEG",
    "88.59": "KO", "481.1": "RTIMAGE", "481.2": "RTDOSE", "481.3": "RTSTRUCT", "481.5": "RTPLAN", "481.8": "RTPLAN",
}  # fmt: skip
"""End of a class -> the only Modality (0008,0060) that its series have; classes of which series differ are not here."""


def modality_of(sop_class: str) -> str:
    """The modality of the series of such objects; '' where it may be any."""
    return _MODALITIES.get(sop_class.removeprefix(_STORED), "")
