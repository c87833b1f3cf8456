"""Heads made of geometry: where skin, skull, brain, eyes and nose are is known to the voxel."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKIN, SKULL, GREY, WHITE, MUSCLE, EYE, FAT, AIR = 1, 2, 3, 4, 5, 6, 7, 0
HOUNSFIELD = {AIR: -1000, SKIN: 20, SKULL: 900, GREY: 38, WHITE: 30, MUSCLE: 55, EYE: 10, FAT: -90}
T1 = {AIR: 4, SKIN: 330, SKULL: 30, GREY: 230, WHITE: 330, MUSCLE: 190, EYE: 70, FAT: 420}
T2 = {AIR: 4, SKIN: 200, SKULL: 25, GREY: 300, WHITE: 210, MUSCLE: 110, EYE: 600, FAT: 330}


@dataclass(frozen=True)
class Head:
    """Tissues [z, y, x], x to the left, y to the back, z up; `origin`: millimetres of voxel (0, 0, 0)."""

    tissue: NDArray[np.int16]
    brain: NDArray[np.bool_]
    face: NDArray[np.bool_]
    spacing: float
    origin: tuple[float, float, float]

    def image(self, values: dict[int, int], *, noise: float = 6.0, seed: int = 7) -> NDArray[np.int16]:
        """Pixel values of a modality."""
        table = np.array([values[n] for n in range(8)])
        shown = table[self.tissue] + np.random.default_rng(seed).normal(0, noise, self.tissue.shape)
        low = min(values.values())
        return np.rint(np.clip(shown, low, None)).astype(np.int16)


def head(size: int = 96, spacing: float = 2.5, *, turn: float = 0.0, wide: float = 1.0) -> Head:
    """A head in a cube of `size` voxels, turned by `turn` degrees of nodding and scaled by `wide`."""
    half = spacing * size / 2
    axis = (np.arange(size) + 0.5) * spacing - half
    z, y, x = np.meshgrid(axis - 28, axis, axis, indexing="ij")
    angle = np.radians(turn)
    y, z = y * np.cos(angle) - z * np.sin(angle), y * np.sin(angle) + z * np.cos(angle)
    x, y, z = x / wide, y / wide, z / wide

    def ball(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> NDArray[np.bool_]:
        return np.asarray(sum(((a - c) / r) ** 2 for a, c, r in zip((x, y, z), centre, radii, strict=True)) <= 1)

    base = np.where(y < -30, -26.0, np.where(y < 20, -44.0, -58.0))  # frontal, middle and posterior fossa
    vault, table, inner = (ball((0, 0, 0), (74 - d, 94 - d, 78 - d)) for d in (0, 5, 12))
    inside = inner & (z > base)
    floor = inner & (z <= base) & (z > base - 6) & ~((np.hypot(x, y - 32) < 16) & (y > 0))
    cheek = ball((0, -42, -80), (62, 50, 68)) & (z > -135)
    neck = (np.hypot(x / 56, (y - 22) / 60) <= 1) & (z < -35)
    deep = ball((0, -40, -80), (55, 43, 62)) & (z > -135)
    nose = ball((0, -96, -62), (15, 22, 24))
    eyes = ball((-32, -76, -40), (13, 13, 13)) | ball((32, -76, -40), (13, 13, 13))
    sockets = (ball((-32, -70, -40), (19, 22, 18)) | ball((32, -70, -40), (19, 22, 18))) & ~inner
    airway = ball((0, -55, -62), (10, 30, 18))
    jaw = ball((0, -38, -100), (52, 42, 24)) & ~ball((0, -34, -100), (42, 34, 40))
    ears = ball((-80, 8, -40), (8, 16, 28)) | ball((80, 8, -40), (8, 16, 28))

    tissue = np.zeros(x.shape, np.int16)
    for where, what in (
        (vault | cheek | neck | nose | ears, SKIN),
        (deep | (np.hypot(x / 50, (y - 22) / 54) <= 1) & (z < -35), MUSCLE),
        (ball((-50, -45, -75), (10, 25, 25)) | ball((50, -45, -75), (10, 25, 25)), FAT),
        (table & (z > base - 6), SKULL),
        (jaw | floor, SKULL),
        (sockets, FAT),
        (eyes, EYE),
        (airway, AIR),
        (inside, GREY),
        (ball((0, 0, 0), (50, 68, 54)) & inside, WHITE),
    ):
        tissue[where] = what
    surface = cheek & ~ball((0, -36, -80), (60, 47, 70)) & (y < -60) & (z < -30)
    face = (nose | eyes & (y < -70) | surface) & (tissue > 0)
    return Head(tissue, inside, face, spacing, (axis[0], axis[0], axis[0]))
