"""What two NIfTI files are compared by: voxels, affine, b-values and directions, slice timing."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from nibabel import Nifti1Image

Likeness = Literal["equal", "differs", "-"]
"""`-`: neither has it."""
PARTS: Final = ("voxels", "affine", "b-values", "directions", "slice timing")
_TOLERANCE = 1e-6
"""By how much numbers of text files and affines may differ: they are written with as many digits."""


@dataclass(frozen=True)
class Portrait:
    """A NIfTI file and what lies beside it, as far as it is compared. `voxels`: digest of values as they are scaled."""

    shape: tuple[int, ...]
    voxels: str
    affine: tuple[float, ...]
    numbers: Mapping[str, tuple[float, ...]]

    def compared(self, other: "Portrait") -> dict[str, Likeness]:
        """Each of `PARTS` -> whether both have the same."""
        own, others = self.numbers, other.numbers
        return {
            "voxels": "equal" if (self.shape, self.voxels) == (other.shape, other.voxels) else "differs",
            "affine": _alike(self.affine, other.affine),
            **{part: _alike(own.get(part, ()), others.get(part, ())) for part in PARTS[2:]},
        }


def portrait(image: Path) -> Portrait:
    """The portrait of a `.nii` or `.nii.gz` file. Raises OSError, ValueError where it cannot be read."""
    try:
        volume = Nifti1Image.from_filename(image)
        values = np.asanyarray(volume.dataobj)
        digest = hashlib.sha256(str(values.dtype.newbyteorder("=")).encode())
        digest.update(np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")).tobytes())
        affine = tuple(float(each) for each in np.asarray(volume.affine).ravel())
        shape = tuple(int(each) for each in volume.shape)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 what is broken off fails in many ways
        raise ValueError(type(error).__name__) from None
    stem = image.with_name(image.name.removesuffix(".gz").removesuffix(".nii"))
    beside = {"b-values": ".bval", "directions": ".bvec"}
    numbers = {part: _table(stem.with_name(stem.name + ending)) for part, ending in beside.items()}
    told = _sidecar(stem.with_name(f"{stem.name}.json")).get("SliceTiming")
    return Portrait(shape, digest.hexdigest(), affine, {**numbers, "slice timing": _floats(told)})


def is_label_map(image: Path) -> bool:
    """Whether a NIfTI file is a label map by its sidecar."""
    stem = image.with_name(image.name.removesuffix(".gz").removesuffix(".nii"))
    return "Segments" in _sidecar(stem.with_name(f"{stem.name}.json"))


def _alike(one: tuple[float, ...], other: tuple[float, ...]) -> Likeness:
    if not one and not other:
        return "-"
    same = len(one) == len(other) and np.allclose(one, other, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
    return "equal" if same else "differs"


def _table(path: Path) -> tuple[float, ...]:
    if not path.is_file():
        return ()
    return tuple(float(each) for each in path.read_text("ascii").split())


def _sidecar(path: Path) -> dict[str, Any]:
    with suppress(OSError):
        return dict(json.loads(path.read_text("utf-8")))
    return {}


def _floats(told: Any) -> tuple[float, ...]:
    return tuple(float(each) for each in told) if isinstance(told, list) else ()
