"""Which series become NIfTI, and how."""

from typing import Annotated

from pydantic import Field, model_validator

from schemas._base import Model, OneOf
from schemas.converters import CONVERTERS

_OWN_OPTIONS = {"-i": "yn", "-l": "yno", "-m": "yn012", "-p": "yn", "-x": "yni"}
"""Options of dcm2niix that a rule may give: those that leave names, places and sidecars as pacsflow needs them."""


class PostCommand(Model):
    """A program of the project's own that works over the converted files of a series: on copies, confined."""

    run: list[Annotated[str, Field(min_length=1)]] = Field(
        min_length=1,
        description="Program and arguments, started without a shell in a folder that holds the converted files "
        "(image.nii.gz, image.json, ...); a relative program starts at export.yaml. What is called image* there "
        "afterwards is the series",
        examples=[["scripts/deface.sh"]],
    )
    reads: list[Annotated[str, Field(min_length=1)]] = Field(
        default=[],
        description="Folders and files that the program needs beside those of the system, as its installation or an "
        "atlas; relative ones start at export.yaml",
        examples=[["/opt/fsl"]],
    )
    seconds: float = Field(1800, gt=0, description="For one series; then it is ended, and the series is refused")


class Nifti(Model):
    """Conversion of the series of one modality."""

    modality: str = Field(description="Modality, or `*` for all", examples=["MR"])
    converter: Annotated[str, OneOf(tuple(CONVERTERS))] = Field("dcm2niix", description="Which converter")
    options: dict[str, str] = Field(
        default={},
        description="Options of dcm2niix's own: -i derived images left out (y, n), -l scaling of 16 bits (y, n, o), -m "
        "slices merged (y, n, 0, 1, 2), -p Philips' precise scaling (y, n), -x cropped (y, n, i)",
        examples=[{"-p": "n"}],
    )
    post: PostCommand | None = Field(
        None, description="A program that works over the converted files of each series, as one that removes faces"
    )
    bids: str | None = Field(
        None,
        description="File with the rules for names in a BIDS dataset; a relative path starts at export.yaml",
        examples=["bids.yaml"],
    )

    @model_validator(mode="after")
    def _known_options(self) -> "Nifti":
        if self.options and self.converter != "dcm2niix":
            raise ValueError("options: goes with `converter: dcm2niix` only")
        for name, value in self.options.items():
            if value not in tuple(_OWN_OPTIONS.get(name, ())):
                raise ValueError(
                    f"options: {name} {value} is none of {', '.join(_OWN_OPTIONS)} with a value of its own"
                )
        return self
