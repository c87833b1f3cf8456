"""What stands still in a cine: text does, and what moves is not text. No model is asked."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pacsflow.deid.burned.boxes import Box

FEWEST: Final = 8
"""Frames from which on stillness tells something."""
_BRIGHT: Final = 0.35
"""Of the range of the picture: what text is brighter than."""
_STILL: Final = 0.06
"""Of the range: how much a still pixel changes at most; lossy codes change every frame a little."""
_NEAR: Final = 3
"""Pixels between letters of one word."""
_SMALL: Final = 6
"""Pixels that a box has at least: fewer are a speck."""
Frames = NDArray[Any]


def still_boxes(lowest: Frames, highest: Frames) -> tuple[Box, ...]:
    """Boxes around bright still pixels outside of what moves, from the minimum and maximum over frames.

    A picture in which nothing moves tells nothing: no boxes.
    """
    low, high = lowest.astype(np.float64), highest.astype(np.float64)
    base, span = float(low.min()), float(high.max() - low.min())
    if span <= 0:
        return ()
    still = high - low <= _STILL * span
    bright = low - base >= _BRIGHT * span
    moving = _moving_box(~still)
    if moving is None:
        return ()
    wanted = still & bright
    wanted[moving.top : moving.bottom, moving.left : moving.right] = False
    return _around(wanted)


def _moving_box(moving: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds what moves, but for one row or column in fifty at each side, as specks have."""
    found = []
    for axis in (1, 0):
        share = moving.mean(axis)
        active = np.flatnonzero(share > max(0.02, share.max() * 0.05))
        if not active.size:
            return None
        found.append((int(active[0]), int(active[-1]) + 1))
    return Box(found[0][0], found[1][0], found[0][1], found[1][1])


def _around(wanted: NDArray[np.bool_]) -> tuple[Box, ...]:
    """Boxes around pixels that lie close together, with a margin."""
    boxes = []
    for top, bottom in _runs(np.any(wanted, axis=1)):
        columns = np.any(wanted[top:bottom], axis=0)
        for left, right in _runs(columns):
            if wanted[top:bottom, left:right].sum() >= _SMALL:
                boxes.append(Box(top, left, bottom, right).wider(_NEAR, _NEAR).within(*wanted.shape))
    return tuple(boxes)


def _runs(marked: Any) -> list[tuple[int, int]]:
    """Where marks lie that are no further apart than letters of one word."""
    places = np.flatnonzero(marked)
    if not places.size:
        return []
    cuts = np.flatnonzero(np.diff(places) > 2 * _NEAR)
    starts = [places[0], *places[cuts + 1]]
    stops = [*places[cuts], places[-1]]
    return [(int(start), int(stop) + 1) for start, stop in zip(starts, stops, strict=True)]
