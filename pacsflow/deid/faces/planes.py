"""Where the pixels of a series are in the patient, and the volume that they make (PS3.3 C.7.6.2, C.7.6.16.2)."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from pacsflow.deid.faces.face_region import Mask, NoHeadError, Region
from pacsflow.deid.faces.stored import values_of

if TYPE_CHECKING:
    import SimpleITK

STEP: Final = 1.5
"""Millimetres, of the volume in which a head is looked for: pixels that are smaller are averaged."""
LEAST_PLANES: Final = 5
LEAST_LENGTH: Final = 40.0
"""Of a volume in millimetres, across its planes."""
GAP: Final = 2.5
"""Times the usual distance, between two planes of one volume."""
_LEAST_AREA: Final = 1e-6
Load = Callable[[int], Dataset]
"""The images of a series, by their number; each is read when it is asked for."""


@dataclass(frozen=True)
class Plane:
    """One frame: `to_patient` (4x3) takes (column, row, 1) to a point in LPS, millimetres."""

    image: int
    frame: int
    shape: tuple[int, int]
    to_patient: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """The direction across the plane, of length 1."""
        across = np.cross(self.to_patient[:3, 0], self.to_patient[:3, 1])
        return np.asarray(across / np.linalg.norm(across))

    @property
    def place(self) -> float:
        """Millimetres along the normal."""
        return float(self.normal @ self.to_patient[:3, 2])

    def inside(self, region: Region) -> Mask:
        """Which pixels of the frame are in the face."""
        within = region.to_index @ np.vstack([self.to_patient, [0, 0, 1]])
        row, column = np.ogrid[: self.shape[0], : self.shape[1]]
        found = np.ones(self.shape, bool)
        index = []
        for axis, size in enumerate(region.face.shape[::-1]):
            at = np.rint(within[axis, 0] * column + within[axis, 1] * row + within[axis, 2]).astype(np.int32)
            found &= (at >= 0) & (at < size)
            index.append(np.clip(at, 0, size - 1))
        clear: Mask = found & region.face[index[2], index[1], index[0]]
        return clear


def planes_of(image: int, header: Dataset) -> Iterator[Plane]:
    """The frames of an image, in order. Raises NoHeadError where it is not said where they are."""
    if "MOSAIC" in [str(value).upper() for value in header.get("ImageType") or []]:
        raise NoHeadError("frames as tiles of one picture (MOSAIC), whose places are not read")
    shape = (int(header.Rows), int(header.Columns))
    frames = int(header.get("NumberOfFrames") or 1)
    per_frame = header.get("PerFrameFunctionalGroupsSequence")
    if frames > 1 and (not per_frame or len(per_frame) != frames):
        raise NoHeadError("frames without a place each")
    for frame in range(frames):
        if per_frame:
            groups = (per_frame[frame], (header.get("SharedFunctionalGroupsSequence") or [Dataset()])[0])
            said = [
                _of_groups(groups, sequence, keyword)
                for sequence, keyword in (
                    ("PlanePositionSequence", "ImagePositionPatient"),
                    ("PlaneOrientationSequence", "ImageOrientationPatient"),
                    ("PixelMeasuresSequence", "PixelSpacing"),
                )
            ]
        else:
            said = [header.get(k) for k in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")]
        yield Plane(image, frame, shape, _to_patient(*said))


def _of_groups(groups: Sequence[Dataset], sequence: str, keyword: str) -> Any:
    return next((g[sequence][0].get(keyword) for g in groups if g.get(sequence)), None)


def _to_patient(position: Any, orientation: Any, spacing: Any) -> NDArray[np.float64]:
    """PS3.3 equation C.7.6.2.1-1."""
    try:
        place = np.array([float(v) for v in position])
        across = np.array([float(v) for v in orientation])
        rows, columns = (float(v) for v in spacing)
        made = np.stack([across[:3] * columns, across[3:] * rows, place], axis=1)
    except (TypeError, ValueError):
        raise NoHeadError("images without place, orientation or pixel size in the patient") from None
    area = np.linalg.norm(np.cross(made[:, 0], made[:, 1])) if made.shape == (3, 3) else 0.0
    if not np.isfinite(made).all() or area < _LEAST_AREA:
        raise NoHeadError("images without place, orientation or pixel size in the patient")
    return made


def volume_of(planes: Sequence[Plane], load: Load) -> "SimpleITK.Image":
    """The largest volume that planes of a series make, each place once. Raises NoHeadError where they make none."""
    import SimpleITK

    chosen = _stack(planes)
    step = (chosen[-1].place - chosen[0].place) / (len(chosen) - 1)
    size = [float(np.linalg.norm(chosen[0].to_patient[:, n])) for n in (0, 1)]
    coarse = [max(1, int(STEP / each)) for each in size]
    skip = max(1, int(STEP / step))
    chosen = chosen[::skip]
    slices = [_averaged(values_of(load(plane.image), plane.frame), coarse[1], coarse[0]) for plane in chosen]
    first = chosen[0].to_patient
    image = SimpleITK.GetImageFromArray(np.stack(slices))
    image.SetSpacing([size[0] * coarse[0], size[1] * coarse[1], step * skip])
    shift = first[:, 0] * (coarse[0] - 1) / 2 + first[:, 1] * (coarse[1] - 1) / 2
    image.SetOrigin((first[:, 2] + shift).tolist())
    axes = np.stack([first[:, 0] / size[0], first[:, 1] / size[1], chosen[0].normal], axis=1)
    image.SetDirection(axes.ravel().tolist())
    return image


def _averaged(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    high, wide = values.shape[0] // rows, values.shape[1] // columns
    cut = values[: high * rows, : wide * columns].reshape(high, rows, wide, columns)
    return np.asarray(cut.mean(axis=(1, 3)), np.float32)


def _stack(planes: Sequence[Plane]) -> list[Plane]:
    """The planes of the largest volume, in order."""
    alike: dict[tuple[object, ...], dict[float, Plane]] = defaultdict(dict)
    for plane in planes:
        key = (plane.shape, *np.round(plane.to_patient[:, :2], 2).ravel().tolist())
        alike[key].setdefault(round(plane.place, 2), plane)
    stacks = [[group[at] for at in sorted(group)] for group in alike.values()]
    best = max(stacks, key=lambda one: one[-1].place - one[0].place, default=[])
    if len(best) < LEAST_PLANES or best[-1].place - best[0].place < LEAST_LENGTH:
        raise NoHeadError("too few images for a volume in which a head could be found")
    steps = np.diff([plane.place for plane in best])
    if steps.max() > GAP * float(np.median(steps)):
        raise NoHeadError("images are missing between others")
    return best
