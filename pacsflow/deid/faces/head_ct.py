"""The face of a CT head, by geometry: the brain is the soft tissue that bone encloses.

No atlas is needed, as Hounsfield units (PS3.3 C.11.1.1.2) say what is bone. Points are in LPS, in millimetres.
"""

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from pacsflow.deid.faces.face_region import Mask, NoHeadError, Numbers, Region, face_of, grown, largest, shrunk

if TYPE_CHECKING:
    import SimpleITK

GRID: Final = 3.0
BONE: Final = 220.0
"""Hounsfield units, after smoothing to the grid."""
SOFT: Final = (-20.0, 120.0)
STRAND: Final = 8.0
"""Half the width, in millimetres, of what joins the brain to the rest: nerves, and the cord in the foramen magnum."""
ENCLOSED: Final = 0.8
"""Part of the brain from which bone is seen to the left, right, front, back and top."""
LEAST_BRAIN: Final = 2.5e5
MOST_BRAIN: Final = 2.4e6
"""Cubic millimetres."""


def region_of_ct(image: "SimpleITK.Image") -> Region:
    """Brain and face of a CT volume in Hounsfield units on a grid of GRID along the axes of the patient.

    Raises NoHeadError where no brain is enclosed by a skull.
    """
    import SimpleITK

    from pacsflow.deid.faces.head_atlas import to_index_of

    values = SimpleITK.GetArrayFromImage(image)
    brain = _brain(values)
    return Region(face_of(brain, GRID), brain, to_index_of(image))


def _brain(values: Numbers) -> Mask:
    bone = values > BONE
    soft = (values > SOFT[0]) & (values < SOFT[1])
    walled = _walled(bone)
    seeds, number = ndimage.label(shrunk(soft & ~bone, STRAND / GRID))
    best, found = 0.0, 0
    for label, size in enumerate(np.bincount(seeds.ravel(), minlength=number + 1)[1:], 1):
        if size * GRID**3 < LEAST_BRAIN / 4 or size < best:
            continue
        if float(walled[seeds == label].mean()) >= ENCLOSED:
            best, found = float(size), label
    if not found:
        raise NoHeadError("no skull with a brain in it was found")
    brain = largest(grown(seeds == found, (STRAND + GRID) / GRID) & soft & ~bone)
    brain = np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(brain, iterations=2) & ~bone))
    volume = float(brain.sum()) * GRID**3
    if not LEAST_BRAIN < volume < MOST_BRAIN:
        raise NoHeadError(f"the skull holds {volume / 1e6:.2f} litres, which no brain has")
    return brain


def _walled(bone: Mask) -> Mask:
    """From where bone is seen on all sides but below."""
    walled = np.ones_like(bone)
    for axis, way in ((2, 1), (2, -1), (1, 1), (1, -1), (0, -1)):
        flipped = np.flip(bone, axis) if way < 0 else bone
        seen = np.maximum.accumulate(flipped, axis=axis)
        walled &= np.flip(seen, axis) if way < 0 else seen
    return walled
