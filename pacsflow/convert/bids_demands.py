"""What BIDS demands beside an image: keys of the sidecar, the kinds of an ASL series' volumes; and what headers tell.

Names and demands are those of the BIDS specification's schema (rules/sidecars/pet.yaml, asl.yaml).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydicom import Dataset

from schemas.bids import Rule

_PET: Final = (
    "Manufacturer", "ManufacturersModelName", "Units", "TracerName", "TracerRadionuclide", "InjectedRadioactivity",
    "InjectedRadioactivityUnits", "InjectedMass", "InjectedMassUnits", "SpecificRadioactivity",
    "SpecificRadioactivityUnits", "ModeOfAdministration", "TimeZero", "ScanStart", "InjectionStart", "FrameTimesStart",
    "FrameDuration", "AcquisitionMode", "ImageDecayCorrected", "ImageDecayCorrectionTime", "ReconMethodName",
    "ReconMethodParameterLabels", "ReconFilterType", "AttenuationCorrection",
)  # fmt: skip
_ASL: Final = (
    "ArterialSpinLabelingType", "PostLabelingDelay", "BackgroundSuppression", "M0Type", "TotalAcquiredPairs",
    "RepetitionTimePreparation", "MagneticFieldStrength", "MRAcquisitionType", "EchoTime",
)  # fmt: skip
_OF_LABELING: Final = {"PASL": "BolusCutOffFlag", "CASL": "LabelingDuration", "PCASL": "LabelingDuration"}
_ELEMENTS: Final = {
    "fluor": "F", "carbon": "C", "gallium": "Ga", "oxygen": "O", "nitrogen": "N", "copper": "Cu", "zirconium": "Zr",
    "rubidium": "Rb", "iodine": "I", "scandium": "Sc", "yttrium": "Y",
}  # fmt: skip
"""Beginning of a nuclide's name (PS3.16 CID 4020) -> its symbol."""
_UNITS: Final = {"BQML": "Bq/mL", "GML": "g/mL", "CNTS": "counts", "PROPCNTS": "counts"}
_BETTER: Final = ("Units", "TracerRadionuclide")
"""What the converter says otherwise than BIDS asks for."""
_TIME: Final = re.compile(r"(\d{2})(\d{2})(\d{2})(\.\d+)?")


def lacking(datatype: str, suffix: str, told: Mapping[str, Any]) -> list[str]:
    """Keys of the sidecar that BIDS demands of an image and that nothing says."""
    if datatype == "pet" and suffix == "pet":
        return [key for key in _PET if key not in told]
    if (datatype, suffix) == ("perf", "asl"):
        kind = _OF_LABELING.get(str(told.get("ArterialSpinLabelingType")))
        wanted = [*_ASL, *([kind] if kind else []), *(["SliceTiming"] if told.get("MRAcquisitionType") == "2D" else [])]
        return [key for key in wanted if key not in told]
    return []


def asl_context(rule: Rule, volumes: int) -> list[str] | None:
    """The kind of each volume of an ASL series; None where the rule's kinds do not come out even."""
    kinds = rule.asl_context
    if not kinds or volumes % len(kinds):
        return None
    return [*kinds] * (volumes // len(kinds))


def tracer_facts(header: Dataset, told: Mapping[str, Any], volumes: int) -> dict[str, Any]:
    """What a PET header says under the names of BIDS: the tracer, times in seconds since the first volume began.

    Activities are in MBq (PS3.3 C.8.9.2 has Bq). Of a dynamic series the frames' times are the converter's.
    """
    found: dict[str, Any] = {}
    found["Units"] = _UNITS.get(str(header.get("Units") or ""))
    corrected = str(header.get("DecayCorrection") or "")
    if corrected:
        found["ImageDecayCorrected"] = corrected != "NONE"
        found["ImageDecayCorrectionTime"] = 0 if corrected in ("START", "NONE") else None
    began = _seconds(header.get("AcquisitionTime"))
    if began is not None:
        found |= {"TimeZero": _clock(began), "ScanStart": 0}
    for item in (header.get("RadiopharmaceuticalInformationSequence") or ())[:1]:
        found |= _tracer(item, began)
    if volumes == 1 and header.get("ActualFrameDuration"):
        found |= {"FrameTimesStart": [0], "FrameDuration": [float(header.ActualFrameDuration) / 1000]}
    return {key: value for key, value in found.items() if value is not None and (key not in told or key in _BETTER)}


def _tracer(item: Dataset, began: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    meanings = [*_meanings(item, "RadionuclideCodeSequence"), ""]
    number = re.search(r"\d+", meanings[0])
    symbol = next((one for name, one in _ELEMENTS.items() if name in meanings[0].casefold()), None)
    if number and symbol:
        found["TracerRadionuclide"] = f"{symbol}{number[0]}"
    name = str(item.get("Radiopharmaceutical") or "").strip()
    found["TracerName"] = next(iter([*_meanings(item, "RadiopharmaceuticalCodeSequence"), name]), "") or None
    if dose := item.get("RadionuclideTotalDose"):
        found |= {"InjectedRadioactivity": float(dose) / 1e6, "InjectedRadioactivityUnits": "MBq"}
    injected = _seconds(item.get("RadiopharmaceuticalStartTime"))
    if injected is not None and began is not None:
        found["InjectionStart"] = injected - began
    return found


def _meanings(item: Dataset, keyword: str) -> Sequence[str]:
    return [str(code.get("CodeMeaning") or "") for code in item.get(keyword) or () if code.get("CodeMeaning")]


def _seconds(time: Any) -> float | None:
    match = _TIME.fullmatch(str(time or ""))
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]) + float(match[4] or 0) if match else None


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
