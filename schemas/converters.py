"""The converters to NIfTI: all that is known of one stands in its line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ConverterSpec:
    """`module` converts, see `pacsflow.convert.contract.Converter`. `package`: whose version the run record names."""

    module: str
    package: str = ""


CONVERTERS: Final[Mapping[str, ConverterSpec]] = {
    "dcm2niix": ConverterSpec("pacsflow.convert.dcm2niix", package="dcm2niix"),
    "dicom2nifti": ConverterSpec("pacsflow.convert.dicom2nifti", package="dicom2nifti"),
}
