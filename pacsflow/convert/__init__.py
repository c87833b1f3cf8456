"""NIfTI from DICOM: one module per converter, one way in.

A converter's refusal is an outcome with a reason, never a crash and never a silence: what fails the
geometry, what a converter declines, what it gives no file for, and what it drops frames of.
"""

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from pacsflow.convert.account import lost
from pacsflow.convert.contract import STEM, Converted, Converter, Geometry
from pacsflow.convert.diffusion import untold
from pacsflow.convert.frames import Frame, read_frames
from pacsflow.convert.geometry import GeometryFault, judge
from pacsflow.convert.outputs import in_one_order
from pacsflow.convert.series_files import FileOfSeries, in_order, indistinct
from pacsflow.convert.splitting import split
from pacsflow.errors import RefusalError
from pacsflow.staging import sync
from schemas.converters import CONVERTERS

__all__ = ["STEM", "Converted", "Converter", "Geometry", "GeometryFault", "convert_series"]


def convert_series(
    kind: str, files: Sequence[Path], out: Path, *, geometry: Geometry, options: Sequence[str] = ()
) -> Converted:
    """Convert the DICOM files of one series into folder `out`, which appears whole or not at all.

    What stood in `out` before is replaced. Objects without an image, screen captures and scouts beside images are set
    aside with a warning. `geometry` says whether a series that is not a regular volume is refused, converted with a
    warning, or split into those it holds. `options` are the converter's own, which it must know. Raises
    RefusalError; reasons: those of `geometry.judge` (no-position, mixed-kinds, mixed-orientation, mixed-size,
    too-few-slices, not-a-volume, gantry-tilt, missing-slices, uneven-spacing, incomplete-volume), indistinct-frames,
    grid, unreadable-file, no-image, converter-timeout, converter-error, no-output, frames-lost, gradient-directions,
    and a converter's own. Raises
    ConverterStoppedError when the converter was killed: then nothing is known of the series.
    """
    if not files:
        raise RefusalError("no-image", "the series has no files")
    series = in_order(files)
    kept, warnings = _distinct(series.files, geometry)
    groups, said = _volumes(kept, geometry)
    warnings = [*series.aside, *warnings, *said]
    scratch = out.with_name(f".{out.name}.converting")
    made = scratch / "out"
    shutil.rmtree(scratch, ignore_errors=True)
    made.mkdir(parents=True, mode=0o700)
    try:
        for number, group in enumerate(groups, 1):
            warnings += _converted(_converter(kind, options), group, made, geometry=geometry, number=number)
        names = _sealed(made)
        shutil.rmtree(out, ignore_errors=True)
        made.replace(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Converted(tuple(out / name for name in names), tuple(dict.fromkeys(warnings)))


Group = tuple[FileOfSeries, ...]


def _distinct(files: Group, geometry: Geometry) -> tuple[Group, list[str]]:
    """The files without exact doubles, where these may be left out; raises RefusalError where they may not."""
    found = indistinct(files)
    if found.messages and (geometry == "refuse" or (geometry == "split" and found.others)):
        fix = "`geometry: warn` takes one of each double; what differs should be sent again by the archive"
        raise RefusalError("indistinct-frames", "; ".join(found.messages), fix=fix)
    return tuple(one for one in files if one not in found.doubles), found.messages


def _volumes(files: Group, geometry: Geometry) -> tuple[list[Group], list[str]]:
    """The groups of files that are converted each on its own, and warnings."""
    if geometry != "split":
        return [files], [f.message for f in _judged(read_frames([one.path for one in files]), geometry)]
    volumes = split(files)
    if not volumes.groups and volumes.fault:
        raise RefusalError(volumes.fault.reason, "; ".join(volumes.left), fix="no subset of the series is a volume")
    return list(volumes.groups), list(volumes.left)


Convert = Callable[[Sequence[Path], Path, Geometry], list[str]]


def _converter(kind: str, options: Sequence[str]) -> Convert:
    """The work of a converter, its module imported when it is first needed."""
    module: Converter = import_module(CONVERTERS[kind].module)
    convert: Callable[..., list[str]] = module.convert
    return partial(convert, options=options) if options else convert


def _judged(frames: Sequence[Frame], geometry: Geometry) -> list[GeometryFault]:
    findings = judge(frames)
    if findings and geometry == "refuse":
        raise RefusalError(
            findings[0].reason,
            "; ".join(f.message for f in findings),
            fix="`geometry: split` in export.yaml converts the regular volumes of such a series, `warn` all of it",
        )
    return findings


def _converted(convert: Convert, group: Group, made: Path, *, geometry: Geometry, number: int) -> list[str]:
    """Convert one group of files into `made`; files of a second one are called `image_v2`, and so on."""
    place = made.with_name(f"volume-{number}") / "out"
    place.mkdir(parents=True, mode=0o700)
    paths = [one.path for one in group]
    frames = read_frames(paths)
    warnings = convert(paths, place, geometry)
    warnings += _checked(frames, place, geometry)
    warnings += untold(paths[0], place)
    in_one_order(place, [frame.size for frame in frames])
    for path in place.iterdir():
        mark = f"_v{number}" if number > 1 else ""
        path.replace(made / path.name.replace(STEM, f"{STEM}{mark}", 1))
    return warnings


def _checked(frames: Sequence[Frame], folder: Path, geometry: Geometry) -> list[str]:
    if not any(folder.glob("*.nii.gz")):
        raise RefusalError("no-output", "the converter ended without an error and without a file")
    message = lost(frames, folder)
    if message and geometry != "warn":
        raise RefusalError("frames-lost", message, fix="another converter may take the series whole")
    return [message] if message else []


def _sealed(folder: Path) -> list[str]:
    """The names in `folder`, after everything in it is on disk."""
    names = sorted(path.name for path in folder.iterdir())
    for place in [*(folder / name for name in names), folder]:
        sync(place)
    return names
