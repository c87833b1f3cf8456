"""What a diffusion-weighted series lacks of its gradients: a profile may have taken out what holds them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

_ELEMENTS = ("DiffusionBValue", "DiffusionDirectionality", "DiffusionGradientOrientation", "MRDiffusionSequence")
_TEXTS = ("SequenceName", "PulseSequenceName", "SeriesDescription", "ProtocolName")
_TAGS: list[Any] = ["ImageType", *_ELEMENTS, *_TEXTS]
_COMPUTED = frozenset({"ADC", "FA", "TRACEW", "TRACE", "TENSOR", "COLFA", "EADC"})
_NAMED = re.compile(r"(?<![a-z])(dti|dwi|dmri|diff|diffusion|dsi|hardi|ep_b\d*)(?![a-z])", re.IGNORECASE)
"""Words of a diffusion-weighted sequence, in descriptions as profiles leave them."""
_WEIGHTED = 10
"""In s/mm²: below it an image without a direction is one without diffusion weighting, whose imaging gradients count."""
_UNTOLD = "a diffusion-weighted series without a b-value above 0"
_UNDIRECTED = "b-values above 0 without a direction"


def untold(file: Path, folder: Path) -> list[str]:
    """Warnings about the `.bval` and `.bvec` in `folder` of the series that `file` is of.

    Without the private elements of some vendors, a converter writes zeros that look like measured ones.
    """
    gradients = [(np.loadtxt(path, ndmin=1), _vectors(path.with_suffix(".bvec"))) for path in folder.glob("*.bval")]
    weighted = any(b_values.any() for b_values, _ in gradients)
    undirected = any(((b_values > _WEIGHTED) & ~vectors.any(axis=0)).any() for b_values, vectors in gradients)
    found = {_UNTOLD: _is_measured(file) and not weighted, _UNDIRECTED: undirected}
    return [f"{warning}: see `private` in deid.yaml" for warning, so in found.items() if so]


def _is_measured(file: Path) -> bool:
    """Whether an image is diffusion-weighted as it was measured, by what any vendor writes outside private elements."""
    header = dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
    kind = {*(header.get("ImageType") or ())}
    if kind & _COMPUTED or "DERIVED" in kind:
        return False
    named = any(_NAMED.search(str(header.get(keyword) or "")) for keyword in _TEXTS)
    return "DIFFUSION" in kind or named or any(keyword in header for keyword in _ELEMENTS)


def _vectors(file: Path) -> NDArray[np.float64]:
    """Directions (3 x volumes), none where there is no file: dcm2niix writes none for images that all lack one."""
    return np.loadtxt(file, ndmin=2) if file.exists() else np.zeros((3, 1))
