"""Diffusion: what the images say of their gradients themselves, and what a conversion says of the same pictures.

Both in the patient: a direction is a unit vector in NIfTI's world (right, anterior, superior).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from pydicom import Dataset, dcmread

DIFFUSION = ["ge/dti/001", "philips/dti/001", "philips_enhanced/dti/001", "siemens/dti_classic/001"]
"""Series of ../shared/data/dicom2nifti with b-values and directions."""
NOWHERE = np.zeros(3)


@dataclass
class Weighted:
    """A slice as it is stored, its b-value (s/mm2) and the direction of its gradient; None where it is not told."""

    picture: np.ndarray
    b_value: float
    direction: np.ndarray | None


def told(files: Iterable[Path]) -> list[Weighted]:
    """Every slice of a series: by the standard's attributes (PS3.3 C.8.13.5.9), by Siemens' or GE's private ones."""
    return [weighted for path in files for weighted in _slices(dcmread(path))]


def _slices(image: Dataset) -> Iterator[Weighted]:
    if "PerFrameFunctionalGroupsSequence" not in image:
        yield Weighted(_scaled(image.pixel_array), *_gradient(image))
        return
    for picture, groups in zip(image.pixel_array, image.PerFrameFunctionalGroupsSequence, strict=True):
        [diffusion] = groups.MRDiffusionSequence
        for item in diffusion.get("DiffusionGradientDirectionSequence", ()):
            diffusion.DiffusionGradientOrientation = item.DiffusionGradientOrientation
        yield Weighted(_scaled(picture), *_gradient(diffusion))


def _gradient(told: Dataset) -> tuple[float, np.ndarray | None]:
    if (0x0043, 0x1039) in told:  # GE: directions are along the axes of the scan
        return float(told[0x0043, 0x1039].value[0]), None
    if (0x0019, 0x100C) in told:  # Siemens
        direction = told[0x0019, 0x100E].value if (0x0019, 0x100E) in told else NOWHERE
        return float(told[0x0019, 0x100C].value), _in_world(direction)
    return told.DiffusionBValue, _in_world(told.get("DiffusionGradientOrientation", NOWHERE))


def _in_world(direction: Iterable[float]) -> np.ndarray:
    return np.array([*direction]) * (-1, -1, 1)


def _scaled(picture: np.ndarray) -> np.ndarray:
    """Between 0 and 1, as converters apply scales, or write them down."""
    picture = picture.astype(float)
    return (picture - picture.min()) / max(np.ptp(picture), 1)


class Converted:
    """A NIfTI image with its .bval and .bvec (FSL's convention, rows of components)."""

    def __init__(self, image: Path) -> None:
        loaded = nibabel.Nifti1Image.from_filename(image)
        stem = str(image).removesuffix(".nii.gz")
        axes = loaded.affine[:3, :3] / np.linalg.norm(loaded.affine[:3, :3], axis=0)
        vectors = np.loadtxt(f"{stem}.bvec").reshape(3, -1) * ([[-1 if np.linalg.det(axes) > 0 else 1], [1], [1]])
        self.b_values = np.loadtxt(f"{stem}.bval")
        self.directions = (axes @ vectors).T
        volumes = np.moveaxis(np.asanyarray(loaded.dataobj), -1, 0)
        self._slices = [[_scaled(volume[:, :, k].T) for k in range(volume.shape[2])] for volume in volumes]

    def volume_of(self, picture: np.ndarray) -> int:
        """The one volume that holds a slice, or its mirror image from top to bottom."""
        [found] = (number for number, slices in enumerate(self._slices) if any(_same(one, picture) for one in slices))
        return found


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return any(np.allclose(one, turned, atol=1e-4) for turned in (other, other[::-1]))


def assert_gradients(image: Path, files: Iterable[Path]) -> None:
    """Each slice lies in the volume whose b-value and direction it has itself."""
    converted, volumes = Converted(image), set()
    for one in told(files):
        volume = converted.volume_of(one.picture)
        volumes.add(volume)
        assert converted.b_values[volume] == one.b_value
        if one.direction is not None:
            np.testing.assert_allclose(converted.directions[volume], one.direction, atol=1e-3)
    assert volumes == {*range(len(converted.b_values))}
    assert converted.b_values.any()
