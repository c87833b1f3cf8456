"""The technical attributes of a series as a line of a table: what its cleaned headers say, what its frames show."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom import Dataset

from pacsflow.convert.frames import Frame, header_of, read_frames
from pacsflow.convert.geometry import judge, places_of, step_of
from pacsflow.convert.series_files import in_order
from pacsflow.convert.sidecar import value_of
from pacsflow.errors import RefusalError

REGULAR = "regular"
"""Verdict on a series whose frames make regular volumes."""
_TEXTS: Final = {
    "modality": "Modality",
    "series_description": "SeriesDescription",
    "protocol_name": "ProtocolName",
    "body_part": "BodyPartExamined",
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "software_versions": "SoftwareVersions",
    "image_type": "ImageType",
    "patient_position": "PatientPosition",
    "kernel": "ConvolutionKernel",
    "contrast_agent": "ContrastBolusAgent",
    "contrast_phase": "ContrastBolusAgentPhase",
    "scanning_sequence": "ScanningSequence",
    "sequence_variant": "SequenceVariant",
    "sequence_name": "SequenceName",
    "acquisition_type": "MRAcquisitionType",
    "photometric_interpretation": "PhotometricInterpretation",
    "radiopharmaceutical_units": "Units",
    "view_position": "ViewPosition",
    "laterality": "ImageLaterality",
}
_NUMBERS: Final = {
    "series_number": "SeriesNumber",
    "rows": "Rows",
    "columns": "Columns",
    "bits_stored": "BitsStored",
    "slice_thickness_mm": "SliceThickness",
    "kvp_kv": "KVP",
    "tube_current_ma": "XRayTubeCurrent",
    "exposure_mas": "Exposure",
    "ctdi_vol_mgy": "CTDIvol",
    "pitch": "SpiralPitchFactor",
    "field_strength_t": "MagneticFieldStrength",
    "te_ms": "EchoTime",
    "tr_ms": "RepetitionTime",
    "ti_ms": "InversionTime",
    "flip_angle_deg": "FlipAngle",
    "echo_train_length": "EchoTrainLength",
    "averages": "NumberOfAverages",
    "bandwidth_hz_per_pixel": "PixelBandwidth",
}
_OF_ENHANCED: Final = {"EchoTime": "EffectiveEchoTime", "InversionTime": "InversionTimes"}
"""Keyword -> what an enhanced image has in its place (PS3.3 C.8.13.5)."""
_FROM_FRAMES: Final = ("slices", "volumes", "spacing_row_mm", "spacing_column_mm", "spacing_slice_mm", "orientation")
COLUMNS: Final = (*_TEXTS, *_NUMBERS, "images", "frames", *_FROM_FRAMES, "geometry", "geometry_message")
NUMERIC: Final = frozenset({*_NUMBERS, "images", "frames", *_FROM_FRAMES} - {"orientation"})
"""Columns that hold numbers only."""
_PLANES = {0: "sagittal", 1: "coronal", 2: "axial"}
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def technical_line(files: Sequence[Path]) -> dict[str, Any]:
    """Column -> value of a series of DICOM files; None where nothing says it.

    Lengths are in millimetres, times in milliseconds, as the names of the columns say. `geometry`: `regular`, or the
    reason of `geometry.judge`. Raises RefusalError: unreadable-file.
    """
    line: dict[str, Any] = dict.fromkeys(COLUMNS)
    line["images"] = len(files)
    first = files[0]
    try:
        series = in_order(files)
        first = series.files[0].path
        frames = read_frames(series.paths)
        faults = judge(frames)
        told = _shape(frames)
        line |= told | {"frames": len(frames), "geometry": faults[0].reason if faults else REGULAR}
        line["geometry_message"] = "; ".join(fault.message for fault in faults) or None
    except RefusalError as refusal:
        if refusal.reason == "unreadable-file":
            raise
        line |= {"geometry": refusal.reason, "geometry_message": str(refusal)}
    wanted = [*_TEXTS.values(), *_NUMBERS.values(), *_OF_ENHANCED.values(), *_GROUPS]
    return line | _told(header_of(first, ["SpecificCharacterSet", *wanted]))


def _told(header: Dataset) -> dict[str, Any]:
    return {
        **{column: _first(header, keyword, _text) for column, keyword in _TEXTS.items()},
        **{column: _first(header, keyword, _number) for column, keyword in _NUMBERS.items()},
    }


def _first(header: Dataset, keyword: str, read: Callable[[Any], Any]) -> Any:
    value = value_of(header, keyword)
    if value is None and keyword in _OF_ENHANCED:
        value = value_of(header, _OF_ENHANCED[keyword])
    return None if value is None else read(value)


def _text(value: Any) -> str | None:
    parts = value if isinstance(value, list) else [value]
    return "\\".join(str(part).strip() for part in parts) or None


def _number(value: Any) -> float | None:
    first = value[0] if isinstance(value, list) else value
    try:
        number = float(first)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _shape(frames: Sequence[Frame]) -> dict[str, Any]:
    """What positions and spacings of frames say; nothing of mosaics' places, and of frames without positions."""
    first = frames[0]
    told: dict[str, Any] = {}
    if first.spacing:
        told |= {"spacing_row_mm": first.spacing[0], "spacing_column_mm": first.spacing[1]}
    if first.orientation:
        normal = np.cross(first.orientation[:3], first.orientation[3:])
        told["orientation"] = _PLANES[int(np.abs(normal).argmax())]
    alike = all(one.position and one.orientation == first.orientation for one in frames)
    if not alike or first.mosaic or not first.spacing:
        return told
    places = places_of(frames)
    slices = max(places) + 1
    told |= {"slices": slices, "volumes": len(frames) // slices, "spacing_slice_mm": step_of(frames)}
    return told
