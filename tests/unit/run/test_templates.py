"""Every template, as `init` writes it, runs on the embedded PACS and delivers what it promises."""

import re

import pytest

from commands import pacsflow
from documents import ROOT
from pacsflow.projects.templates import TEMPLATES
from pacsflow.simpacs import demo_archive
from whole_run import lying, run_once

CT, MR = "00710001", "00710003"
"""Accession numbers of the demo's archive."""
DELIVERED = {
    "nifti": (CT, {".dcm", ".nii.gz"}),
    "mr-nifti": (MR, {".nii.gz", ".json"}),
    "ct-nifti": (CT, {".nii.gz", ".json"}),
    "bids": (MR, {".nii.gz", ".json"}),
    "dicom": (MR, {".dcm"}),
    "raw": (CT, {".dcm"}),
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_runs_on_the_embedded_pacs(new_user, tmp_path, template):
    accession, kinds = DELIVERED[template]
    with lying(archive=demo_archive()) as (pacs, _):
        node = ["--host", "127.0.0.1", "--port", pacs.port, "--called", pacs.aet]
        pacsflow("init", "p", "--template", template, *node)
        for name, old, new in (
            ("project.yaml", r"^workdir: .*$", f"workdir: {tmp_path / 'data'}"),
            ("query.yaml", r"^  - \{id: A-001, .*\}$", f'  - {{id: A-001, AccessionNumber: "{accession}"}}'),
        ):
            file = tmp_path / "p" / name
            text, number = re.subn(old, lambda _, new=new: new, file.read_text("utf-8"), flags=re.MULTILINE)
            assert number == 1
            file.write_text(text, "utf-8")
        if template == "bids":  # its rules know sequences of a site, not those of the demo
            rules = tmp_path / "p" / "bids.yaml"
            every = "rules:\n  - when: {Modality: MR}\n    datatype: anat\n    suffix: T1w\n"
            rules.write_text(rules.read_text("utf-8").replace("rules:\n", every, 1), "utf-8")
        told = run_once(tmp_path / "p", pacs)
    found = {"".join(re.findall(r"\.(?:nii\.gz|\w+)$", path)) for path in told.out}
    assert kinds <= found, (told.rows, sorted(told.out))
    assert {kind: kind in found for kind in (".dcm", ".nii.gz")} == {
        kind: kind in kinds for kind in (".dcm", ".nii.gz")
    }
    if template == "bids":
        assert "dataset_description.json" in told.out
    assert f"| `{template}` |" in (ROOT / "docs" / "examples.md").read_text("utf-8")
