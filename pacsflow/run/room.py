"""Room on disks: what is left to fetch and deliver, against what is free where it goes."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pacsflow.errors import RoomError
from pacsflow.ledger import outcomes, summary
from pacsflow.ledger.studies import Planned
from pacsflow.ledger.summary import SeriesState, StudyState
from pacsflow.run.remaining import target_names
from pacsflow.run.reporting.sizes import size_of, sizes
from pacsflow.run.session import Session
from schemas.export import Target

NIFTI = 0.6
"""Size of what conversion gives, against that of the images."""
_KEPT_FREE = 256e6
"""Bytes that stay free for ledger, report and others."""
_COPIES = frozenset({"archive", "dicomdir"})
"""Kinds of targets that never share the bytes of staging."""


@dataclass(frozen=True)
class Room:
    """A file system: for what it is needed, how many bytes, and how many are free."""

    names: tuple[str, ...]
    place: Path
    needed: float
    free: float

    @property
    def fits(self) -> bool:
        """Whether it is enough."""
        return self.needed == 0 or self.needed + _KEPT_FREE <= self.free

    def __str__(self) -> str:
        told = f"about {self.needed / 1e9:,.1f} GB are needed for {' and '.join(self.names)} ({self.place})"
        return f"{told}, {self.free / 1e9:,.1f} GB are free"


def rooms(run: Session, plans: Iterable[Planned]) -> list[Room]:
    """What staging and each target on this machine need for studies that are left to do, by file system."""
    needs = [("staging", run.staging, _to_fetch(run, plans := list(plans)))]
    done = outcomes.done(run.ledger)
    for name, target in zip(target_names(run.project), run.project.export.targets, strict=True):
        if place := _local(target):
            left = [plan for plan in plans if (plan.key, name) not in done]
            needs.append((name, place, _to_deliver(run, left, target, place)))
    found: dict[int, list[tuple[str, Path, float]]] = {}
    for name, place, needed in needs:
        found.setdefault(_standing(place).stat().st_dev, []).append((name, place, needed))
    return [
        Room(
            tuple(name for name, _, _ in group),
            group[0][1],
            sum(needed for *_, needed in group),
            shutil.disk_usage(_standing(group[0][1])).free,
        )
        for group in found.values()
    ]


def check_room(run: Session, plans: Iterable[Planned]) -> None:
    """Raise RoomError where what is left to do will not fit, before anything of it is asked for."""
    if run.project.settings.room == "refuse" and (tight := [room for room in rooms(run, plans) if not room.fits]):
        raise RoomError(
            "; ".join(map(str, tight)),
            fix="make room, set another workdir or target, or fetch part of the rows at a time; where the guess is "
            "wrong: `room: ignore` in project.yaml",
        )


def _to_fetch(run: Session, plans: list[Planned]) -> float:
    known = summary.studies(run.ledger)
    rates = sizes(known.values())
    converted = 1 + NIFTI if run.project.export.nifti else 1.0
    wants = {key for row in summary.rows(run.ledger) for key in row.wants}
    series = (one for plan in plans for one in _wanted(wants, known[plan.key]))
    return sum(max(0, (one.images or 0) - one.counts["held"]) * size_of(one, rates) * 1e6 for one in series) * converted


def _to_deliver(run: Session, plans: list[Planned], target: Target, place: Path) -> float:
    """Bytes of a target; none where it can share those of staging."""
    shares = target.kind not in _COPIES and _standing(place).stat().st_dev == _standing(run.staging).stat().st_dev
    if shares:
        return 0.0
    known = summary.studies(run.ledger)
    rates = sizes(known.values())
    both = (1.0 if getattr(target, "dicom", target.kind != "bids") else 0.0) + (
        NIFTI if run.project.export.nifti and getattr(target, "nifti", True) else 0.0
    )
    wants = {key for row in summary.rows(run.ledger) for key in row.wants}
    series = (one for plan in plans for one in _wanted(wants, known[plan.key]))
    return sum((one.images or 0) * size_of(one, rates) * 1e6 * both for one in series)


def _wanted(wants: set[str], study: StudyState) -> list[SeriesState]:
    return [one for one in study.series if one.key in wants]


def _local(target: Target) -> Path | None:
    """The folder of this machine that a target writes to; None where it writes elsewhere."""
    path, url = getattr(target, "path", ""), str(getattr(target, "url", ""))
    return Path(path) if path else Path(url.removeprefix("file://")) if url.startswith("file://") else None


def _standing(place: Path) -> Path:
    """The nearest folder that is there."""
    return next(path for path in (place, *place.parents) if os.path.lexists(path))
