"""What one more of a kind costs: a module of its own and a line in the table of its kind, and it works everywhere.

A dummy of each kind is added to a copy of the source tree; the copy is then used as a person uses the original, and
compared with it.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path

import pytest

from factory import make_study, write_files
from project_folder import write_project

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pacsflow", "schemas", "tasks", "flows")


@dataclass(frozen=True)
class Dummy:
    """A module and its text; the table it is listed in, a line of it, and what that line becomes.

    `schema`: lines that say what its settings are, put before `before` of the table's file.
    """

    module: str
    text: str
    table: str
    line: str
    becomes: str
    schema: str = ""
    before: str = ""


TARGET = '''"""A target that keeps nothing but the number of series."""

from pacsflow.export.contract import Delivered


class DummyTarget:
    def __init__(self, settings):
        self.path = settings.path

    def deliver(self, study):
        return Delivered(((f"{self.path}: {len(study.series)} series", "0" * 64, 0),))

    def verify(self, delivered):
        return ()

    def remove(self, paths):
        pass
'''
TARGET_SCHEMA = '''class Dummy(Destination):
    """A dummy."""

    MODULE: ClassVar[str] = "pacsflow.export.dummy:DummyTarget"

    kind: Literal["dummy"]
    path: str = Field(description="Folder", examples=["${project.workdir}/dummy"])

    def mistakes(self) -> Iterator[Mistake]:
        """A word that it does not like."""
        if "wrong" in self.path:
            yield Mistake(("path",), "is a wrong place", "write another")


'''
CONVERTER = '''"""A converter that makes an empty volume of each series."""

import json

import nibabel
import numpy as np


def convert(files, folder, geometry):
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, len(files)), "int16"), np.eye(4)), folder / "image.nii.gz")
    (folder / "image.json").write_text(json.dumps({}))
    return []
'''
PROTOCOL = '''"""A protocol whose node has one study."""

from pydicom import Dataset

from pacsflow.dicom.contract import Outcome


def open_lane(node):
    return DummyLane()


def greet(node):
    return 0.25


def one(connection):
    return 1


class DummyLane:
    def __init__(self, connection=None):
        pass

    def find(self, level, keys):
        answer = Dataset()
        for keyword in keys:
            setattr(answer, keyword, None)
        answer.StudyInstanceUID = "1.2.3"
        answer.SeriesInstanceUID = "1.2.3.4"
        return [answer]

    def fetch(self, request, sink):
        return Outcome(0)

    def close(self):
        pass


over = DummyLane
'''
SOURCE = '''"""Pseudonyms that are the Patient ID backwards, of patients whose id has digits only."""

from pacsflow.pseudonyms.contract import Assigned


def source(means):
    return lambda patient_id, _issuer, shift: Assigned(patient_id[::-1], shift) if patient_id.isdigit() else None
'''
READER = '''"""Tables whose cells are words."""

from pacsflow.query.raw import Cell, table_of


def read(file, name, _how):
    lines = file.read_text("utf-8").splitlines()
    return table_of(name, [(number, [Cell(word) for word in line.split()]) for number, line in enumerate(lines, 1)])
'''
COMMAND = '''"""dummy: a command."""

import typer


def dummy() -> None:
    """Say a word."""
    typer.echo("the dummy was called")
'''
DUMMIES = {
    "target": Dummy(
        "pacsflow/export/dummy.py",
        TARGET,
        "schemas/export.py",
        "    Folder | BidsDataset |",
        "    Dummy | Folder | BidsDataset |",
        TARGET_SCHEMA,
        "Target = Annotated[",
    ),
    "converter": Dummy(
        "pacsflow/convert/dummy.py",
        CONVERTER,
        "schemas/converters.py",
        '    "dcm2niix":',
        '    "dummy": ConverterSpec("pacsflow.convert.dummy"),\n    "dcm2niix":',
    ),
    "protocol": Dummy(
        "pacsflow/dicom/web/dummy.py",
        PROTOCOL,
        "schemas/protocols.py",
        '    "mint":',
        '    "dummy": ProtocolSpec("pacsflow.dicom.web.dummy", finds=True, methods=("dummy-get",)),\n    "mint":',
    ),
    "source": Dummy(
        "pacsflow/pseudonyms/dummy.py",
        SOURCE,
        "schemas/sources.py",
        '    "table":',
        '    "dummy": SourceSpec("pacsflow.pseudonyms.dummy"),\n    "table":',
    ),
    "table format": Dummy(
        "pacsflow/query/reading/dummy.py",
        READER,
        "pacsflow/query/tables.py",
        '    ".json":',
        '    ".dummy": TableFormat("pacsflow.query.reading.dummy:read"),\n    ".json":',
    ),
    "command": Dummy(
        "pacsflow/cli/dummy.py",
        COMMAND,
        "pacsflow/cli/app.py",
        '    CommandSpec("vault",',
        '    CommandSpec("dummy", "Keys", "pacsflow.cli.dummy:dummy"),\n    CommandSpec("vault",',
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the source tree with a dummy of each kind."""
    copy = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for dummy in DUMMIES.values():
        (copy / dummy.module).write_text(dummy.text)
        file = copy / dummy.table
        text = file.read_text("utf-8")
        assert text.count(dummy.line) == 1
        text = text.replace(dummy.line, dummy.becomes)
        file.write_text(text.replace(dummy.before, dummy.schema + dummy.before, 1) if dummy.schema else text)
    return copy


@pytest.fixture
def within(house, tmp_path):
    """Runs Python words, or a command of pacsflow, with the copy in place of the original; what it says."""

    def run(code, *words, expect=0):
        environment = {**os.environ, "PYTHONPATH": str(house), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *map(str, words)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def command(*words, expect=0):
        return run("from pacsflow.cli import main; main()", *words, expect=expect)

    run.command = command
    return run


def folder_of(tmp_path, **files):
    pacs = {"protocol": "dummy", "url": "https://pacs.example.org/dummy"}
    return write_project(tmp_path / "p", pacs=pacs, rows=[{"id": "r1", "StudyInstanceUID": "1.2.3"}], **files)


@pytest.mark.parametrize("kind", DUMMIES)
def test_one_more_of_a_kind_costs_one_file_and_one_line(house, kind):
    dummy = DUMMIES[kind]
    assert not (ROOT / dummy.module).exists()
    before, after = ((root / dummy.table).read_text("utf-8").splitlines() for root in (ROOT, house))
    added = [line[2:] for line in ndiff(before, after) if line.startswith("+ ")]
    beside = [line for line in added if line not in dummy.schema.splitlines()]
    assert len(beside) == 1, added
    assert sum(dummy.table == other.table for other in DUMMIES.values()) == 1


def test_nothing_but_the_dummies_differs(house):
    files = {path.relative_to(house) for path in house.rglob("*.py")}
    new = {str(path) for path in files if not (ROOT / path).exists()}
    changed = {str(path) for path in files if str(path) not in new and differs(house, path)}
    assert new == {dummy.module for dummy in DUMMIES.values()}
    assert changed == {dummy.table for dummy in DUMMIES.values()}


def differs(house, path):
    return (house / path).read_bytes() != (ROOT / path).read_bytes()


def test_the_house_that_is_used_is_the_copy(within, house):
    assert str(house) in within("import pacsflow, schemas; print(pacsflow.__file__, schemas.__file__)")


def test_a_project_says_each_dummy_and_is_valid(within, tmp_path):
    (tmp_path / "rows.dummy").write_text("id StudyInstanceUID\nr1 1.2.3\n")
    folder = folder_of(
        tmp_path,
        query={"rows": [], "table": {"file": str(tmp_path / "rows.dummy")}},
        deid={"patient": {"source": "dummy"}},
        export={
            "nifti": [{"modality": "*", "converter": "dummy"}],
            "targets": [{"kind": "dummy", "path": "${project.workdir}/d"}],
        },
    )
    said = within.command("validate", folder)
    assert "1 row" in said
    told = within(
        "import sys, pathlib; from pacsflow.query import load\n"
        "project, rows = load(pathlib.Path(sys.argv[1])); print(rows[0].keys, project.export.targets[0].path)",
        folder,
    )
    assert "1.2.3" in told
    assert str(tmp_path / "data" / "d") in told


@pytest.mark.parametrize(
    ("path", "message"), [("${project.workdir}/wrong", "is a wrong place"), ("${project.workdir}/out", "same place")]
)
def test_mistakes_and_places_of_a_target_are_told(within, tmp_path, path, message):
    others = [{"kind": "folder", "path": "${project.workdir}/out"}]
    folder = folder_of(tmp_path, export={"targets": [*others, {"kind": "dummy", "path": path}]})
    assert message in within.command("validate", folder, expect=2)


def test_a_study_goes_to_the_dummy_target(within, tmp_path):
    files = write_files(make_study(series=1), tmp_path / "study")
    told = within(
        "import sys, pathlib; from pacsflow.export import StudyFolder, open_target, read_series; from schemas import Export\n"
        "target = Export.model_validate({'targets': [{'kind': 'dummy', 'path': '/d'}]}).targets[0]\n"
        "series = read_series([pathlib.Path(word) for word in sys.argv[1:]], [])\n"
        "print(open_target(target, pathlib.Path('.')).deliver(StudyFolder((series,))))",
        *files,
    )
    assert "/d: 1 series" in told


def test_a_tree_goes_through_the_dummy_converter(within, tmp_path):
    write_files(make_study(series=1), tmp_path / "tree")
    said = within.command("convert", tmp_path / "tree", tmp_path / "out", "--converter", "dummy", "--geometry", "warn")
    assert "1 series" in said
    assert list((tmp_path / "out").rglob("*.nii.gz"))


def test_a_node_is_spoken_to_and_probed_by_the_dummy_protocol(within, tmp_path):
    folder = folder_of(tmp_path)
    told = json.loads(
        within(
            "import json, sys, pathlib\n"
            "from pacsflow.dicom.lanes import greet, open_lane; from pacsflow.dicom.probe import probe, strategy\n"
            "from pacsflow.projects import read_project\n"
            "node = read_project(pathlib.Path(sys.argv[1])).pacs; lane = open_lane(node)\n"
            "found = probe(node); plan = strategy(node, found.findings)\n"
            "print(json.dumps([greet(node), lane.find('STUDY', {})[0].StudyInstanceUID, plan.method,\n"
            "    {one.name: one.verdict for one in found.findings}]))",
            folder,
        )
    )
    seconds, uid, method, findings = told
    assert (seconds, uid, method) == (0.25, "1.2.3", "dummy-get")
    assert findings["connection"] == "ok"
    assert "DUMMY-GET" in findings


def test_patients_are_called_by_the_dummy_source(within):
    told = within(
        "from pacsflow.pseudonyms import PseudonymContext, missing_reason, pseudonyms_of; from schemas.deid import Patient\n"
        "means = PseudonymContext(Patient(source='dummy'), None)\n"
        "print(pseudonyms_of(means)('123', '', 7), repr(missing_reason(means)('123')), missing_reason(means)('x'))"
    )
    assert "pseudonym='321', shift_days=7" in told
    assert "'' pseudonym: none for this patient" in told


def test_the_dummy_command_is_in_the_help_and_does_its_work(within):
    assert "dummy" in within.command("--help")
    assert "the dummy was called" in within.command("dummy")
