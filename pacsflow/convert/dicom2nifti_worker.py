"""The process in which dicom2nifti runs: reads jobs as JSON lines from stdin, answers on stdout."""

import json
import logging
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import dicom2nifti.settings as rules
from dicom2nifti.convert_dicom import dicom_array_to_nifti
from dicom2nifti.exceptions import ConversionError, ConversionValidationError
from pydicom import dcmread

from pacsflow.convert.contract import STEM
from pacsflow.convert.sidecar import described

_CHECKS = ("slicecount", "orientation", "orthogonal", "slice_increment")


def serve(source: TextIO, sink: TextIO) -> None:
    """Answer jobs until there are no more."""
    for line in source:
        sink.write(json.dumps(_answer(json.loads(line))) + "\n")
        sink.flush()


def _answer(job: dict[str, Any]) -> dict[str, str]:
    for check in _CHECKS:
        setattr(rules, f"validate_{check}", job["geometry"] == "refuse")
    try:
        _convert([Path(f) for f in job["files"]], Path(job["folder"]))
    except (ConversionValidationError, ConversionError) as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001  any failure of the library is an outcome of this series
        return {"error": type(error).__name__}
    return {}


def _convert(files: list[Path], folder: Path) -> None:
    datasets = [dcmread(path) for path in files]
    dicom_array_to_nifti(datasets, str(folder / f"{STEM}.nii.gz"), reorient_nifti=False)
    facts = described(datasets[0]) | {
        "ConversionSoftware": "dicom2nifti",
        "ConversionSoftwareVersion": version("dicom2nifti"),
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / f"{STEM}.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Keep stdout for answers: what the library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
