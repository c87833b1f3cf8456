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
import numpy as np
from dicom2nifti.common import write_bvec_file
from dicom2nifti.convert_dicom import dicom_array_to_nifti
from dicom2nifti.exceptions import ConversionError, ConversionValidationError
from numpy.typing import NDArray
from pydicom import Dataset, dcmread

from pacsflow.convert.contract import STEM
from pacsflow.convert.dicom2nifti_vectors import along_axes
from pacsflow.convert.sidecar import described

_CHECKS = ("slicecount", "orientation", "orthogonal", "slice_increment")


def serve(source: TextIO, sink: TextIO) -> None:
    """Answer jobs until there are no more."""
    for line in source:
        sink.write(json.dumps(_answer(json.loads(line))) + "\n")
        sink.flush()


def _answer(job: dict[str, Any]) -> dict[str, Any]:
    for check in _CHECKS:
        setattr(rules, f"validate_{check}", job["geometry"] == "refuse")
    try:
        return {"doubts": _convert([Path(f) for f in job["files"]], Path(job["folder"]))}
    except (ConversionValidationError, ConversionError) as error:
        return {"refused": str(error)}
    except Exception as error:  # noqa: BLE001  any failure of the library is an outcome of this series
        return {"error": type(error).__name__}


def _convert(files: list[Path], folder: Path) -> list[str]:
    """What is doubtful of the conversion."""
    datasets = [dcmread(path) for path in files]
    given = dicom_array_to_nifti(datasets, str(folder / f"{STEM}.nii.gz"), reorient_nifti=False)
    facts = described(datasets[0]) | {
        "ConversionSoftware": "dicom2nifti",
        "ConversionSoftwareVersion": version("dicom2nifti"),
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    (folder / f"{STEM}.json").write_text(text + "\n", encoding="utf-8")
    doubts = {"frames-lost": _overwritten(datasets[0], given), "gradient-directions": not _directed(datasets[0], given)}
    return [doubt for doubt, so in doubts.items() if so]


def _overwritten(header: Dataset, given: dict[str, Any]) -> bool:
    """Whether frames of an enhanced image took the places of others: then as many places are left blank."""
    if "PerFrameFunctionalGroupsSequence" not in header:
        return False
    slices = np.moveaxis(np.asanyarray(given["NII"].dataobj), (0, 1), (-2, -1))
    return _blank(slices) > _blank(header.pixel_array)


def _blank(frames: NDArray[Any]) -> int:
    return int((np.ptp(frames, axis=(-2, -1)) == 0).sum())


def _directed(header: Dataset, given: dict[str, Any]) -> bool:
    """Whether the gradient directions fit the image, if there are any; they are turned where that is known."""
    if not given.get("BVEC_FILE"):
        return True
    vectors = along_axes(given["BVEC"], header, given["NII"].affine)
    if vectors is not None:
        write_bvec_file(vectors, given["BVEC_FILE"])
    return vectors is not None


def main() -> None:
    """Keep stdout for answers: what the library prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
