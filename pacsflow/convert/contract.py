"""What every converter gives: NIfTI files of one series, or a refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Geometry = Literal["refuse", "warn", "split"]

STEM = "image"
"""Start of every converted file's name; what follows distinguishes echo, phase and the like (`image_e2.json`)."""

TIMEOUT = 1800.0
"""Seconds one series may take."""


@dataclass(frozen=True)
class Converted:
    """What a conversion gave.

    `files`: NIfTI-1 (.nii.gz), JSON sidecars (.json), b-values and b-vectors (.bval, .bvec), sorted by name.
    `warnings`: sentences without any value of the headers.
    """

    files: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


class Converter(Protocol):
    """A module: one way from DICOM files to NIfTI."""

    def convert(self, files: Sequence[Path], folder: Path, geometry: Geometry) -> list[str]:
        """Write `image*.nii.gz` and what belongs to it into `folder`, give warnings.

        `folder` exists and is empty; the one it lies in is scratch, removed afterwards. Raises RefusalError.
        """
