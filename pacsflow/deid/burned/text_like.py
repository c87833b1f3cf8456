"""Where a picture looks like text: boxes from the heat that rapidocr's detector gives, at a scale of our choice.

Its own boxes are not used: they miss small words, and cost a second and more on pictures of four million pixels.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box

Picture = NDArray[np.uint8]
Net = Callable[[NDArray[np.float32]], NDArray[Any]]
"""One picture as 1 x 3 x rows x columns, -1 to 1 -> 1 x 1 x rows x columns, 0 to 1."""
_SIDE: Final = 736
"""Pixels to which the shorter side is enlarged: small letters are found so."""
CELLS: Final = 800_000
"""Pixels of an enlarged picture at most, and of one that is looked at as a whole at its own size."""
_STEP: Final = 32
"""The net takes multiples of it."""
_TILE, _OVERLAP = 256, 64
_CONTRAST: Final = 30
"""Of 255: what letters differ at least from what surrounds them, to look at a tile of a large picture."""
_STROKE: Final = 9
"""Pixels that the stroke of a letter is thinner than."""
_WARM: Final = (0.2, 0.5, 0.8)
_HOT, _LONG = 0.35, 1.5
"""Heat of each pixel of a box, at the first look and the next ones, and of its mean; length of what the next ones take,
in heights."""
_TALLEST, _PART = 64, 20
"""Pixels, and part of a large picture, that a line of text is at most high; what is higher is anatomy."""
_UNCLIP: Final = 1.8
"""The net is taught text that is shrunk; by how much a box grows again (DBNet, section 3.4)."""
_SMALLEST: Final = 7
"""Pixels that a line of text is at least high, with its margin."""
_MOSTLY: Final = 0.7
"""Of a box of the reduced picture that lies in one of its parts: it is the same text."""
_LARGEST: Final = 0.25
"""Of the picture: a larger box is anatomy, or the picture's own frame."""
_FILLED: Final = 0.25
"""Of a box that is warm at least: lines of text fill theirs, rims of bodies do not."""


def boxes_in(picture: Picture, net: Net, *, enlarged: bool) -> list[Box]:
    """All that looks like text; a large picture is looked at in tiles, and once as a whole, reduced."""
    rows, columns = picture.shape
    if picture.size <= CELLS:
        scale = min(_SIDE / min(rows, columns), (CELLS / picture.size) ** 0.5) if enlarged else 1.0
        return _scaled(picture, net, max(scale, 1.0))
    found = list[Box]()
    for strip in _strips(picture):
        part = picture[strip.top : strip.bottom, strip.left : strip.right]
        found += [
            Box(box.top + strip.top, box.left + strip.left, box.bottom + strip.top, box.right + strip.left)
            for box in _scaled(part, net, 1.0)
        ]
    reduced = _scaled(picture, net, (CELLS / picture.size) ** 0.5) if enlarged else []
    return found + [box for box in reduced if not any(_mostly(box, other) for other in found)]


def _mostly(box: Box, other: Box) -> bool:
    """Whether most of a box lies in another one."""
    common = Box(
        max(box.top, other.top), max(box.left, other.left), min(box.bottom, other.bottom), min(box.right, other.right)
    )
    return common.bottom > common.top and common.area >= _MOSTLY * box.area


def strokes(picture: Picture) -> Picture:
    """What is brighter than its surroundings and thin (white top-hat), stretched to 255: letters, without anatomy."""
    import cv2

    hat = cv2.morphologyEx(picture, cv2.MORPH_TOPHAT, _kernel())
    return np.asarray(np.clip(hat * (255 / max(1.0, float(np.percentile(hat, 99.8)))), 0, 255), np.uint8)


def _kernel() -> Picture:
    return np.ones((_STROKE, _STROKE), np.uint8)


def _strips(picture: Picture) -> Iterator[Box]:
    """Parts in which something thin stands out, bright or dark; those beside each other as one, to cut no word."""
    import cv2

    bright, dark = (cv2.morphologyEx(picture, way, _kernel()) for way in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT))
    thin = np.maximum(bright, dark) >= _CONTRAST
    rows, columns = picture.shape
    step = _TILE - _OVERLAP
    for top in range(0, max(1, rows - _OVERLAP), step):
        strip: Box | None = None
        for left in range(0, max(1, columns - _OVERLAP), step):
            tile = Box(top, left, top + _TILE, left + _TILE).within(rows, columns)
            if np.count_nonzero(thin[tile.top : tile.bottom, tile.left : tile.right]) >= _STROKE:
                strip = tile if strip is None else strip._replace(right=tile.right)
            elif strip:
                yield strip
                strip = None
        if strip:
            yield strip


def _scaled(picture: Picture, net: Net, scale: float) -> list[Box]:
    import cv2

    rows, columns = picture.shape
    high, wide = (max(_STEP, round(side * scale / _STEP) * _STEP) for side in picture.shape)
    way = cv2.INTER_CUBIC if scale >= 1 else cv2.INTER_AREA
    fitted = cv2.resize(picture, (wide, high), interpolation=way).astype(np.float32) / 127.5 - 1
    heat = net(np.repeat(fitted[np.newaxis, np.newaxis], 3, 1))[0, 0]
    return [
        box.within(rows, columns)
        for box in _boxes(np.asarray(heat), rows / high, columns / wide, max(_TALLEST, min(rows, columns) // _PART))
        if min(box.bottom - box.top, box.right - box.left) >= _SMALLEST and box.area <= _LARGEST * picture.size
    ]


def _boxes(heat: NDArray[Any], down: float, across: float, tallest: int) -> Iterator[Box]:
    """Boxes around what is warm, as large as the text is; `down` and `across` are pixels of the picture per cell.

    What is too high for a line at first is looked at again where it is hotter: text between rows of small pictures.
    """
    import cv2

    left_over = np.array(heat)
    for warm in _WARM:
        count, labels, facts, _ = cv2.connectedComponentsWithStats((left_over > warm).astype(np.uint8), connectivity=8)
        total = np.bincount(labels.ravel(), left_over.ravel().astype(np.float64), count)
        for number in range(1, count):
            left, top, wide, high, area = (int(fact) for fact in facts[number])
            more = wide * high * _UNCLIP / (2 * (wide + high))
            thin = min((wide + 2 * more) * across, (high + 2 * more) * down)
            if total[number] < _HOT * area or area < _FILLED * wide * high or thin > tallest:
                continue
            if warm > _WARM[0] and wide * across < _LONG * high * down:
                continue
            left_over[top : top + high, left : left + wide] = 0
            yield Box(
                round((top - more) * down),
                round((left - more) * across),
                round((top + high + more) * down),
                round((left + wide + more) * across),
            )
