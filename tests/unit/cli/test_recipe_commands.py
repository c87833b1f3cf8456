"""A recipe of `deid` as the commands meet it."""

import json
import re

import pytest
import typer
from pydicom import dcmread
from typer.testing import CliRunner

from documents import ROOT, blocks
from pacsflow.cli import deid, explain, show, validate
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.deid.recipe import compile_recipe
from pacsflow.errors import ProjectError
from schemas.deid import DeidProfile
from unit.deid.instances import ct, encoded
from yaml_folder import write_files

RECIPE = """FORMAT dicom
%values own
FIELD PatientID
%header
REPLACE StudyDescription func:mine
JITTER StudyDate 7
REPLACE contains:^InstitutionN SITE-1
KEEP (0029,"ACME",01)
REMOVE values:own
"""
FUNCTIONS = "def mine(item, value, field, dicom):\n    return 'by mine'\n"


@pytest.fixture
def call(tmp_path, monkeypatch):
    """A command with the profile, recipe and functions in one folder, and an instance in another."""
    monkeypatch.setenv("RECIPE_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    profile = {"key": "${env:RECIPE_KEY}", "recipe": "site.deid", "functions": "site_functions.py"}
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "deid.yaml").write_text(json.dumps(profile))
    (folder / "site.deid").write_text(RECIPE)
    (folder / "site_functions.py").write_text(FUNCTIONS)
    ds = ct(FilterType="of PID-774411")
    ds.private_block(0x0029, "ACME", create=True).add_new(1, "LO", "kept")
    source = encoded(ds)
    (tmp_path / "in").mkdir()
    head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
    (tmp_path / "in" / "1").write_bytes(head + bytes(source.dataset))
    monkeypatch.setattr(show.console, "_width", 300)

    def do(command, *words):
        app = typer.Typer()
        app.command()(command)
        return CliRunner().invoke(app, [str(word) for word in words])

    return do


def test_a_tree_goes_through_a_profile_with_a_recipe(call, tmp_path):
    told = call(deid.deid, tmp_path / "in", tmp_path / "out", "--profile", tmp_path / "profile" / "deid.yaml")
    assert told.exit_code == 0, told.output
    [file] = (tmp_path / "out").rglob("*.dcm")
    result = dcmread(file)
    assert (result.StudyDescription, result.StudyDate, result.InstitutionName) == ("by mine", "20150519", "SITE-1")
    assert "FilterType" not in result
    assert result[0x00291001].value == "kept"


def test_explain_names_the_line(call, tmp_path):
    told = call(explain.explain, tmp_path / "profile" / "deid.yaml", tmp_path / "in" / "1", "--all")
    assert told.exit_code == 0, told.output
    rules = {
        "StudyDescription": "site.deid:5: REPLACE StudyDescription func:mine",
        "StudyDate": "site.deid:6: JITTER StudyDate 7",
        "InstitutionName": "site.deid:7: REPLACE contains:^InstitutionN SITE-1",
        "FilterType": "a line about values in site.deid, or verification found the patient in it",
        "(0029,1001)": 'site.deid:8: KEEP (0029,"ACME",01)',
        "PatientBirthDate": "basic profile: Z",
    }
    for element, rule in rules.items():
        assert re.search(rf"{re.escape(element)}.*{re.escape(rule)}", told.output), element
    assert "2 of them run in `deid` itself" in told.output


def test_mistakes_of_a_recipe_are_reported_with_those_of_the_project(call, tmp_path):
    write_files(
        tmp_path / "p", deid="key: ${env:RECIPE_KEY}\nrecipe: site.deid\nelements: [{tag: Nothing, action: keep}]\n"
    )
    (tmp_path / "p" / "site.deid").write_text("FORMAT dicom\n%header\nREPLACE StudyDate soon\nSHRED PatientID\n")
    told = call(validate.validate, tmp_path / "p")
    assert told.exit_code == ProjectError.exit_code
    for line in (
        "site.deid:3: no value of VR DA",
        "site.deid:4: SHRED is not an action of %header -> write one of ADD",
        "deid.yaml:3: elements[0].tag: no such attribute",
    ):
        assert line in told.output
    (tmp_path / "p" / "site.deid").unlink()
    told = call(validate.validate, tmp_path / "p")
    assert told.output.count("recipe: names no") == 1


def test_the_recipe_of_the_documentation_is_right(tmp_path):
    [text] = [block.text for block in blocks(ROOT / "docs" / "deid.md", "text") if block.text.startswith("FORMAT")]
    (tmp_path / "site.deid").write_text(text)
    recipe = compile_recipe(DeidProfile(key="${env:KEY}", recipe=str(tmp_path / "site.deid")))
    assert recipe.problems == []
    assert recipe.workers
    assert recipe.filters
