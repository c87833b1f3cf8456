"""`pacsflow bids`: what series would be called, before anything is converted; and `convert`, which says what has no name."""

import json

import pytest

from commands import pacsflow
from factory import make_instance, write_files
from whole_run import by_uid, find_only, lying, project

RULES = [
    {"when": {"SeriesDescription": "/localizer/i"}, "leave_out": True},
    {"when": {"SeriesDescription": "*_SBRef"}, "datatype": "func", "suffix": "sbref", "entities": {"task": "rest"}},
    {"when": {"SeriesDescription": "rest*"}, "datatype": "func", "suffix": "bold", "entities": {"task": "rest"}},
    {"when": {"SeriesDescription": "gre*", "Converted": "*_ph"}, "datatype": "fmap", "suffix": "phasediff"},
    {"when": {"SeriesDescription": "gre*"}, "datatype": "fmap", "suffix": "magnitude1"},
]


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "bids.yaml"
    path.write_text(json.dumps({"rules": RULES}))
    return path


def tree(folder, *names, slices=6):
    for number, name in enumerate(names, 1):
        made = [
            make_instance(SeriesNumber=number, SeriesDescription=name, InstanceNumber=i, ImagePositionPatient=[0, 0, i])
            for i in range(1, slices + 1)
        ]
        write_files(made, folder / str(number))
    return folder


def test_a_tree_is_listed_with_names_runs_and_rules(tmp_path, rules):
    place = tree(tmp_path / "t", "Localizer", "rest", "rest_SBRef", "rest", "gre field", "else")
    said = pacsflow("bids", place, "--bids", rules, "--show", expect=1)
    for part in ("task-rest_run-1_bold", "task-rest_run-2_sbref", "task-rest_run-2_bold", "no rule fits", "left out"):
        assert part in "".join(said.split()) or part in said
    assert "6 series, 1 without a name" in said


def test_a_tree_without_rules_is_refused_with_the_fix(tmp_path):
    assert "--bids bids.yaml" in pacsflow("bids", tree(tmp_path / "t", "rest"), expect=2)


def test_a_project_is_listed_from_what_the_node_told_before_anything_is_fetched(tmp_path, rules):
    with lying() as (pacs, node):
        export = {"nifti": [{"modality": "*", "bids": "bids.yaml"}], "targets": [{"kind": "bids", "name": "x"}]}
        folder = project(tmp_path, pacs, node, asked=by_uid(pacs.archive, 2), export=export)
        (folder / "bids.yaml").write_text(
            json.dumps({"rules": [{"when": {"SeriesDescription": "*MPRAGE*"}, "datatype": "anat", "suffix": "T1w"}]})
        )
        find_only(folder)
    said = pacsflow("bids", folder, expect=1)
    assert "anat/T1w" in said
    assert "1 without a name" in said
    assert pacs.counts["gets"] == 0


def test_a_series_that_a_rule_leaves_out_is_not_judged_and_one_without_a_rule_ends_with_1(tmp_path, rules):
    place = tree(tmp_path / "t", "rest")
    tree(tmp_path / "t/scouts", "x", "x", "x", "x", "x", "Localizer", slices=1)
    for part in "12345":
        (tmp_path / "t/scouts" / part / "00000.dcm").unlink()
    said = pacsflow("convert", place, tmp_path / "out", "--bids", rules)
    assert "left out by a rule" in " ".join(said.split())
    tree(tmp_path / "t/more", "nothing", "nothing", "nothing", "unknown")
    assert "left out of the dataset" in pacsflow("convert", place, tmp_path / "out2", "--bids", rules, expect=1)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_cleaned_tree_is_named_by_what_its_originals_said(tmp_path, rules, in_place):
    place = tree(tmp_path / "t", "rest Zebra", "rest Zebra_SBRef", "rest Zebra")
    pacsflow("deid", place, *(["--in-place"] if in_place else [tmp_path / "clean"]), "--bids", rules)
    clean = place if in_place else tmp_path / "clean"
    kept = (clean / ".pacsflow/bids-answers.json").read_text()
    assert "ebra" not in kept
    pacsflow("convert", clean, tmp_path / "out", "--bids", rules)
    names = sorted(path.name.partition("_task-")[2] for path in (tmp_path / "out").rglob("*.nii.gz"))
    assert names == ["rest_run-1_bold.nii.gz", "rest_run-2_bold.nii.gz", "rest_run-2_sbref.nii.gz"]
    assert not [path for path in (tmp_path / "out").rglob("*.json") if "ebra" in path.read_text()]
