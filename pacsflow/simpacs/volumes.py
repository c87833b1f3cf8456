"""Pictures for phantoms: slices of a torso, a head and an ultrasound fan, out of ellipses and noise.

Coordinates x (to the patient's left) and y (to the back) run from -1 to 1 over the image, z from -1 (feet)
to 1 (head) over the stack.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]


def torso(matrix: int, z: float, seed: int) -> NDArray[np.int16]:
    """Axial CT slice in Hounsfield units, shape (matrix, matrix)."""
    dice = np.random.default_rng(seed)
    x, y = _grid(matrix)
    image = np.full_like(x, -1000.0)
    body = _ellipse(x, y, (0, 0.02), (0.88, 0.6))
    image[body] = -95
    image[_ellipse(x, y, (0, 0.02), (0.8, 0.52))] = 50
    for mask, value in (*_lungs(x, y, z), *_skeleton(x, y, z)):
        image[mask & body] = value
    for mask, value in _middle(x, y, z):
        image[mask] = value
    blurred = _soften(image)
    return np.round(blurred + dice.normal(0, 14, image.shape)).astype(np.int16)


def head(matrix: int, z: float, seed: int, *, contrast: str = "T1") -> NDArray[np.uint16]:
    """Axial MR slice of a head, shape (matrix, matrix); `contrast` is T1 or T2."""
    dice = np.random.default_rng(seed)
    x, y = _grid(matrix)
    grey = {"T1": (700, 90, 180, 520, 680, 150), "T2": (500, 60, 950, 640, 470, 990)}[contrast]
    scalp, skull, fluid, cortex, white, ventricle = grey
    size = float(np.sqrt(max(0.05, 1 - (0.9 * z) ** 2)))
    image = np.zeros_like(x)
    shells = ((0.72, 0.88, scalp), (0.67, 0.83, skull), (0.62, 0.78, fluid), (0.59, 0.75, cortex))
    for across, along, value in shells:
        image[_ellipse(x, y, (0, 0), (across * size, along * size))] = value
    angle = np.arctan2(y, x)
    folds = 1 + 0.09 * np.sin(13 * angle + 4 * z) + 0.05 * np.sin(23 * angle - 7 * z)
    image[_ellipse(x / folds, y / folds, (0, 0), (0.5 * size, 0.66 * size))] = white
    image[(np.abs(x) < 0.012 + 1 / matrix) & _ellipse(x, y, (0, 0), (0.6 * size, 0.76 * size))] = fluid
    if abs(z) < 0.55:  # noqa: PLR2004, the ventricles lie around the middle
        for side in (-1, 1):
            tilted = x * np.cos(side * 0.3) + y * np.sin(side * 0.3), y * np.cos(side * 0.3) - x * np.sin(side * 0.3)
            image[_ellipse(*tilted, (side * 0.11, -0.03), (0.06 * size, 0.27 * size))] = ventricle
    shading = 1 + 0.12 * x - 0.08 * y
    noise = np.hypot(_soften(image) * shading + dice.normal(0, 16, x.shape), dice.normal(0, 16, x.shape))
    return np.round(noise).astype(np.uint16)


def fan(matrix: int, seed: int, label: str) -> NDArray[np.uint8]:
    """Ultrasound picture with `label` burned into its upper edge, shape (matrix, matrix)."""
    dice = np.random.default_rng(seed)
    x, y = _grid(matrix)
    depth, angle = np.hypot(x, y + 1.1), np.arctan2(x, y + 1.1)
    inside = (depth > 0.35) & (depth < 1.9) & (np.abs(angle) < 0.6)  # noqa: PLR2004, the fan's edges
    speckle = dice.rayleigh(55, x.shape) * (1.15 - 0.4 * depth)
    speckle[_ellipse(x, y, (0.12, 0.1), (0.28, 0.2))] *= 0.15
    picture = Image.fromarray(np.where(inside, np.clip(speckle, 0, 255), 0).astype(np.uint8))
    ImageDraw.Draw(picture).text((4, 3), label, fill=255)
    return np.asarray(picture)


def _grid(matrix: int) -> tuple[Grid, Grid]:
    y, x = np.mgrid[-1 : 1 : matrix * 1j, -1 : 1 : matrix * 1j]
    return x, y


def _ellipse(x: Grid, y: Grid, centre: tuple[float, float], axes: tuple[float, float]) -> Mask:
    inside: Mask = ((x - centre[0]) / axes[0]) ** 2 + ((y - centre[1]) / axes[1]) ** 2 < 1
    return inside


def _lungs(x: Grid, y: Grid, z: float) -> list[tuple[Mask, float]]:
    size = float(np.sqrt(max(0.15, 1 - (0.75 * z - 0.1) ** 2)))
    parts: list[tuple[Mask, float]] = []
    for side in (-1, 1):
        parts.append((_ellipse(x, y, (side * 0.42, -0.02), (0.29 * size, 0.42 * size)), -860))
        for number in range(7):
            turn = 2.4 * number + 5 * z
            spot = (side * (0.4 + 0.16 * np.cos(turn) * size), 0.25 * np.sin(turn) * size)
            radius = 0.012 + 0.014 * (number % 3)
            parts.append((_ellipse(x, y, spot, (radius, radius)), 20))
    if abs(z - 0.25) < 0.15:  # noqa: PLR2004, three slices of a nodule
        parts.append((_ellipse(x, y, (0.5, -0.16), (0.05, 0.05)), 60))
    return parts


def _skeleton(x: Grid, y: Grid, z: float) -> list[tuple[Mask, float]]:
    outer, inner = _ellipse(x, y, (0, 0.02), (0.8, 0.53)), _ellipse(x, y, (0, 0.02), (0.755, 0.485))
    ribs = np.sin(14 * np.arctan2(y, np.abs(x)) + 9 * z) > 0.35  # noqa: PLR2004, bone, then a gap
    vertebra = _ellipse(x, y, (0, 0.36), (0.13, 0.11)), _ellipse(x, y, (0, 0.5), (0.05, 0.09))
    canal = _ellipse(x, y, (0, 0.43), (0.045, 0.04))
    return [(outer & ~inner & ribs, 420), (vertebra[0], 320), (vertebra[1], 480), (canal, 30)]


def _middle(x: Grid, y: Grid, z: float) -> list[tuple[Mask, float]]:
    beat = max(0.05, 1 - abs(z + 0.25))
    return [
        (_ellipse(x, y, (0, -0.05), (0.13, 0.38)), 30),
        (_ellipse(x, y, (0.11, -0.12), (0.27 * beat, 0.22 * beat)), 130),
        (_ellipse(x, y, (0.1, 0.23), (0.065, 0.065)), 170),
        (_ellipse(x, y, (0, 0.08), (0.05, 0.045)), -980 if z > 0 else 40),
    ]


def _soften(image: Grid) -> Grid:
    padded = np.pad(image, 1, mode="edge")
    return (2 * image + padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 6
