"""Gradient directions as dicom2nifti writes them, turned to the axes of the image that it writes.

A `.bvec` holds components along the image's own axes, the first one negated where the affine has a positive
determinant (FSL's convention). dicom2nifti's fit an image stored in another order (Siemens) or the patient (Philips).
"""

from typing import Any

import numpy as np
from dicom2nifti.common import is_philips, is_siemens
from numpy.typing import NDArray
from pydicom import Dataset

_RAS = np.array([-1.0, -1.0, 1.0])
"""NIfTI's world has x and y the other way round than DICOM's patient (PS3.3 C.7.6.2.1.1)."""


def along_axes(vectors: NDArray[Any], header: Dataset, affine: NDArray[Any]) -> NDArray[Any] | None:
    """Unit vectors (n x 3) along the axes of an image with `affine`; None where they are not known in the patient.

    GE's are given along frequency and phase encoding, and what dicom2nifti makes of them looks at neither.
    """
    patient = _in_patient(vectors, header)
    if patient is None:
        return None
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    turned: NDArray[Any] = (patient * _RAS) @ axes
    if np.linalg.det(axes) > 0:
        turned[:, 0] *= -1
    return turned + 0.0  # no -0.0 in the file


def _in_patient(vectors: NDArray[Any], header: Dataset) -> NDArray[Any] | None:
    if is_philips([header]):
        return vectors
    if not is_siemens([header]):
        return None
    row, column = np.array(header.ImageOrientationPatient, dtype=float).reshape(2, 3)
    planes = np.array([row, -column, np.cross(row, column)])
    turned: NDArray[Any] = vectors @ (planes / np.linalg.norm(planes, axis=1, keepdims=True))
    return turned
