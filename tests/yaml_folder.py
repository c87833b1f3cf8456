"""A project folder for tests of what is said about it: five files of YAML text, lines and all."""

from pathlib import Path

from pacsflow.errors import Problem, ProjectError
from pacsflow.projects import Project
from pacsflow.query import Row, load

FILES = {
    "project": "version: 1\nname: lung-ct\nworkdir: ../data\n",
    "pacs": "name: main\nhost: localhost\nport: 104\ncalled_aet: MAINPACS\n",
    "query": 'rows:\n  - {id: A-001, PatientID: "0045322", StudyDate: 2015-05-12}\n',
    "deid": "key: ${env:PACSFLOW_TEST_KEY}\n",
    "export": "targets: [{kind: folder, path: '${project.workdir}/out'}]\n",
}


def write_files(folder: Path, **texts: str) -> Path:
    """The folder with the five files; `pacs=`, `query=`… replace a file's text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (FILES | texts).items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def problems_of(folder: Path) -> list[Problem]:
    """What `load` finds wrong with a folder; empty for nothing."""
    try:
        load(folder)
    except ProjectError as error:
        return error.problems
    return []


def only_problem(folder: Path) -> Problem:
    """The one problem of a folder that must have exactly one."""
    (problem,) = problems_of(folder)
    return problem


def loaded(folder: Path) -> tuple[Project, tuple[Row, ...]]:
    """Project and rows of a folder that must be right."""
    return load(folder)
