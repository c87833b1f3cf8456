"""What a diffusion-weighted series lacks of its gradients: a profile may have taken out what holds them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

_UNTOLD = "a diffusion-weighted series without a b-value above 0"
_UNDIRECTED = "b-values above 0 without a direction"


def untold(file: Path, folder: Path) -> list[str]:
    """Warnings about the `.bval` and `.bvec` in `folder` of the series that `file` is of.

    Without the private elements of some vendors, a converter writes zeros that look like measured ones.
    """
    gradients = [(np.loadtxt(path, ndmin=1), _vectors(path.with_suffix(".bvec"))) for path in folder.glob("*.bval")]
    weighted = any(b_values.any() for b_values, _ in gradients)
    undirected = any(((b_values > 0) & ~vectors.any(axis=0)).any() for b_values, vectors in gradients)
    header = dcmread(file, stop_before_pixels=True, specific_tags=["ImageType"])
    measured = {"ORIGINAL", "DIFFUSION"} <= {*(header.get("ImageType") or ())}
    found = {_UNTOLD: measured and not weighted, _UNDIRECTED: undirected}
    return [f"{warning}: see `private` in deid.yaml" for warning, so in found.items() if so]


def _vectors(file: Path) -> NDArray[np.float64]:
    """Directions (3 x volumes), none where there is no file: dcm2niix writes none for images that all lack one."""
    return np.loadtxt(file, ndmin=2) if file.exists() else np.zeros((3, 1))
