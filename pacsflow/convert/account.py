"""Whether every frame that went into a converter came out of it."""

import math
from collections.abc import Sequence
from pathlib import Path

from nibabel import Nifti1Image

from pacsflow.convert.frames import Frame
from pacsflow.wording import counted

_RESAMPLED = ("_Eq", "_Tilt")


def lost(frames: Sequence[Frame], folder: Path) -> str:
    """A sentence when converted files hold another number of voxels than the series; else empty.

    Of a mosaic the volumes are counted, its last tiles may be blank. Copies that dcm2niix resampled
    (`_Eq`, `_Tilt`) are beside the account. Axes may have been exchanged, so frames are not counted.
    """
    shapes = [
        Nifti1Image.from_filename(path).shape
        for path in sorted(folder.glob("*.nii.gz"))
        if not any(mark in path.name for mark in _RESAMPLED)
    ]
    if frames[0].mosaic:
        volumes = sum(math.prod(shape[3:]) for shape in shapes)
        return "" if volumes == len(frames) else f"{counted(len(frames), 'volume')} went in, {volumes} came out"
    pixels = math.prod(frames[0].size)
    went = sum(math.prod(frame.size) for frame in frames)
    came = sum(math.prod(shape) for shape in shapes)
    return "" if went == came else f"{went / pixels:g} frames went in, {came / pixels:g} came out"
