"""What a JSON sidecar may say: how the image was made, never about whom, where or when.

Numbers and enumerated words of the acquisition are kept under the names BIDS uses. Of the free
texts only SeriesDescription and ProtocolName are, and only as the (cleaned) header has them: private
headers hold copies that no profile has seen.
"""

import math
from collections.abc import Mapping
from typing import Any

from pydicom import Dataset

TEXTS = ("SeriesDescription", "ProtocolName")

WORDS = frozenset(
    """
    ArterialSpinLabelingType AttenuationCorrection AttenuationCorrectionMethod BodyPart
    CoilCombinationMethod CoilString ConversionSoftware ConversionSoftwareVersion ConvolutionKernel
    DecayCorrection DeidentificationMethod DeidentificationMethodCodeSequence DiffGradientCyclingGE
    DiffusionScheme ImageOrientationText ImageType ImageTypeText InPlanePhaseEncodingDirectionDICOM
    InjectedRadioactivityUnits InternalPulseSequenceName M0Type MRAcquisitionType Manufacturer
    ManufacturersModelName MatrixCoilMode Modality MolarActivityUnits PASLType ParallelAcquisitionTechnique
    PartialFourierDirection PartialFourierEnabled PatientPosition PhaseEncodingAxis PhaseEncodingDirection
    PhaseEncodingDirectionDisplayed PhaseEncodingPolarityGE PrescanReuseString PulseSequenceDetails
    PulseSequenceName PulseSequenceType RandomsCorrectionMethod ReceiveCoilActiveElements ReceiveCoilName
    ReconFilterType ReconMethodName ReconMethodParameterLabels ReconstructionMethod ResonantNucleus
    ScanOptions ScanningSequence ScatterCorrectionMethod SequenceName SequenceVariant SoftwareVersions
    SpoilingType TracerName TracerRadionuclide TransmitCoilName Units
    """.split()  # noqa: SIM905
)
"""Keys whose values are words of a technique."""

NEVER = frozenset({"PatientAge", "PatientSize", "PatientWeight", "PatientBirthDate", "StudyID"})
"""Keys with numbers that describe a person."""

_PLAIN = {
    "Modality": "Modality",
    "Manufacturer": "Manufacturer",
    "ManufacturerModelName": "ManufacturersModelName",
    "SoftwareVersions": "SoftwareVersions",
    "MagneticFieldStrength": "MagneticFieldStrength",
    "ImagingFrequency": "ImagingFrequency",
    "BodyPartExamined": "BodyPart",
    "PatientPosition": "PatientPosition",
    "SeriesNumber": "SeriesNumber",
    "AcquisitionNumber": "AcquisitionNumber",
    "SeriesDescription": "SeriesDescription",
    "ProtocolName": "ProtocolName",
    "ImageType": "ImageType",
    "ScanningSequence": "ScanningSequence",
    "SequenceVariant": "SequenceVariant",
    "ScanOptions": "ScanOptions",
    "SequenceName": "SequenceName",
    "MRAcquisitionType": "MRAcquisitionType",
    "FlipAngle": "FlipAngle",
    "EchoTrainLength": "EchoTrainLength",
    "NumberOfAverages": "NumberOfAverages",
    "PixelBandwidth": "PixelBandwidth",
    "PercentSampling": "PercentSampling",
    "PercentPhaseFieldOfView": "PercentPhaseFOV",
    "InPlanePhaseEncodingDirection": "InPlanePhaseEncodingDirectionDICOM",
    "ImageOrientationPatient": "ImageOrientationPatientDICOM",
    "SliceThickness": "SliceThickness",
    "SpacingBetweenSlices": "SpacingBetweenSlices",
    "ReceiveCoilName": "ReceiveCoilName",
    "SAR": "SAR",
    "KVP": "KVP",
    "XRayTubeCurrent": "XRayTubeCurrent",
    "Exposure": "XRayExposure",
    "ConvolutionKernel": "ConvolutionKernel",
    "Units": "Units",
    "DeidentificationMethod": "DeidentificationMethod",
}
_MILLISECONDS = {
    "EchoTime": "EchoTime",
    "EffectiveEchoTime": "EchoTime",
    "RepetitionTime": "RepetitionTime",
    "InversionTime": "InversionTime",
    "ExposureTime": "ExposureTime",
}


def cleaned(facts: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    """The keys of a converter's sidecar that may stay; `texts` are TEXTS as the header has them."""
    return {key: value for key, value in facts.items() if _may_stay(key, value, texts)}


def _may_stay(key: str, value: Any, texts: Mapping[str, str]) -> bool:
    if key in NEVER:
        return False
    if key in TEXTS:
        return bool(value == texts.get(key))
    return key in WORDS or _is_numeric(value)


def _is_numeric(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_numeric, value))
    return isinstance(value, bool | int | float)


def described(header: Dataset) -> dict[str, Any]:
    """A sidecar from a DICOM header: BIDS names, times in seconds, lengths in millimetres.

    Elements of an enhanced image are looked for in its shared functional groups and in the first
    frame's too (PS3.3 C.7.6.16).
    """
    found: dict[str, Any] = {}
    for keyword, name in _PLAIN.items():
        if (value := value_of(header, keyword)) is not None:
            found[name] = value
    for keyword, name in _MILLISECONDS.items():
        value = value_of(header, keyword)
        if name not in found and isinstance(value, int | float):
            found[name] = value / 1000
    return found


def value_of(header: Dataset, keyword: str) -> Any:
    """A value as JSON has it, also out of the functional groups of an enhanced image; None where there is none."""
    for place in _places(header):
        try:
            value = place.get(keyword)
        except (ArithmeticError, TypeError, ValueError):  # no number, as pydicom reads it
            continue
        if value not in (None, "") and (plain := _plain(value)) is not None:
            return plain
    return None


def _places(header: Dataset) -> list[Dataset]:
    places = [header]
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in (header.get(name) or [])[:1]:
            places += [item for element in group if element.VR == "SQ" for item in element.value[:1]]
    return places


def _plain(value: Any) -> Any:
    """A value as JSON has it: numbers as numbers, several as a list; None for anything else."""
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) or hasattr(value, "as_tuple"):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "__iter__") and not isinstance(value, bytes):
        plain = [_plain(v) for v in value]
        return plain if plain and None not in plain else None
    return None
