"""Whether the frames of a series make regular volumes, judged before any converter sees them.

Several frames at one place are time points, echoes, b-values or phases, as long as every place has
as many. Positions are what counts (PS3.3 C.7.6.2.1.1), not SliceLocation, GantryDetectorTilt or
InstanceNumber, which scanners fill as they like.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pacsflow.convert.frames import Frame
from pacsflow.wording import counted

FEWEST = 4
"""Frames of a series; fewer are localizers and single pictures."""
COSINE = 1e-3
"""By how much direction cosines may differ."""
TILT_DEGREES = 0.5
_ROUNDING = 1e-6
_SIZES = ("mixed-size", "frames of several matrix sizes or pixel spacings")
Array = NDArray[np.float64]


@dataclass(frozen=True)
class GeometryFault:
    """Why a series is not a regular volume: a short code and a sentence."""

    reason: str
    message: str


def judge(frames: Sequence[Frame]) -> list[GeometryFault]:
    """What is wrong with a series, gravest first; empty for regular volumes."""
    for check in (_plane, _sameness):
        if finding := check(frames):
            return [finding]
    if frames[0].mosaic:
        return []
    stack = _Stack(frames)
    checks: tuple[Callable[[], GeometryFault | None], ...] = (
        stack.count,
        stack.volume,
        stack.tilt,
        stack.spacing,
        stack.full,
    )
    return [finding for check in checks if (finding := check())][:3]


def places_of(frames: Sequence[Frame]) -> list[int]:
    """Number of the place along their normal at which each of parallel frames lies."""
    return [int(place) for place in _Stack(frames).places]


def step_of(frames: Sequence[Frame]) -> float | None:
    """The usual distance of neighbouring places of parallel frames, in millimetres; None of a single place."""
    stack = _Stack(frames)
    gaps = np.diff(stack.centres @ stack.normal)
    return round(float(np.median(gaps)), 6) if len(gaps) else None


def _plane(frames: Sequence[Frame]) -> GeometryFault | None:
    if all(f.grid or (f.position and f.orientation and f.spacing) for f in frames):
        return None
    return GeometryFault("no-position", "frames without position, orientation or pixel spacing in the patient")


def _sameness(frames: Sequence[Frame]) -> GeometryFault | None:
    first = frames[0]
    if any(f.mosaic != first.mosaic for f in frames):
        return GeometryFault("mixed-kinds", "mosaics and ordinary images in one series")
    if any(f.grid for f in frames):
        return None if len({(f.grid, f.size) for f in frames}) == 1 else GeometryFault(*_SIZES)
    orientations = np.array([f.orientation for f in frames])
    if np.abs(orientations - orientations[0]).max() > COSINE:
        return GeometryFault("mixed-orientation", "frames in several orientations, as in a localizer")
    spacings = np.array([f.spacing for f in frames])
    if any(f.size != first.size for f in frames) or not np.allclose(spacings, spacings[0], rtol=1e-3, atol=0):
        return GeometryFault(*_SIZES)
    return None


class _Stack:
    """Parallel frames, sorted into places along their normal."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        rows, columns = np.array(frames[0].orientation[:3]), np.array(frames[0].orientation[3:])
        self.normal: Array = np.cross(rows, columns)
        self.pixel = min(frames[0].spacing)
        positions = np.array([f.position for f in frames])
        depths = positions @ self.normal
        order = np.argsort(depths, kind="stable")
        steps = np.diff(depths[order])
        places = np.concatenate([[0], np.cumsum(steps > _same_place(steps))])
        self.frames = len(frames)
        self.places = np.empty(len(frames), dtype=int)
        self.places[order] = places
        self.counts = np.bincount(places)
        self.centres: Array = np.array([positions[order][places == p].mean(axis=0) for p in range(places[-1] + 1)])

    def count(self) -> GeometryFault | None:
        if self.frames >= FEWEST:
            return None
        return GeometryFault("too-few-slices", f"too few slices: {self.frames}; a volume needs {FEWEST} frames")

    def volume(self) -> GeometryFault | None:
        if len(self.counts) > 1 or self.frames < FEWEST:
            return None
        return GeometryFault("not-a-volume", f"all {counted(self.frames, 'frame lies', 'frames lie')} at one place")

    def tilt(self) -> GeometryFault | None:
        if len(self.counts) < 2:  # noqa: PLR2004
            return None
        way = self.centres[-1] - self.centres[0]
        along = float(way @ self.normal)
        aside = float(np.linalg.norm(way - along * self.normal))
        degrees = math.degrees(math.atan2(aside, along))
        if degrees <= TILT_DEGREES or aside <= self.pixel / 2:
            return None
        return GeometryFault("gantry-tilt", f"slices are stacked {degrees:.1f} degrees off their normal (gantry tilt)")

    def spacing(self) -> GeometryFault | None:
        gaps = np.diff(self.centres @ self.normal)
        if len(gaps) < 2:  # noqa: PLR2004
            return None
        step = float(np.median(gaps))
        tolerance = max(0.05 * step, min(0.1, 0.2 * step)) + _ROUNDING
        off = np.abs(gaps - step) > tolerance
        if not off.any():
            return None
        multiples = np.round(gaps[off] / step)
        whole = np.abs(gaps[off] - multiples * step) <= tolerance
        if whole.all() and (multiples > 1).all():
            lacking = int((multiples - 1).sum())
            return GeometryFault("missing-slices", f"gaps where slices are missing: {lacking} (spacing {step:.3g} mm)")
        return GeometryFault("uneven-spacing", f"slices {gaps.min():.3g} to {gaps.max():.3g} mm apart")

    def full(self) -> GeometryFault | None:
        if self.counts.min() == self.counts.max():
            return None
        fewest, most = self.counts.min(), self.counts.max()
        return GeometryFault("incomplete-volume", f"{counted(fewest, 'frame')} at some places, {most} at others")


def _same_place(steps: Array) -> float:
    """Up to how many millimetres two frames are at one place: far below the usual step."""
    real = steps[steps > 1e-3]  # noqa: PLR2004
    return min(0.05, 0.1 * float(np.median(real))) if len(real) else 0.05
