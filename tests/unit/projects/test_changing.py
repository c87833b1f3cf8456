"""Changes to the files of a project: comments survive, what is not meant stays, mistakes are known before."""

from importlib.resources import files

import pytest

from pacsflow.errors import ProjectError
from pacsflow.projects.changing import difference, shadow, value_of, with_values, write_change
from yaml_folder import problems_of, write_files

TEMPLATES = [each for each in (files("pacsflow.projects") / "template").iterdir() if each.name.endswith(".yaml")]
PACS = next(each for each in TEMPLATES if each.name == "pacs.yaml").read_text("utf-8")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_the_files_of_a_project_begun_are_written_as_they_are(template):
    text = template.read_text("utf-8")
    assert with_values(text, {("name",): value_of(text, ("name",))} if value_of(text, ("name",)) else {}) == text


TITLE = "-called_aet: MAINPACS            # the PACS's application entity title, at most 16 characters"
ASSOCIATIONS = "-  associations: 2               # open at once, over all projects on this node"
TIMEOUTS = "timeouts: {{connect: 10, response: 120, idle: {}      # seconds"


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("port",), 11112, ["-port: 104", "+port: 11112"]),
        (("timeouts", "idle"), 300, ["-" + TIMEOUTS.format("600}"), "+" + TIMEOUTS.format("300}")]),
        (("called_aet",), None, [TITLE]),
        (("limits", "associations"), None, ["-limits:", ASSOCIATIONS]),
        (("tls", "ca"), "ca.pem", ["+tls:", "+  ca: ca.pem"]),
        (("tls", "ca"), None, []),
    ],
)
def test_only_what_is_meant_changes(path, value, lines):
    signs = {"added": "+", "taken": "-"}
    after = with_values(PACS, {path: value})
    assert [f"{signs[one.what]}{one.text}" for one in difference(PACS, after, context=0)] == lines
    assert value_of(after, path) == value


def test_a_list_in_one_line_stays_in_one_line():
    text = "options: [a, b]   # why\nkey: x\n"
    assert with_values(text, {("options",): ["b"]}).startswith("options: [b]")
    assert with_values("rows:\n  - {id: A}\n", {("rows", 1): {"id": "B"}}) == "rows:\n  - {id: A}\n  - id: B\n"


def test_what_is_not_yaml_is_refused():
    with pytest.raises(ProjectError, match="is not YAML"):
        with_values("a: [", {("b",): 1})


def test_a_change_is_tried_beside_the_project_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("PACSFLOW_TEST_KEY", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    folder = write_files(tmp_path / "lung-ct")
    with shadow(folder, {"pacs.yaml": "name: main\nhost: localhost\nport: 99999\ncalled_aet: A\n"}) as tried:
        assert tried.stat().st_mode & 0o077 == 0
        assert [(one.file, one.field) for one in problems_of(tried)] == [("pacs.yaml", "port")]
    assert problems_of(folder) == []
    assert [each.name for each in tmp_path.iterdir()] == ["lung-ct"]


def test_what_somebody_else_has_changed_is_not_written_over(tmp_path):
    file = tmp_path / "pacs.yaml"
    file.write_text("a: 1\n")
    file.chmod(0o640)
    write_change(file, "a: 1\n", "a: 2\n")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("a: 2\n", 0o640)
    with pytest.raises(ProjectError, match="changed by somebody else"):
        write_change(file, "a: 1\n", "a: 3\n")
    assert file.read_text() == "a: 2\n"
    assert [each.name for each in tmp_path.iterdir()] == ["pacs.yaml"]
