"""verify, as it is called: what it says of a tree, and its exit code."""

import pytest
import typer
from typer.testing import CliRunner

from pacsflow.cli import deid, verify
from pacsflow.deid.encoding.part10 import file_head
from pacsflow.errors import LedgerError, ProjectError, WorkLeftError
from project_folder import write_project
from unit.deid.instances import NAME, ct, encoded


def invoke(command, *words):
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def trees(tmp_path):
    """A project, the originals, and what `deid` made of them."""
    folder = tmp_path / "in" / NAME
    folder.mkdir(parents=True)
    source = encoded(ct())
    head = file_head(source.sop_class_uid, source.sop_instance_uid, source.transfer_syntax_uid)
    (folder / "1").write_bytes(head + bytes(source.dataset))
    rows = [{"id": "A", "PatientID": "1"}]
    project = write_project(tmp_path / "study", pacs={"port": 104, "called_aet": "X"}, rows=rows)
    return project, tmp_path / "in", tmp_path / "out"


def test_a_cleaned_tree_passes_and_the_originals_do_not(trees):
    project, originals, cleaned = trees
    told = invoke(verify.verify, originals, "--vault", project)
    assert isinstance(told.exception, LedgerError), told.output
    assert invoke(deid.deid, originals, cleaned, "--profile", project).exit_code == 0
    told = invoke(verify.verify, cleaned, "--vault", project)
    assert told.exit_code == 0, told.output
    assert "1 file checked against 1 patient" in told.output
    told = invoke(verify.verify, originals, "--vault", project)
    assert isinstance(told.exception, WorkLeftError)
    assert told.exception.exit_code == 1
    assert "original id" in told.output
    assert "PID-774411" not in told.output


def test_a_project_that_de_identifies_nothing_is_not_a_gate(tmp_path, trees):
    project = write_project(
        tmp_path / "raw", pacs={"port": 104, "called_aet": "X"}, rows=[{"id": "A", "PatientID": "1"}]
    )
    (project / "deid.yaml").write_text("base: none")
    assert isinstance(invoke(verify.verify, trees[1], "--vault", project).exception, ProjectError)
