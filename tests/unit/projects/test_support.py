"""What this version cannot do is refused by name."""

import pytest

from pacsflow.projects import support
from schemas.deid import DeidProfile
from yaml_folder import FILES, only_problem, write_files

PACS = FILES["pacs"]
DEID = FILES["deid"]


def test_a_wish_that_nothing_fulfils_is_refused_by_name(tmp_path, monkeypatch):
    """There is none at present: one is made for the test."""
    gap = support._Gap(DeidProfile, ("verify",), lambda profile: profile.verify == "off", "do so", "write strict")
    monkeypatch.setattr(support, "_GAPS", (gap,))
    problem = only_problem(write_files(tmp_path / "a", deid=DEID + 'verify: "off"\n'))
    assert problem.field == "verify"
    assert "cannot" in problem.message
    assert problem.message.endswith("yet")
    assert problem.fix
    assert problem.line > 0


def test_what_the_same_fields_say_otherwise_is_supported(tmp_path):
    write_files(tmp_path / "a", pacs=PACS + "find: dicomweb\nurl: https://pacs.example.org\nfetch: {method: c-get}\n")
    write_files(tmp_path / "a", deid=DEID + "patient: {source: keyed}\npixels: {burned_in: keep}\n")
    from yaml_folder import problems_of

    assert problems_of(tmp_path / "a") == []


@pytest.mark.parametrize(
    ("export", "field"),
    [
        ("nifti: [{bids: bids.yaml, modality: MR}]\n", "nifti[0].bids"),
        ("nifti: [{modality: MR}]\ntargets: [{kind: bids, name: a}]\n", "targets[0].kind"),
        ("nifti: [{bids: none.yaml, modality: MR}]\ntargets: [{kind: bids, name: a}]\n", "nifti[0].bids"),
    ],
)
def test_rules_for_names_need_a_dataset_and_a_dataset_rules(tmp_path, export, field):
    folder = write_files(tmp_path / "a", export=export)
    (folder / "bids.yaml").write_text("rules: [{when: {Modality: CT}, leave_out: true}]\n")
    assert only_problem(folder).field == field
