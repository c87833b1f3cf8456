"""Kinds of projects to begin with: each a few files in place of the usual ones."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final, NamedTuple

USUAL: Final = "nifti"


class ProjectTemplate(NamedTuple):
    """`what`: what it makes. `files`: name in the project -> file in `starting/`, where it is not the usual one."""

    what: str
    files: Mapping[str, str] = {}


_MR: Final = {"query.yaml": "mr-query.yaml", "deid.yaml": "mr-deid.yaml"}
TEMPLATES: Final[Mapping[str, ProjectTemplate]] = {
    USUAL: ProjectTemplate("de-identified DICOM and NIfTI of CT and MR"),
    "mr-nifti": ProjectTemplate(
        "NIfTI of MR with its acquisition parameters", {**_MR, "export.yaml": "mr-export.yaml"}
    ),
    "ct-nifti": ProjectTemplate("NIfTI of CT", {"query.yaml": "ct-query.yaml", "export.yaml": "ct-export.yaml"}),
    "bids": ProjectTemplate(
        "a BIDS dataset of MR", {**_MR, "export.yaml": "bids-export.yaml", "bids.yaml": "bids.yaml"}
    ),
    "dicom": ProjectTemplate("de-identified DICOM, nothing converted", {"export.yaml": "dicom-export.yaml"}),
    "raw": ProjectTemplate(
        "DICOM as the PACS sends it: IDENTIFIABLE", {"deid.yaml": "raw-deid.yaml", "export.yaml": "dicom-export.yaml"}
    ),
}
"""Name for `pacsflow init --template` -> what is begun."""


def texts_of_template(name: str) -> dict[str, str]:
    """The files of a template that are not the usual ones: name -> text."""
    folder = files("pacsflow.projects") / "starting"
    return {file: (folder / source).read_text("utf-8") for file, source in TEMPLATES[name].files.items()}
