"""Commands take the current folder where no project is named, and speak JSON to scripts."""

import json

import pytest
from typer.testing import CliRunner

from pacsflow.cli.app import app
from yaml_folder import FILES, write_files


@pytest.fixture
def call(monkeypatch, tmp_path):
    write_files(tmp_path / "lung-ct")
    monkeypatch.chdir(tmp_path / "lung-ct")
    return lambda *words: CliRunner().invoke(app, words)


def test_the_current_folder_is_the_project_where_none_is_named(call):
    assert "is right: 1 row" in call("validate").output


def test_problems_come_as_json_with_their_places(call, tmp_path):
    table = "MRN,Date\n1,yesterday\n2,tomorrow\n"
    write_files(tmp_path / "lung-ct", query="table: {file: c.csv}\n")
    (tmp_path / "lung-ct" / "c.csv").write_text(table)
    said = call("validate", "--json")
    assert said.exit_code == 2
    assert [(each["line"], each["cell"]) for each in json.loads(said.output)["problems"]] == [(2, "B2"), (3, "B3")]
    write_files(tmp_path / "lung-ct", query=FILES["query"])
    assert json.loads(call("validate", "--json").output)["problems"] == []


def test_like_mistakes_and_warnings_of_many_rows_are_one_line(call, tmp_path):
    write_files(tmp_path / "lung-ct", query="table: {file: c.csv}\n")
    (tmp_path / "lung-ct" / "c.csv").write_text("MRN,Date\n" + "1,yesterday\n" * 12)
    said = call("validate").output
    assert said.count("is not a date") == 1
    assert "12 rows of c.csv (B2, B3" in said
    (tmp_path / "lung-ct" / "c.csv").write_text("MRN,StudyTime,Date\n" + "1,1200,20150512\n" * 12)
    said = call("validate").output
    assert said.count("often differs by seconds") == 1
    assert "12 rows (1, 2, 3" in said
