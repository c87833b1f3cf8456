"""`geometry: split`: the regular volumes of a mixed series, and what is left over, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from pacsflow.convert.frames import Frame, read_frames
from pacsflow.convert.geometry import COSINE, GeometryFault, judge, places_of
from pacsflow.convert.series_files import FileOfSeries
from pacsflow.wording import counted

_INCOMPLETE = "incomplete-volume"


@dataclass(frozen=True)
class Volumes:
    """Groups of files each of which makes regular volumes; sentences about those that make none; the first fault."""

    groups: tuple[tuple[FileOfSeries, ...], ...]
    left: tuple[str, ...]
    fault: GeometryFault | None


def split(files: Sequence[FileOfSeries]) -> Volumes:
    """The volumes of a series, in the order of acquisition: what lies parallel, is of one size and spaced evenly."""
    groups: list[tuple[FileOfSeries, ...]] = []
    left: list[str] = []
    first: GeometryFault | None = None
    for group in _alike(files):
        kept, faults, cut = _regular(group)
        first = first or (faults[0] if faults else None)
        if kept:
            groups.append(tuple(kept))
        if cut:
            left.append(f"{counted(cut, 'image')} of a volume that was cut short left out")
        elif faults:
            left.append(
                f"{counted(len(group), 'image makes no volume and is', 'images make no volume and are')} left "
                f"out: {faults[0].message}"
            )
    return Volumes(tuple(groups), tuple(left), first)


def _alike(files: Sequence[FileOfSeries]) -> list[list[FileOfSeries]]:
    """Files of one size, spacing and orientation."""
    groups: list[tuple[Frame, list[FileOfSeries]]] = []
    for one in files:
        frame = read_frames([one.path])[0]
        mine = next((known for sample, known in groups if _parallel(sample, frame)), None)
        if mine is None:
            groups.append((frame, [one]))
        else:
            mine.append(one)
    return [known for _, known in groups]


def _parallel(one: Frame, other: Frame) -> bool:
    if (one.mosaic, one.size, bool(one.position)) != (other.mosaic, other.size, bool(other.position)):
        return False
    turned = [abs(a - b) for a, b in zip(one.orientation, other.orientation, strict=False)]
    spaced = [abs(a - b) for a, b in zip(one.spacing, other.spacing, strict=False)]
    return max(turned, default=0.0) <= COSINE and all(d <= 1e-3 * a for d, a in zip(spaced, one.spacing, strict=False))


def _regular(group: list[FileOfSeries]) -> tuple[list[FileOfSeries], list[GeometryFault], int]:
    """The files of complete volumes; what is wrong with the group; how many of a last volume were left out."""
    frames = read_frames([one.path for one in group])
    faults = judge(frames)
    if not faults:
        return group, [], 0
    if [one.reason for one in faults] != [_INCOMPLETE] or len(frames) != len(group):
        return [], faults, 0
    places = places_of(frames)
    fewest = min(places.count(place) for place in set(places))
    extra = len(frames) - fewest * len(set(places))
    kept = group[: len(group) - extra]
    cut_short = len(set(places[len(kept) :])) == extra and not judge(read_frames([one.path for one in kept]))
    return (kept, faults, extra) if cut_short else ([], faults, 0)
