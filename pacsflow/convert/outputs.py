"""Which of several converted files is `image`, which `imagea`: by acquisition, not by the order a folder is read in."""

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from nibabel import Nifti1Image

_IMAGE = ".nii.gz"
_ENDINGS = (_IMAGE, ".json", ".bval", ".bvec")
_AGAIN = re.compile(r"(.*)[a-z]")


def in_one_order(folder: Path, sizes: Sequence[tuple[int, int]]) -> None:
    """Rename files whose names a converter told apart by a letter alone, in the order of their images' acquisition.

    `sizes`: rows and columns of the frames that went in, in that order. What has one size and number goes by content.
    """
    stems = sorted(path.name.removesuffix(_IMAGE) for path in folder.glob(f"*{_IMAGE}"))
    for base in stems:
        group = [base, *(one for one in stems if (match := _AGAIN.fullmatch(one)) and match[1] == base)]
        if len(group) > 1:
            ordered = sorted(group, key=lambda stem: _place(folder / stem, sizes))
            _rename(folder, dict(zip(ordered, group, strict=True)))


def _place(stem: Path, sizes: Sequence[tuple[int, int]]) -> tuple[int, float, float, str]:
    image = Nifti1Image.from_filename(stem.with_name(stem.name + _IMAGE))
    shape = set(image.shape[:2])
    first = next((place for place, size in enumerate(sizes) if set(size) == shape), len(sizes))
    sidecar = stem.with_name(f"{stem.name}.json")
    told = json.loads(sidecar.read_text("utf-8")) if sidecar.exists() else {}
    numbers = [
        value if isinstance(value := told.get(key), int | float) else 0 for key in ("AcquisitionNumber", "EchoTime")
    ]
    content = hashlib.sha256(np.ascontiguousarray(image.dataobj).tobytes()).hexdigest()
    return first, numbers[0], numbers[1], content


def _rename(folder: Path, names: dict[str, str]) -> None:
    for ending in _ENDINGS:
        for old in names:
            if (folder / f"{old}{ending}").exists():
                (folder / f"{old}{ending}").replace(folder / f".{old}{ending}")
    for ending in _ENDINGS:
        for old, new in names.items():
            if (folder / f".{old}{ending}").exists():
                (folder / f".{old}{ending}").replace(folder / f"{new}{ending}")
