"""init, validate and schema, as they are called."""

import io
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import typer
from rich.console import Console
from ruamel.yaml import YAML
from typer.testing import CliRunner

from memory_keyring import memory_keyring
from pacsflow.cli import init, schema, validate
from pacsflow.errors import ProjectError
from pacsflow.projects import read_project
from pacsflow.secrets import project_key
from yaml_folder import write_files

DOCS = Path(__file__).resolve().parents[3] / "docs" / "schemas"


@pytest.fixture
def call(new_user, monkeypatch):
    """Call a command in an empty folder, with a home of its own and a keyring that refuses."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    app = typer.Typer()
    for command in (init.init, schema.schema, validate.validate):
        app.command()(command)
    return lambda *words: CliRunner().invoke(app, words)


def test_a_project_begun_is_right_at_once_and_has_a_key_of_its_own(call, tmp_path):
    begun = call("init", "lung-ct")
    assert begun.exit_code == 0
    project = read_project(tmp_path / "lung-ct")
    key = tmp_path / "home" / ".config" / "pacsflow" / "keys" / "lung-ct.key"
    assert project.deid.key == "${file:~/.config/pacsflow/keys/lung-ct.key}"
    assert project.workdir == tmp_path / "home" / ".local" / "share" / "pacsflow" / "lung-ct"
    assert len(project_key(project.deid)) == 32
    assert key.read_text().strip() not in begun.output
    if os.name == "posix":
        assert key.stat().st_mode & 0o777 == 0o600
    assert call("validate", "lung-ct").exit_code == 0
    call("init", "brain-mr")
    assert project_key(read_project(tmp_path / "brain-mr").deid) != project_key(project.deid)


@pytest.mark.parametrize("name", ["123", "null", "0x1f", "2015-05-12"])
def test_a_name_that_yaml_takes_for_something_else_is_still_a_name(call, tmp_path, name):
    assert call("init", name).exit_code == 0
    assert read_project(tmp_path / name).settings.name == name


def test_the_key_goes_into_the_keyring_where_there_is_one(call, tmp_path):
    with memory_keyring() as held:
        assert call("init", "lung-ct").exit_code == 0
        project = read_project(tmp_path / "lung-ct")
        assert project.deid.key == "${keyring:pacsflow/lung-ct}"
        assert len(project_key(project.deid)) == 32
        assert list(held) == [("pacsflow", "lung-ct")]
    assert not (tmp_path / "home" / ".config").exists()


def test_a_locked_keyring_leaves_the_key_in_a_file(call, tmp_path):
    with memory_keyring(locked=True):
        assert call("init", "lung-ct").exit_code == 0
    assert read_project(tmp_path / "lung-ct").deid.key.startswith("${file:")


def test_nothing_is_overwritten(call, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("mine")
    (tmp_path / "b").write_text("mine")
    (tmp_path / "empty").mkdir()
    assert isinstance(call("init", "a").exception, ProjectError)
    assert isinstance(call("init", "b").exception, ProjectError)
    assert call("init", "empty").exit_code == 0


def test_a_key_is_never_replaced(call, tmp_path):
    call("init", "lung-ct")
    key = tmp_path / "home" / ".config" / "pacsflow" / "keys" / "lung-ct.key"
    before = key.read_text()
    (tmp_path / "lung-ct").rename(tmp_path / "old")
    again = call("init", "lung-ct")
    assert "has a key already" in str(again.exception)
    assert key.read_text() == before
    assert not (tmp_path / "lung-ct").exists()
    with memory_keyring() as held:
        held["pacsflow", "brain"] = "x"
        assert "has a key in the keyring already" in str(call("init", "brain").exception)
        assert held == {("pacsflow", "brain"): "x"}


@pytest.mark.parametrize("name", ["Lung CT", "..", "-a"])
def test_a_name_must_be_a_name(call, name):
    assert call("init", "--", name).exit_code != 0


def test_the_files_of_a_project_begun_satisfy_the_schemas_they_name(call, tmp_path):
    call("init", "lung-ct")
    for file in sorted((tmp_path / "lung-ct").glob("*.yaml")):
        text = file.read_text("utf-8")
        named = re.match(r"# yaml-language-server: \$schema=(.+)\n", text)
        jsonschema.validate(YAML(typ="safe").load(text), json.loads((file.parent / named[1]).read_text("utf-8")))


def test_every_line_that_is_commented_out_is_right_too(call, tmp_path):
    call("init", "lung-ct")
    folder = tmp_path / "lung-ct"
    (folder / "cohort.xlsx").write_bytes(b"")
    for file in folder.glob("*.yaml"):
        text = file.read_text("utf-8")
        (folder / file).write_text(
            re.sub(r"^( *)# ((?: *- |  +\w+:|\w+:)[^\n]*)$", r"\1\2", text, flags=re.MULTILINE), "utf-8"
        )
    output = call("validate", "lung-ct").output
    assert "no Excel workbook" in output
    assert "1 to fix" in output


def test_validate_says_what_a_project_will_do(call, tmp_path):
    targets = "[{kind: storage, url: 'sftp://files/lung'}, {kind: dicom, host: R, port: 11112, called_aet: RESEARCH}]"
    query = "rows: [{PatientID: '7'}, {AccessionNumber: E1, StudyID: '1'}]\n"
    write_files(tmp_path / "a", query=query, export=f"targets: {targets}\n")
    said = call("validate", "a")
    assert said.exit_code == 0
    for words in ("2 rows", "MAINPACS at localhost:104", "PS3.15", "PACSFLOW_TEST_KEY} is not set", "StudyID"):
        assert words in said.output
    assert "storage sftp://files/lung" in said.output
    assert "dicom RESEARCH at R:11112" in said.output


def test_validate_says_loudly_that_nothing_is_removed(call, tmp_path):
    write_files(tmp_path / "a", deid="base: none\n")
    assert "identifiable" in call("validate", "a").output.casefold()


def test_validate_names_every_problem_with_file_and_line_and_exits_2(call, tmp_path):
    write_files(
        tmp_path / "a",
        pacs="name: a\nhost: b\nport: 104\ncalld_aet: X\n",
        query="rows:\n  - {PatientID: '*'}\n  - {patientID: '1'}\n",
        deid="key: ${env:X}\nelements:\n  - {tag: StationNam, action: remove}\n",
    )
    said = call("validate", "a")
    assert said.exit_code == 2
    for where in (
        "pacs.yaml:4: calld_aet",
        "query.yaml:2: PatientID",
        "query.yaml:3: rows[1].patientID",
        "deid.yaml:3",
    ):
        assert where in said.output
    assert "4 to fix" in said.output


def test_what_profile_and_project_both_refuse_is_reported_once(call, tmp_path):
    write_files(tmp_path / "a", deid="key: ${env:X}\nrecipe: site.deid\n")
    said = call("validate", "a").output
    assert said.count("recipe:") == 1
    assert "1 to fix" in said


def test_validate_draws_a_table_in_a_terminal(call, tmp_path, monkeypatch):
    write_files(tmp_path / "a", pacs="name: a\nhost: b\nport: 104\ncalld_aet: X\n")
    screen = io.StringIO()
    monkeypatch.setattr(validate, "console", Console(file=screen, force_terminal=True, width=100, color_system=None))
    assert call("validate", "a").exit_code == 2
    assert re.search(r"pacs.yaml:4.*calld_aet.*unknown key.*write `called_aet`", screen.getvalue())


def test_of_many_problems_the_first_200_are_printed(call, tmp_path):
    rows = "".join(f"  - {{PatientID: '*', id: a{number}}}\n" for number in range(250))
    write_files(tmp_path / "a", query=f"rows:\n{rows}")
    said = call("validate", "a").output
    assert said.count("asks for everything") == 200
    assert "and 50 more" in said


def test_schemas_are_written_and_the_documented_ones_are_these(call, tmp_path):
    assert call("schema", "--out", "s").exit_code == 0
    written = {file.name: file.read_text("utf-8") for file in (tmp_path / "s").iterdir()}
    documented = {file.name: file.read_text("utf-8") for file in DOCS.iterdir()}
    assert written == documented, "run: pacsflow schema --out docs/schemas"
    assert json.loads(call("schema").output).keys() == written.keys() - {"reference.md"}


def test_a_schema_takes_a_shared_node_and_refuses_a_misspelt_key(call, tmp_path):
    node = json.loads((DOCS / "pacs.schema.json").read_text("utf-8"))
    jsonschema.validate({"use": "../nodes/main.yaml"}, node)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "host": "b", "port": 1, "calld_aet": "C"}, node)
