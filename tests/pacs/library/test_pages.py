"""Every cell of docs/python.md and docs/from-dicomtrolley.md runs, in order, by DIMSE and by DICOMweb."""

import ast
import contextlib
import io
import warnings

import pytest

import pacsflow
from documents import ROOT, blocks
from project_folder import write_project


@pytest.fixture
def names(node, archive, tmp_path, monkeypatch):
    """Names that the cells take from outside, and the folder that they run in."""
    monkeypatch.chdir(tmp_path)
    uid, study = next(iter(archive.studies.items()))
    told = study.attributes
    rows = [{"id": f"r{n}", "StudyInstanceUID": one} for n, one in enumerate(archive.studies)]
    write_project(tmp_path / "projects" / "lung-ct", pacs=node, rows=rows)
    return {
        "NODE": node,
        "PATIENT": told["PatientID"],
        "ACCESSION": told["AccessionNumber"],
        "NAME": f"{told['PatientName'][:3]}*",
        "SEX": told["PatientSex"],
        "STUDY": uid,
    }


def run(cell, names):
    """What a cell prints, as a notebook would run it: the value of its last line is given too."""
    *lines, last = ast.parse(cell).body
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(lines, []), "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), names)
            value = None
    return printed.getvalue(), value


@pytest.mark.parametrize("page", ["python.md", "from-dicomtrolley.md"])
def test_every_cell_runs_and_prints_what_the_page_shows(page, names):
    cells = blocks(ROOT / "docs" / page, "python", "text")
    assert len([cell for cell in cells if cell.language == "python"]) >= 8
    values, printed = [], ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cell in cells:
            if cell.language == "text":
                assert printed == cell.text
            else:
                printed, value = run(cell.text, names)
                values.append(value)
    if page == "python.md":
        assert names["outcome"].done
        assert names["result"].complete
        assert len(names["some"]) == 2
        assert str(names["raw"].PatientID) == names["PATIENT"]
    assert names["pacsflow"] is pacsflow
