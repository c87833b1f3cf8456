"""A recipe's text: what can be read, as `deid` reads it, and what is wrong with the rest."""

from pathlib import Path

import deid
import pytest
from deid.config.utils import load_deid

from pacsflow.deid.recipe.parse import parse
from pacsflow.errors import ProjectError
from unit.deid.instances import cleaner
from unit.deid.recipes import Recipes

SHIPPED = sorted((Path(deid.__file__).parent / "data").glob("deid.dicom*"))


@pytest.fixture
def recipes(tmp_path):
    return Recipes(tmp_path)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_recipes_of_deid_are_read_as_deid_reads_them(file):
    ours, theirs = parse(file.read_text("utf-8"), file.name), load_deid(str(file))
    told = [
        {"action": line.action, "field": line.field} | ({"value": line.value} if line.value else {})
        for line in ours.header
    ]
    assert told == [{name: text.strip() for name, text in line.items()} for line in theirs.get("header", [])]
    labels = [(group, item) for group, items in theirs["filter"].items() for item in items]
    assert [(label.group, label.name) for label in ours.labels] == [
        (group, item["name"].removeprefix("LABEL").strip()) for group, item in labels
    ]
    assert [len(label.coordinates) for label in ours.labels] == [len(item["coordinates"]) for _, item in labels]
    for label, (_, item) in zip(ours.labels, labels, strict=True):
        assert [len(line) for line in label.lines] == [len(each["action"]) for each in item["filters"]], label.name
    assert not ours.problems


def test_named_lists_are_read():
    recipe = parse('FORMAT dicom\n%values own\nFIELD PatientID\nSPLIT PatientName by="^";minlength=3 # parts\n', "a")
    assert [(line.action, line.field, line.value) for line in recipe.values["own"]] == [
        ("FIELD", "PatientID", None),
        ("SPLIT", "PatientName", 'by="^";minlength=3'),
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("REMOOVE PatientID", "is not an action"),
        ("REMOVE", "without a field"),
        ("REPLACE PatientID", "without a value"),
        ("KEEP PatientID really", "takes no value"),
        ("REPLACE PatientNmae X", "no such attribute"),
        ("KEEP (0019,100c)", "without its creator"),
        ("REMOVE startwith:Patient", "no expander"),
        ("REMOVE contains:(", "no regular expression"),
        ("REMOVE select:VM:1", "no selection"),
        ("REMOVE values:own", "no list"),
        ("REMOVE fields:own", "no list"),
        ("ADD contains:Patient X", "takes one attribute"),
        ("REMOVE SOPInstanceUID", "cannot be without|can be without"),
        ("REPLACE SOPInstanceUID 1.2.3", "can be without"),
        ("REPLACE PatientID func:mine", "no func:mine"),
        ("REPLACE PatientID var:mine", "no var:mine"),
        ("REPLACE PatientID deid_func:mine", "has no function"),
        ("REPLACE StudyDate yesterday", "no value of VR DA"),
        ("REPLACE PatientID func:uid", "does not fit VR LO"),
        ("REPLACE StudyDate func:date", "no shift"),
        ("JITTER StudyDate soon", "no number of days"),
        ("JITTER PatientID 3", "does not fit VR LO"),
        ("REMOVE PatientID func:pseudonym", "takes no value but"),
        ("REMOVE PixelData", "pixel data"),
        ("%labels\nADD a b", "not a section"),
        ("%filter\n", "has no name"),
        ("%filter graylist\ncontains Modality US", "before the first LABEL"),
        ("%filter graylist\nLABEL a\nresembles Modality US", "no comparison"),
        ("%filter graylist\nLABEL a\ncontains Modality", "without a value"),
    ],
)
def test_each_mistake_is_told_with_its_line_and_what_to_write(recipes, line, found):
    compiled = recipes.compiled(line)
    assert len(compiled.problems) == 1, compiled.problems
    problem = compiled.problems[0]
    assert (problem.file, problem.line) == (
        "site.deid",
        2 + line.count("\n") + 1 - (line.startswith("%labels") or line.endswith("\n")),
    )
    assert problem.fix
    assert any(text in problem.message for text in found.split("|"))


def test_all_mistakes_come_at_once_and_end_nothing(recipes, capfd):
    with pytest.raises(ProjectError) as caught:
        cleaner(**recipes.profile("REMOOVE PatientID\nJITTER StudyDate x\n%nothing\n", whole=True))
    assert [problem.line for problem in caught.value.problems] == [1, 1, 2, 3]
    assert capfd.readouterr() == ("", "")


def test_what_names_nothing_and_would_take_it_out_is_a_remark(recipes):
    told = cleaner(**recipes.profile("REMOVE PatientsNam")).describe()
    assert "site.deid:3: no such attribute: PatientsNam; the line does nothing." in told


def test_a_recipe_that_is_not_there_is_a_mistake_of_the_profile(tmp_path):
    with pytest.raises(ProjectError, match=r"deid\.yaml: recipe: names no text file"):
        cleaner(recipe=str(tmp_path / "absent"))


def test_functions_are_read_and_not_run(recipes, tmp_path):
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w')\ndef mine(**given):\n    return 'X'\n"
    assert recipes.problems("REPLACE PatientID func:mine", functions=code) == []
    assert not ran.exists()
    assert "cannot be read as Python" in recipes.problems("KEEP Modality", functions="def (")[0][1]
    assert "pacsflow's own" in recipes.problems("KEEP Modality", functions="def uid(): ...")[0][1]
