"""A project whose own program works over converted files: what it makes is delivered, what fails is in the row."""

import pytest

from pacsflow.run.policies import policy_now, yaml_of
from pacsflow.simpacs import phantom_archive
from whole_run import lying, project, run_once
from yaml_folder import problems_of

EXPORT = {"nifti": [{"modality": "*", "post": {"run": ["scripts/mark.sh", "image.nii.gz"]}}]}


@pytest.fixture
def script(tmp_path):
    file = tmp_path / "p" / "scripts" / "mark.sh"
    file.parent.mkdir(parents=True)

    def write(text):
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    return write


def images(told):
    return sorted(path.partition("_lung")[2] for path in told.out if path.endswith(".nii.gz"))


def test_a_failure_is_in_the_row_and_another_program_works_over_all_without_the_pacs(tmp_path, script, monkeypatch):
    script("exit 3")
    with lying(archive=phantom_archive(1, matrix=16, images=6)) as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, export=EXPORT)
        policy = tmp_path / "policy.yaml"
        policy.write_text(yaml_of(policy_now([folder])))
        monkeypatch.setenv("PACSFLOW_POLICY", str(policy))
        told = run_once(folder, pacs)
        assert told.rows == [("complete", "1 of 1 series not converted: post-exit-3")]
        assert images(told) == []
        script('cp "$1" image_copy.nii.gz')
        assert ["SHA-256" in one.message for one in problems_of(folder)] == [True], "another one is not allowed"
        monkeypatch.delenv("PACSFLOW_POLICY")
        told = run_once(folder, pacs)
        assert told.rows == [("complete", "")]
        assert (len(told.out), len([path for path in told.out if path.endswith("_copy.nii.gz")])) == (9, 1)
        assert told.retrievals == 0
        assert run_once(folder, pacs).out == told.out


def test_what_is_wrong_with_a_program_is_told_with_its_line(tmp_path, script):
    script("true")
    (tmp_path / "p" / "plain").write_text("")
    with lying(archive=phantom_archive(1, matrix=16, images=1)) as (pacs, node):
        posts = [{"run": [name], "reads": reads} for name, reads in (
            ("missing", []), ("plain", []), ("scripts/mark.sh", ["/nothing/there"]))]  # fmt: skip
        folder = project(tmp_path, pacs, node, number=1,
                         export={"nifti": [{"modality": "*", "post": post} for post in posts]})  # fmt: skip
    assert [(one.field, one.message) for one in problems_of(folder)] == [
        ("nifti[0].post.run", "names no program"),
        ("nifti[1].post.run", "names a file that is not executable"),
        ("nifti[2].post.reads[0]", "names nothing that is there"),
    ]
