"""NIfTI from DICOM: one module per converter, one way in.

A converter's refusal is an outcome with a reason, never a crash and never a silence: what fails the
geometry, what a converter declines, what it gives no file for, and what it drops frames of.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from pacsflow.convert import dcm2niix, dicom2nifti
from pacsflow.convert.account import lost
from pacsflow.convert.contract import STEM, Converted, Converter, Geometry, Kind
from pacsflow.convert.diffusion import untold
from pacsflow.convert.frames import Frame, read_frames
from pacsflow.convert.geometry import Finding, judge
from pacsflow.errors import RefusalError
from pacsflow.staging import sync

CONVERTERS: dict[Kind, Converter] = {"dcm2niix": dcm2niix, "dicom2nifti": dicom2nifti}

__all__ = ["CONVERTERS", "STEM", "Converted", "Converter", "Finding", "Geometry", "Kind", "convert_series"]


def convert_series(kind: Kind, files: Sequence[Path], out: Path, *, geometry: Geometry) -> Converted:
    """Convert the DICOM files of one series into folder `out`, which appears whole or not at all.

    What stood in `out` before is replaced. `geometry` tells whether a series that is not a regular
    volume is refused or converted with a warning. Raises RefusalError; reasons: those of
    `geometry.judge` (no-position, mixed-kinds, mixed-orientation, mixed-size, too-few-slices, not-a-volume,
    gantry-tilt, missing-slices, uneven-spacing, incomplete-volume), unreadable-file, no-image,
    converter-timeout, converter-error, no-output, frames-lost, gradient-directions, and a converter's own. Raises
    ConverterStoppedError when the converter was killed: then nothing is known of the series.
    """
    frames = read_frames(files)
    if not frames:
        raise RefusalError("no-image", "the series has no files")
    warnings = [f.message for f in _judged(frames, geometry)]
    scratch = out.with_name(f".{out.name}.converting")
    made = scratch / "out"
    shutil.rmtree(scratch, ignore_errors=True)
    made.mkdir(parents=True, mode=0o700)
    try:
        warnings += CONVERTERS[kind].convert(files, made, geometry)
        warnings += _checked(frames, made, geometry)
        warnings += untold(files[0], made)
        names = _sealed(made)
        shutil.rmtree(out, ignore_errors=True)
        made.replace(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Converted(tuple(out / name for name in names), tuple(dict.fromkeys(warnings)))


def _judged(frames: Sequence[Frame], geometry: Geometry) -> list[Finding]:
    findings = judge(frames)
    if findings and geometry == "refuse":
        raise RefusalError(
            findings[0].reason,
            "; ".join(f.message for f in findings),
            remedy="`geometry: warn` in export.yaml converts such series all the same",
        )
    return findings


def _checked(frames: Sequence[Frame], folder: Path, geometry: Geometry) -> list[str]:
    if not any(folder.glob("*.nii.gz")):
        raise RefusalError("no-output", "the converter ended without an error and without a file")
    message = lost(frames, folder)
    if message and geometry == "refuse":
        raise RefusalError("frames-lost", message, remedy="another converter may take the series whole")
    return [message] if message else []


def _sealed(folder: Path) -> list[str]:
    """The names in `folder`, after everything in it is on disk."""
    names = sorted(path.name for path in folder.iterdir())
    for place in [*(folder / name for name in names), folder]:
        sync(place)
    return names
