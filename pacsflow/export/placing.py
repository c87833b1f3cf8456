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
from pacsflow.export.disk import MARK, first_owner, opened
from pacsflow.export.layout import folder_of
from pacsflow.export.names import alphanumeric, component, plain, short_digest
from schemas.export import Files

CLAIMS = (MARK, "claims")
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
        patient = claimed((_PATIENT, alphanumeric(series.patient) or "unknown"), series.patient, is_owner)[-1]
        wanted.append((series, folder_of(layout, series, patient=patient, rows=study.rows)))
    shared = Counter(_folded(place) for _, place in wanted)
    own = [
        (one, _marked(place, short_digest(one.series_uid)) if shared[_folded(place)] > 1 else place)
        for one, place in wanted
    ]
    return [(series, claimed(place, series.series_uid, is_owner)) for series, place in own]


def named_files(series: SeriesFiles, leaf: str, settings: Files) -> Iterator[tuple[str, Path]]:
    """Name and source of each file of a series that goes to a folder called `leaf`."""
    if settings.dicom:
        yield from ((f"{component(plain(uid))}.dcm", path) for uid, path in series.dicom)
    if settings.nifti:
        yield from ((leaf + path.name.removeprefix(_STEM), path) for path in series.converted)


def claimed(place: Parts, owner: str, is_owner: IsOwner, *, joint: str = "_") -> Parts:
    """`place`, or where another owner has it, `place` with a digest of the owner. Raises TargetError."""
    for length in (0, 6, 16, 64):
        name = _marked(place, short_digest(owner, length), joint)
        if is_owner(_claim(name), short_digest(owner, 32)):
            return name
    raise TargetError("a name at the destination belongs to another patient, study or series")


def released(root: Path, place: Parts) -> None:
    """Let another have a name below `root` of which nothing is left there."""
    root.joinpath(*CLAIMS, _claim(place)).unlink(missing_ok=True)


def _claim(place: Parts) -> str:
    return short_digest("/".join(_folded(place)), 32)


def claims_below(root: Path) -> IsOwner:
    """Claims kept in a folder of their own below `root`."""

    def is_owner(claim: str, owner: str) -> bool:
        with opened(root, CLAIMS) as folder:
            return first_owner(folder, claim, owner.encode()) == owner.encode()

    return is_owner


def _marked(place: Parts, digest: str, joint: str = "_") -> Parts:
    return (*place[:-1], f"{place[-1]}{joint}{digest}" if digest else place[-1])


def _folded(place: Parts) -> Parts:
    """As a file system sees it that takes upper and lower case for the same."""
    return tuple(part.casefold() for part in place)
