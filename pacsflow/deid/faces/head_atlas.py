"""The face of an MR head: an atlas of heads is registered to it, and brings where brain and face are.

The atlas, a mean of T1-weighted heads, comes with the package `pydeface` (MIT); its code is not used, and its mask,
which leaves the eyes, is not either. The registration is affine, by Mattes' mutual information (IEEE TMI 22, 2003),
which holds between T1, T2 and FLAIR. Points are in LPS, in millimetres.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pacsflow.deid.faces.face_region import Mask, NoHeadError, Numbers, Region, core, face_of, grown, largest, roomy

if TYPE_CHECKING:
    import SimpleITK

GRID: Final = 2.0
"""Of the atlas, in millimetres."""
COARSE, FINE = 6.0, 4.0
WHITE: Final = 220.0
"""Of the atlas: what is brighter is white matter or fat."""
CORTEX: Final = 6.0
"""From what is bright in the atlas's brain to its surface."""
LEAST_LIKENESS: Final = 0.45
"""Heads reach 0.6 to 0.9; one that is back to front, of a stripped brain, or noise stays below 0.4."""
LEAST_OVERLAP: Final = 0.82
ROOM: Final = 60.0
"""Around the atlas's face, in millimetres."""
NEAR_BRAIN: Final = 8.0
"""From the atlas's brain, where that of the head at hand may be."""
SCALES: Final = (0.72, 1.35)
TURN: Final = 40.0
"""Degrees that a head may be turned from the atlas's."""
SEED: Final = 20170
Point = NDArray[np.float64]
_CROWN = 110.0
_BELOW_TOP = 60.0
"""Millimetres."""
_LEAST_SIZE = 4
"""Voxels that a recursive Gaussian needs in each direction."""


@dataclass(frozen=True)
class Fit:
    """How well a registration went.

    `likeness`: negative of Mattes' metric; `overlap`: Dice of both heads where both were seen.
    """

    likeness: float
    overlap: float
    scales: tuple[float, float, float]
    turn: float
    brain_lost: float
    """Part of the head's own brain that is in the atlas's face."""

    def doubts(self) -> str:
        """Why it is not to be trusted; '' where it is."""
        if not (SCALES[0] <= min(self.scales) and max(self.scales) <= SCALES[1]):
            return f"registration to the atlas: sizes differ by {min(self.scales):.2f} to {max(self.scales):.2f}"
        if self.turn > TURN:
            return f"registration to the atlas: turned by {self.turn:.0f} degrees"
        if self.overlap < LEAST_OVERLAP:
            return f"registration to the atlas: heads overlap by {self.overlap:.2f}"
        if self.likeness < LEAST_LIKENESS:
            return f"registration to the atlas: likeness {self.likeness:.2f}"
        return ""


@dataclass(frozen=True)
class _Atlas:
    image: "SimpleITK.Image"
    head: Mask
    region: Region
    to_index: NDArray[np.float64]


def region_of(image: "SimpleITK.Image") -> tuple[Region, Fit]:
    """Brain and face of an MR volume. Raises NoHeadError where nothing is in it, or the fit is not to be trusted."""
    import SimpleITK

    atlas = _atlas()
    seen = smoothed(image, FINE)
    head = head_in(SimpleITK.GetArrayFromImage(seen))
    transform, metric = _registered(atlas, seen, head)
    matrix = np.eye(4)
    linear = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix[:3, :3] = linear
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - linear @ centre
    fit = _judged(atlas, seen, head, matrix, -metric)
    if said := fit.doubts():
        raise NoHeadError(said)
    return Region(atlas.region.face, atlas.region.brain, atlas.region.to_index @ matrix), fit


def on_grid(image: "SimpleITK.Image", spacing: float) -> "SimpleITK.Image":
    """A volume on a grid along the axes of the patient; 0 outside of it is the least value that it has."""
    import SimpleITK

    size = np.array(image.GetSize())
    corners = np.array(
        [
            image.TransformContinuousIndexToPhysicalPoint(
                [float((n - 1) * end) for n, end in zip(size, c, strict=True)]
            )
            for c in np.ndindex(2, 2, 2)
        ]
    )
    low, high = corners.min(axis=0), corners.max(axis=0)
    number = np.ceil((high - low) / spacing).astype(int) + 1
    least = float(SimpleITK.GetArrayViewFromImage(image).min())
    return SimpleITK.Resample(
        image,
        [int(n) for n in number],
        SimpleITK.Transform(),
        SimpleITK.sitkLinear,
        [float(x) for x in low],
        [spacing] * 3,
        np.eye(3).ravel().tolist(),
        least,
        SimpleITK.sitkFloat32,
    )


def smoothed(image: "SimpleITK.Image", spacing: float) -> "SimpleITK.Image":
    """A volume on a coarser grid, what is finer than that smoothed away first."""
    import SimpleITK

    image = SimpleITK.Cast(image, SimpleITK.sitkFloat32)
    sigmas = [max(0.0, (spacing - step) / 2) for step in image.GetSpacing()]
    if max(sigmas) > 0 and min(image.GetSize()) >= _LEAST_SIZE:
        image = SimpleITK.SmoothingRecursiveGaussian(image, [max(s, 1e-3) for s in sigmas])
    return on_grid(image, spacing)


def head_in(values: Numbers) -> Mask:
    """What is not air, by Otsu's threshold on the values' roots; filled. Raises NoHeadError for a volume of nothing."""
    mask = largest(ndimage.binary_opening(tissue_in(values)))
    return np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(mask, iterations=2)))


def tissue_in(values: Numbers) -> Mask:
    """What gives signal, by Otsu's threshold on the values' roots. Raises NoHeadError for a volume of nothing."""
    roots = np.sqrt(np.clip(values - np.percentile(values, 1), 0, np.percentile(values, 99.5)))
    if not roots.max() > 0:
        raise NoHeadError("the volume is empty")
    return np.asarray(roots > _otsu(roots))


def _otsu(values: Numbers) -> float:
    counts, edges = np.histogram(values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = counts.sum() - below
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.cumsum(counts * middles) / below
        high = (np.sum(counts * middles) - np.cumsum(counts * middles)) / above
        between = below * above * (low - high) ** 2
    return float(middles[int(np.nanargmax(between))])


@lru_cache(1)
def _atlas() -> _Atlas:
    import SimpleITK

    path = files("pydeface") / "data" / "mean_reg2mean.nii.gz"
    image = on_grid(SimpleITK.ReadImage(str(path), SimpleITK.sitkFloat32), GRID)
    values = SimpleITK.GetArrayFromImage(image)
    bright = ndimage.gaussian_filter(values, 1.0) > WHITE
    brain = np.asarray(ndimage.binary_fill_holes(grown(core(bright, 6.0, GRID), CORTEX / GRID)))
    region = Region(face_of(brain, GRID), brain, to_index_of(image))
    return _Atlas(image, head_in(values), roomy(region, ROOM, GRID), to_index_of(image))


def to_index_of(image: "SimpleITK.Image") -> NDArray[np.float64]:
    """4x4: a point in millimetres -> indices (x, y, z) of a volume."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _mask_image(mask: Mask, like: "SimpleITK.Image") -> "SimpleITK.Image":
    import SimpleITK

    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.CopyInformation(like)
    return image


def _registered(atlas: _Atlas, seen: "SimpleITK.Image", head: Mask) -> tuple[Any, float]:
    """The transform from the volume to the atlas, and the metric at its end."""
    import SimpleITK

    best = min((_rigid(atlas, seen, start) for start in _starts(atlas, seen, head)), key=lambda one: one[1])
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(best[0].GetMatrix())
    transform.SetCenter(best[0].GetCenter())
    transform.SetTranslation(best[0].GetTranslation())
    method = _method(0.25, 120)
    method.SetMetricFixedMask(_mask_image(grown(head, 3.0), seen))
    method.SetInitialTransform(transform, inPlace=True)
    method.Execute(seen, atlas.image)
    return transform, float(method.GetMetricValue())


def _starts(atlas: _Atlas, seen: "SimpleITK.Image", head: Mask) -> list[tuple[Point, Point]]:
    """Pairs of points, of the volume and of the atlas, that may be the same: tops of the heads, and centres."""
    spots = np.argwhere(head)
    if len(spots) < 1000:  # noqa: PLR2004 - voxels of 64 cubic millimetres
        raise NoHeadError("the volume is empty")
    ours, theirs = _landmarks(spots, seen), _landmarks(np.argwhere(atlas.head), atlas.image)
    return list(zip(ours, theirs, strict=True))


def _landmarks(spots: Numbers, image: "SimpleITK.Image") -> tuple[Point, Point]:
    """A point below the top of a head, and its centre: which of them is the better start depends on what is seen."""
    step = image.GetSpacing()[0]
    top = np.percentile(spots[:, 0], 99.8)
    crown = spots[spots[:, 0] > top - _CROWN / step]
    centre = (crown.min(axis=0) + crown.max(axis=0)) / 2
    found = np.array([top - _BELOW_TOP / step, centre[1], centre[2]]), spots.mean(axis=0)
    first, second = (
        np.array(image.TransformContinuousIndexToPhysicalPoint([float(v) for v in one[::-1]])) for one in found
    )
    return first, second


def _rigid(atlas: _Atlas, seen: "SimpleITK.Image", start: tuple[Point, Point]) -> tuple[Any, float]:
    import SimpleITK

    transform = SimpleITK.Similarity3DTransform()
    transform.SetCenter(start[0].tolist())
    transform.SetTranslation((start[1] - start[0]).tolist())
    method = _method(0.12, 60)
    method.SetInitialTransform(transform, inPlace=True)
    method.Execute(seen, atlas.image)
    return transform, float(method.GetMetricValue())


def _method(part: float, steps: int) -> Any:
    import SimpleITK

    method = SimpleITK.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(part, SEED)
    method.SetInterpolator(SimpleITK.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.01, steps, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    return method


def _judged(atlas: _Atlas, seen: "SimpleITK.Image", head: Mask, matrix: NDArray[np.float64], likeness: float) -> Fit:
    import SimpleITK

    left, scales, right = np.linalg.svd(matrix[:3, :3])
    angle = float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))
    to_point = matrix @ np.linalg.inv(to_index_of(seen))
    mapped, inside = carried(atlas.head, atlas.to_index @ to_point, head.shape)
    both = inside & head
    overlap = 2 * float((mapped & both).sum()) / max(1.0, float(mapped.sum() + both.sum()))
    values = SimpleITK.GetArrayFromImage(seen)
    brain, _ = carried(atlas.region.brain, atlas.region.to_index @ to_point, head.shape)
    face, _ = carried(atlas.region.face, atlas.region.to_index @ to_point, head.shape)
    own = core(tissue_in(values) & grown(brain, NEAR_BRAIN / FINE), CORTEX, FINE)
    lost = float((own & face).sum()) / max(1.0, float(own.sum()))
    return Fit(likeness, overlap, (float(scales[0]), float(scales[1]), float(scales[2])), angle, lost)


def carried(mask: Mask, to_index: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    """A mask on another grid, whose indices (x, y, z) `to_index` takes to the mask's; and where it is known."""
    spots = np.argwhere(np.ones(shape, bool))[:, ::-1]
    place = np.rint(spots @ to_index[:3, :3].T + to_index[:3, 3]).astype(int)
    inside = ((place >= 0) & (place < mask.shape[::-1])).all(axis=1)
    found = np.zeros(len(spots), bool)
    found[inside] = mask[tuple(place[inside][:, ::-1].T)]
    return found.reshape(shape), inside.reshape(shape)
