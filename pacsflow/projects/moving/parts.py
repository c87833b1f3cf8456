"""The parts of a project that several old systems configure alike."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from pacsflow.projects.moving.contract import OldProject

LAYOUT = "sub-{patient}/ses-{session}/{series_number:05d}-{series_description}"
IDENTIFIABLE = (
    "images stay IDENTIFIABLE, as the old command left them: write `base: ps3.15-basic` in deid.yaml before the first "
    "run to have them de-identified on the way"
)
DESCRIBED = "descriptions are cleaned, allowed words stay (`clean-descriptors` in deid.yaml); they were left alone"
COMPARED = "every image the PACS lists is compared with what came, by UID; what is missing is asked for again"


def table_of(old: OldProject, columns: Mapping[str, str]) -> dict[str, Any]:
    """query.yaml's `table`: the query file stays where it is, as it names patients."""
    path = os.path.relpath(old.query.absolute(), old.folder)
    return {"file": path, "columns": dict(columns)} if columns else {"file": path}


def profile(*options: str, **parts: Any) -> dict[str, Any]:
    """deid.yaml of a project that de-identifies: the basic profile with ages and descriptions, and what is added."""
    return {
        "base": "ps3.15-basic",
        "options": ["clean-descriptors", "retain-patient-characteristics", *options],
        **parts,
        "key": "@key@",
        "pixels": {"burned_in": "drop-risky"},
        "verify": "strict",
    }


def folder_target(old: OldProject, layout: str = LAYOUT) -> dict[str, Any]:
    """export.yaml with one folder of DICOM files."""
    path = old.choices.get("out") or "${project.workdir}/out"
    return {"targets": [{"kind": "folder", "path": path, "layout": layout}]}


def placed(old: OldProject, former: str) -> Iterator[str]:
    """Where images go instead of the `former` place, where no other was named."""
    if not old.choices.get("out"):
        yield f"images go to `out/` in the project's workdir, not to {former}: `--out` names another folder"
