"""What masks are made of and onto: a grid of voxels, and labelled voxels in it."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from nibabel import Nifti1Image
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""The patient's axes of DICOM (left, posterior, superior) -> those of NIfTI."""


@dataclass(frozen=True)
class VoxelGrid:
    """The voxels of a converted image: how many along each axis; affine from indices to DICOM's patient (mm)."""

    shape: tuple[int, int, int]
    affine: Array

    @classmethod
    def of(cls, image: Path) -> "VoxelGrid":
        """The grid of a NIfTI file; of a time series that of a volume."""
        known = Nifti1Image.from_filename(image)
        shape = (*known.shape, 1, 1, 1)[:3]
        return cls((int(shape[0]), int(shape[1]), int(shape[2])), _TO_RAS @ np.asarray(known.affine, dtype=float))

    @cached_property
    def inverse(self) -> Array:
        """From the patient (mm) to indices."""
        return np.asarray(np.linalg.inv(self.affine), dtype=np.float64)

    @property
    def world(self) -> Array:
        """The affine of NIfTI."""
        return _TO_RAS @ self.affine

    def indices(self, points: Array) -> Array:
        """Indices, with fractions, of points (n, 3) in the patient."""
        return np.asarray(points @ self.inverse[:3, :3].T + self.inverse[:3, 3])

    def within(self, indices: Indices) -> NDArray[np.bool_]:
        """Which of the indices (n, 3) are in the grid."""
        return np.asarray(((indices >= 0) & (indices < np.array(self.shape))).all(axis=1))


@dataclass(frozen=True)
class Mask:
    """One segment: number, name as its cleaned header has it, codes, and the voxels it covers.

    `voxels`: (n, 3) indices in the grid, each once. `warnings`: sentences without any value of the headers.
    """

    number: int
    name: str
    voxels: Indices
    codes: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
