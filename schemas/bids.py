"""bids.yaml: which name a converted series has in a BIDS dataset."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from schemas._base import Model

ENTITIES = (
    "task",
    "acq",
    "ce",
    "trc",
    "rec",
    "dir",
    "run",
    "mod",
    "echo",
    "flip",
    "inv",
    "mt",
    "part",
    "chunk",
)
"""Entities that a rule may give, in the order in which BIDS writes them; `sub` and `ses` are the dataset's."""

SIDECAR = frozenset(
    {
        "Converted",
        "EchoNumber",
        "Matrix",
        "PhaseEncodingAxis",
        "PhaseEncodingDirection",
        "TotalReadoutTime",
        "Volumes",
    }
)
"""What rules may ask for beside DICOM keywords: keys of the converter's sidecar; and `Converted`, the end of the
converted file's name (`_e2_ph`, empty where the series gave one file), its `Matrix` (`64x64x20`) and `Volumes`."""

_NUMBERS = frozenset({"run", "echo", "flip", "inv", "chunk"})
_LABEL = re.compile(r"[0-9A-Za-z]+")
PLACEHOLDER = re.compile(r"\{([A-Za-z0-9]+)\}")

Entity = Literal["task", "acq", "ce", "trc", "rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part", "chunk"]
Datatype = Literal["anat", "dwi", "fmap", "func", "perf", "pet"]
Volume = Literal["control", "label", "m0scan", "deltam", "cbf", "noRF", "n/a"]
"""Kinds of the volumes of an ASL series."""
WARNING = "BIDS: "
"""Beginning of all warnings of names."""
LEFT_OUT = f"{WARNING}left out"
"""Beginning of the warnings of images that have no name."""
NEWER = f"{WARNING}a rule is newer than the image"
"""Beginning of the warnings of names that the original was not asked for."""


class Name(Model):
    """A file's place in a BIDS dataset, all but subject and session."""

    datatype: Datatype
    suffix: str
    entities: dict[Entity, str] = Field(default={})
    sidecar: dict[str, Any] = Field(default={})
    intended_for: list[str] = Field(default=[])
    asl_context: list[Volume] = Field(default=[])


class Rule(Model):
    """What series it is for, and the name they get."""

    when: dict[str, Any] = Field(
        min_length=1,
        description="DICOM keyword, or PhaseEncodingDirection, PhaseEncodingAxis, EchoNumber, TotalReadoutTime of the "
        "sidecar, or of the converted file Converted (end of its name, as _e2_ph), Matrix (as 64x64x20), Volumes -> "
        "text with * and ?, /expression/i, or a list of them. All must hold; case does not matter",
        examples=[{"SeriesDescription": "*mprage*", "ImageType": "NORM"}],
    )
    leave_out: bool = Field(default=False, description="Such series are not part of the dataset, without a warning")
    datatype: Datatype | None = Field(None, description="Folder of the file")
    suffix: Annotated[str, Field(pattern=r"^[0-9A-Za-z]+$")] | None = Field(
        None, description="End of the name", examples=["T1w"]
    )
    entities: dict[Entity, str | int] = Field(
        default={},
        description="Entity -> label of letters and digits; {Keyword} in it is replaced by the series' own value. "
        "`run` is counted where it is left out and two series would have one name",
        examples=[{"task": "rest", "dir": "AP"}],
    )
    sidecar: dict[str, Any] = Field(
        default={},
        description="Keys put into the JSON sidecar, in place of what is there",
        examples=[{"B0FieldIdentifier": "fmap0"}],
    )
    intended_for: list[str] = Field(
        default=[],
        description="For field maps: the session's images that they are for, as DATATYPE/SUFFIX; * for any",
        examples=[["func/bold"]],
    )

    asl_context: list[Volume] = Field(
        default=[],
        description="For perf/asl: the kinds of the volumes in their order, repeated as often as there are volumes",
        examples=[["control", "label"], ["m0scan"]],
    )

    @model_validator(mode="after")
    def _name(self) -> "Rule":
        named = self.datatype is not None and self.suffix is not None
        if self.leave_out == named or (self.datatype is None) != (self.suffix is None):
            raise ValueError("a rule has `datatype` and `suffix`, or says `leave_out: true`")
        if self.datatype == "func" and "task" not in self.entities:
            raise ValueError("entities: images of `func` need a `task`")
        for name, value in self.entities.items():
            plain = PLACEHOLDER.sub("1", str(value))
            if not _LABEL.fullmatch(plain) or (name in _NUMBERS and not plain.isdecimal()):
                raise ValueError(
                    f"entities.{name}: a {'number' if name in _NUMBERS else 'label of letters and digits'}"
                )
        return self


class Bids(Model):
    """bids.yaml: the first rule that fits a converted file gives its name; files without one are left out."""

    rules: list[Rule] = Field(min_length=1, description="Rules, the first that fits is used")
