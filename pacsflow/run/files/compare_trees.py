"""Originals and what was delivered of them, compared as NIfTI: whether de-identification harmed any of it."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pacsflow.convert import Geometry, convert_series
from pacsflow.convert.likeness import PARTS, Likeness, Portrait, is_label_map, portrait
from pacsflow.convert.series_files import pixel_digest
from pacsflow.errors import RefusalError
from pacsflow.export import SeriesFiles, StudyFolder

_IMAGES = (".nii.gz", ".nii")
_RESERVED = ".pacsflow"
Verdict = Literal["equal", "differs", "no original", "not delivered", "no NIfTI"]
OF_CONCERN: frozenset[Verdict] = frozenset({"differs", "no original"})
"""Verdicts by which de-identification is not shown to be harmless."""


@dataclass(frozen=True)
class Compared:
    """One image. `original`: numbers of study and series, and which image.

    `delivered`: path below its tree, or numbers. `parts`: of `PARTS`, where there is something to compare. `reason`:
    why there is no NIfTI.
    """

    original: str
    delivered: str
    verdict: Verdict
    parts: Mapping[str, Likeness] = field(default_factory=dict)
    reason: str = ""


@dataclass
class _Series:
    """A series of DICOM files. `pixels`: digests of its files' pixels; `portraits`: of its NIfTI, by name."""

    name: str
    looks: tuple[object, ...]
    pixels: frozenset[str]
    portraits: dict[str, Portrait]
    reason: str = ""
    met: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class How:
    """How DICOM files of both trees are converted, and in which folder, emptied after each series."""

    converter: str
    geometry: Geometry
    scratch: Path


def compare_trees(
    originals: Sequence[StudyFolder], delivered: Sequence[StudyFolder], images: Mapping[str, Path], how: How
) -> Iterator[Compared]:
    """Compare the NIfTI of DICOM originals with that of delivered DICOM files, and with delivered NIfTI files.

    `images`: path below the tree -> NIfTI file. Series are found by their pixels, else by their numbers and sizes;
    NIfTI files by their voxels, else by shape and affine. At the end come originals of which nothing was delivered.
    Raises ConverterStoppedError.
    """
    known = [_read(*one, how) for one in _numbered(originals)]
    free = list(known)
    for one in (_read(*one, how) for one in _numbered(delivered)):
        other = _original(one, free)
        if other is None:
            yield Compared("", f"DICOM {one.name}", "no original")
            continue
        free.remove(other)
        yield from _of_series(other, one)
    for name, path in sorted(images.items()):
        yield _of_image(name, path, known)
    yield from _left(known)


def images_below(tree: Path) -> dict[str, Path]:
    """Path below a tree -> NIfTI file; label maps apart, and what pacsflow keeps for itself there."""
    found = {}
    for top, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != _RESERVED)
        for path in (Path(top, name) for name in files if name.endswith(_IMAGES)):
            if is_label_map(path):
                continue
            found[str(path.relative_to(tree))] = path
    return found


def _numbered(studies: Sequence[StudyFolder]) -> Iterator[tuple[str, SeriesFiles]]:
    for number, study in enumerate(studies, 1):
        for position, series in enumerate(sorted(study.series, key=lambda one: (one.series_number, one.acquired)), 1):
            yield f"study {number} series {series.series_number or position}", series


def _read(name: str, series: SeriesFiles, how: How) -> _Series:
    files = [path for _, path in series.dicom]
    looks = (series.modality, series.series_number, len(files))
    out = how.scratch / "series"
    try:
        pixels = frozenset(pixel_digest(path).hex() for path in files)
        made = convert_series(how.converter, files, out, geometry=how.geometry)
        found = {path.name.removesuffix(".nii.gz"): portrait(path) for path in made.files if path.suffix == ".gz"}
        return _Series(name, looks, pixels, found)
    except RefusalError as refusal:
        return _Series(name, looks, frozenset(), {}, f"{refusal.reason}: {refusal}")
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _original(one: _Series, free: Sequence[_Series]) -> _Series | None:
    """The series it was made of: the one that shares most pixels, else the only one of its looks."""
    shared = [(len(one.pixels & other.pixels), len(one.looks) - _apart(one, other), other) for other in free]
    best = max(shared, key=lambda each: each[:2], default=None)
    if best and best[0]:
        return best[2]
    alike = [other for other in free if other.looks == one.looks]
    return alike[0] if len(alike) == 1 else None


def _apart(one: _Series, other: _Series) -> int:
    return sum(a != b for a, b in zip(one.looks, other.looks, strict=True))


def _of_series(original: _Series, one: _Series) -> Iterator[Compared]:
    names = sorted({*original.portraits, *one.portraits})
    original.met |= {*original.portraits, ""}
    if not names:
        yield Compared(original.name, f"DICOM {one.name}", "no NIfTI", reason=one.reason)
    for name in names:
        first, second = original.portraits.get(name), one.portraits.get(name)
        here = (f"{original.name} {name}", f"DICOM {one.name} {name}")
        if first and second:
            yield _verdict(*here, first, second)
        else:
            reason = (original if first is None else one).reason or "an image of this name is on one side only"
            yield Compared(*here, "differs", reason=reason)


def _verdict(original: str, delivered: str, first: Portrait, second: Portrait) -> Compared:
    parts = first.compared(second)
    return Compared(original, delivered, "differs" if "differs" in parts.values() else "equal", parts)


def _of_image(name: str, path: Path, known: Sequence[_Series]) -> Compared:
    try:
        mine = portrait(path)
    except (OSError, ValueError):
        return Compared("", name, "differs", reason="the file cannot be read")
    every = [(series, stem, other) for series in known for stem, other in series.portraits.items()]
    ranked = sorted(every, key=lambda each: (-_closeness(mine, each[2]), each[1] in each[0].met))
    if not ranked or not _closeness(mine, ranked[0][2]):
        return Compared("", name, "no original")
    series, stem, other = ranked[0]
    series.met.add(stem)
    return _verdict(f"{series.name} {stem}", name, other, mine)


def _closeness(one: Portrait, other: Portrait) -> int:
    """How much two have in common: voxels first, then all else; 0 for nothing by which they belong together."""
    parts = one.compared(other)
    equal = sum(value == "equal" for value in parts.values())
    if parts["voxels"] == "equal":
        return len(PARTS) + 1 + equal
    return equal if one.shape == other.shape and parts["affine"] == "equal" else 0


def _left(known: Sequence[_Series]) -> Iterator[Compared]:
    """Originals that nothing was compared with: those that give NIfTI were not delivered."""
    for one in known:
        missing = sorted(one.portraits.keys() - one.met)
        yield from (Compared(f"{one.name} {stem}", "", "not delivered") for stem in missing)
        if not one.portraits and not one.met:
            yield Compared(one.name, "", "no NIfTI", reason=one.reason)
