"""Where the face is, once the brain is known: what lies in front of the brain, below the brow.

Arrays are indexed [z, y, x] on a grid with axes along those of the patient (PS3.3 C.7.6.2.1.1): z grows towards the
head, y towards the back, x towards the left. Lengths are millimetres.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Numbers = NDArray[Any]

MARGIN: Final = 4.0
"""Of the brain: so near to it nothing is removed."""
DEPTH: Final = 38.0
"""From the frontal pole back to the plane in front of which the face is: about the tips of the temporal lobes."""
BROW: Final = 24.0
"""From the lowest part of the brain near its front up to the brow."""
LENGTH: Final = 170.0
"""From the brow down to below the chin, and to the neck in front of the larynx."""
_NEAR_FRONT, _MIDDLE = 25.0, 22.0


class NoHeadError(ValueError):
    """No head was found, or none that can be trusted; the text says why and names nobody."""


@dataclass(frozen=True)
class Region:
    """Masks on one grid: `face` is removed, `brain` stays. `to_index`: 4x4, LPS millimetres -> (x, y, z) indices."""

    face: Mask
    brain: Mask
    to_index: NDArray[np.float64]


def face_of(brain: Mask, spacing: float) -> Mask:
    """The face in front of a brain. Raises NoHeadError where the brain has no front to speak of."""
    dense = np.argwhere(brain)
    if len(dense) * spacing**3 < 2e5:  # noqa: PLR2004 - cubic millimetres: less than the brain of a newborn
        raise NoHeadError("no brain was found")
    middle = float(np.median(dense[:, 2]))
    pole = float(np.percentile(dense[:, 1], 0.1))
    near = dense[(np.abs(dense[:, 2] - middle) < _MIDDLE / spacing) & (dense[:, 1] < pole + _NEAR_FRONT / spacing)]
    if not len(near):
        raise NoHeadError("the front of the brain was not found")
    brow = float(near[:, 0].min()) + BROW / spacing
    z, y = np.ogrid[: brain.shape[0], : brain.shape[1]]
    front = (z <= brow) & (z >= brow - LENGTH / spacing) & (y <= pole + DEPTH / spacing)
    return front[:, :, None] & ~np.maximum.accumulate(grown(brain, MARGIN / spacing), axis=1)


def grown(mask: Mask, voxels: float) -> Mask:
    """A mask with what is at most so far from it."""
    return np.asarray(ndimage.distance_transform_edt(~mask) <= voxels)


def shrunk(mask: Mask, voxels: float) -> Mask:
    """A mask without what is at most so far from its border."""
    return np.asarray(ndimage.distance_transform_edt(mask) > voxels)


def largest(mask: Mask) -> Mask:
    """The largest connected part of a mask."""
    labels, number = ndimage.label(mask)
    if not number:
        return mask
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))


def core(tissue: Mask, neck: float, spacing: float) -> Mask:
    """The largest part of tissue that holds together where strands thinner than twice `neck` are cut."""
    seed = largest(shrunk(tissue, neck / spacing))
    return grown(seed, (neck + spacing / 2) / spacing) & tissue


def roomy(region: Region, margin: float, spacing: float) -> Region:
    """The region with so many millimetres more to the front, to both sides and below: a nose may stick out of it."""
    more = round(margin / spacing)
    wide = ((more, 0), (more, 0), (more, more))
    shift = np.eye(4)
    shift[:3, 3] = more
    return Region(np.pad(region.face, wide, mode="edge"), np.pad(region.brain, wide), shift @ region.to_index)
