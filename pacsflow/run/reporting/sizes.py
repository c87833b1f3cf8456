"""How large an image is: as the project's own images show it, else as usual."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pacsflow.ledger.summary import SeriesState, StudyState

MEGABYTES = {"CT": 0.53, "MR": 0.2, "PT": 0.05, "CR": 10.0, "DX": 15.0, "MG": 30.0, "US": 2.0, "XA": 8.0}
"""Usual size of an image, in MB, until the project's own images are known."""
OTHER_MEGABYTES = 0.5


def sizes(studies: Iterable[StudyState]) -> dict[str, float]:
    """Modality -> MB per image, as far as the project's own images show it."""
    images: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for series in (s for study in studies for s in study.series):
        images[series.attributes.get("Modality", "")] += series.counts["held"]
        sizes[series.attributes.get("Modality", "")] += series.size
    return {modality: sizes[modality] / 1e6 / number for modality, number in images.items() if number}


def size_of(series: SeriesState, known: Mapping[str, float]) -> float:
    """MB of an image of a series, `known` as `sizes` gives it."""
    return megabytes(series.attributes.get("Modality", ""), known)


def megabytes(modality: str, known: Mapping[str, float]) -> float:
    """MB of an image of a modality, `known` as `sizes` gives it."""
    return known.get(modality, MEGABYTES.get(modality, OTHER_MEGABYTES))
