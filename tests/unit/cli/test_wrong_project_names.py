"""Where the name of a project is wrong, the command lists the projects at hand."""

import pytest
from typer.testing import CliRunner

from pacsflow.cli.app import COMMANDS, app
from pacsflow.errors import ProjectError
from yaml_folder import write_files

AS_MANY = {"settle": ["r"], "select": [], "withdraw": ["r"]}
OF_A_PROJECT = ("validate", "probe", "plan", "settle", "select", "approve", "run", "status", "withdraw")


@pytest.fixture
def refused(monkeypatch, tmp_path):
    for name in ("lung-ct", "brain-mr"):
        write_files(tmp_path / "projects" / name)
    monkeypatch.chdir(tmp_path)

    def call(*words):
        error = CliRunner().invoke(app, words).exception
        assert isinstance(error, ProjectError), error
        return error

    return call


def test_all_of_them_are_commands():
    assert set(OF_A_PROJECT) <= {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", OF_A_PROJECT)
def test_a_mistyped_name_is_answered_with_those_at_hand_the_like_first(refused, command):
    error = refused(command, "projects/lung-tc", *AS_MANY.get(command, []))
    assert error.exit_code == 2
    assert "is not a folder" in str(error)
    assert "projects at hand: projects/lung-ct, projects/brain-mr" in str(error)


@pytest.mark.parametrize("name", ["lung-ct", "projects", "."])
def test_a_name_without_its_folder_and_a_folder_of_projects_list_them(refused, name):
    error = refused("plan", name)
    assert "projects/brain-mr" in str(error)
    assert "projects/lung-ct" in str(error)


def test_a_file_of_the_project_is_not_its_folder(refused):
    error = refused("status", "projects/lung-ct/query.yaml")
    assert "is not a folder" in str(error)
    assert "projects/lung-ct" in str(error)


def test_a_project_that_lacks_a_file_is_told_which(refused, tmp_path):
    (tmp_path / "projects" / "lung-ct" / "project.yaml").unlink()
    said = CliRunner().invoke(app, ["validate", "projects/lung-ct"])
    assert said.exit_code == 2
    assert "project.yaml" in said.output


def test_where_there_is_none_at_hand_the_error_says_how_to_begin_one(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["run", "lung"]).exception
    assert "pacsflow init NAME" in str(error)
    assert "at hand" not in str(error)
