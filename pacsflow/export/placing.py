"""Which name below a destination belongs to which series.

A name of the layout belongs to the first who claims it; another series, or another patient, gets a digest behind its
name. Series of one study that would share a name all get one, so that their names do not hang on the order of
delivery.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from pacsflow.errors import TargetError
from pacsflow.export.contract import SeriesFiles, StudyFolder
from pacsflow.export.layout import folder_of
from pacsflow.export.names import alphanumeric, component, short_digest
from schemas.export import Files

CLAIMS = (".pacsflow", "claims")
"""Where below a destination it stands who has which name."""
_PATIENT = "\0patient"
_STEM = "image"
Parts = tuple[str, ...]
IsOwner = Callable[[str, str], bool]
"""Whether the owner (a digest) is the first who claimed a name (a digest); asking claims it."""


def places(study: StudyFolder, layout: str, is_owner: IsOwner) -> list[tuple[SeriesFiles, Parts]]:
    """The folder of each series, part by part. Raises TargetError."""
    wanted = []
    for series in sorted(study.series, key=lambda s: s.series_uid):
        patient = _claim((_PATIENT, alphanumeric(series.patient) or "unknown"), series.patient, is_owner)[-1]
        wanted.append((series, folder_of(layout, series, patient=patient, rows=study.rows)))
    shared = Counter(_folded(place) for _, place in wanted)
    return [
        (
            series,
            _claim(_marked(place, series) if shared[_folded(place)] > 1 else place, series.series_uid, is_owner),
        )
        for series, place in wanted
    ]


def named_files(series: SeriesFiles, leaf: str, settings: Files) -> Iterator[tuple[str, Path]]:
    """Name and source of each file of a series that goes to a folder called `leaf`."""
    if settings.dicom:
        yield from ((f"{component(uid)}.dcm", path) for uid, path in series.dicom)
    if settings.nifti:
        yield from ((leaf + path.name.removeprefix(_STEM), path) for path in series.converted)


def _claim(place: Parts, owner: str, is_owner: IsOwner) -> Parts:
    """`place`, or where another owner has it, `place` with a digest of the owner."""
    for length in (0, 6, 16, 64):
        name = (*place[:-1], f"{place[-1]}_{short_digest(owner, length)}" if length else place[-1])
        if is_owner(short_digest("/".join(_folded(name)), 32), short_digest(owner, 32)):
            return name
    raise TargetError("a folder of the layout belongs to another series")


def _marked(place: Parts, series: SeriesFiles) -> Parts:
    return (*place[:-1], f"{place[-1]}_{short_digest(series.series_uid)}")


def _folded(place: Parts) -> Parts:
    """As a file system sees it that takes upper and lower case for the same."""
    return tuple(part.casefold() for part in place)
