"""The door answers fast: it does not load what only the work needs."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pydicom
import pytest

from documents import ROOT
from pacsflow import attributes
from pacsflow.cli.app import COMMANDS
from pacsflow.cli.door import help_of, loaded
from peers.ports import free_port
from project_folder import write_project

SLOW = {"deid", "fsspec", "gdcm", "httpx", "nibabel", "numpy", "openpyxl", "pandas", "paramiko", "prefect", "pydicom",
        "pynetdicom", "requests"}  # fmt: skip
"""Libraries of the work, each of which takes longer to load than the answer takes."""
LEDGER, CHECKING = {"sqlalchemy"}, {"pydantic"}


def loaded_by(*words):
    """What a command ends with, and the modules that are loaded then."""
    told = (
        "import atexit, json, sys; sys.argv[0] = 'pacsflow'\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted(sys.modules))))\n"
        "from pacsflow.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", told, *map(str, words)], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_help_loads_no_library_of_the_work_nor_the_schemas():
    loaded = loaded_by("--help")
    assert "typer" in loaded
    assert loaded & (SLOW | LEDGER | CHECKING) == set()


@pytest.mark.parametrize(("command", "needs"), [("validate", CHECKING), ("status", CHECKING | LEDGER)])
def test_a_question_about_a_project_loads_no_library_of_the_work(command, needs, tmp_path):
    (tmp_path / "rows.csv").write_text("case,PatientID\na,0001\nb,0002\n")
    folder = write_project(
        tmp_path / "p",
        pacs={"port": 1, "called_aet": "X"},
        rows=[{"id": "c", "PatientID": "1", "StudyDescription": "MR*"}],
        deid={
            "options": ["clean-descriptors"],
            "elements": [{"tag": "ImageComments", "action": "replace", "value": "x"}],
        },
        query={"table": {"file": str(tmp_path / "rows.csv"), "id_column": "case"}},
    )
    loaded = loaded_by(command, folder)
    assert loaded & (SLOW | LEDGER | CHECKING) == needs


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_the_help_says_of_each_command_what_the_command_says_of_itself(spec):
    assert help_of(spec.place)
    assert help_of(spec.place) == loaded(spec).help


def test_attributes_codes_and_uids_are_those_of_pydicom():
    assert attributes.DICOM is pydicom.datadict.DicomDictionary
    assert pydicom.datadict.keyword_dict == attributes.KEYWORDS
    repeating = [int(mask.lower().replace("x", "0"), 16) for mask in attributes.REPEATERS]
    for tag in (*attributes.DICOM, *repeating):
        assert attributes.vr_of_tag(tag) == pydicom.datadict.dictionary_VR(tag)
    for uid in attributes.registered_uids():
        assert attributes.name_of_uid(uid) == pydicom.uid.UID(uid).name
    assert attributes.name_of_uid("1.2.3") == ""


def test_a_server_of_prefect_that_is_not_there_is_no_fault_of_pacsflow(tmp_path):
    folder = write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=[{"id": "a", "PatientID": "1"}])
    environment = {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    words = [sys.executable, "-c", "from pacsflow.cli import main; main()", "plan", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 11, done.stderr
    assert "Prefect's server at PREFECT_API_URL does not answer" in done.stderr
    assert "fix: start it, or unset PREFECT_API_URL" in done.stderr


def test_a_place_that_cannot_be_written_to_is_not_a_fault_of_pacsflow(tmp_path):
    (tmp_path / "sub-4711").write_text("a file stands where the folder belongs")
    words = [sys.executable, "-c", "from pacsflow.cli import main; main()", "schema", "--out", tmp_path / "sub-4711/x"]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 5, done.stderr
    assert "this computer refuses: Not a directory" in done.stderr
    assert "4711" not in done.stderr
    [details] = (tmp_path / "state/pacsflow/faults").iterdir()
    assert "sub-4711" in details.read_text()


def test_every_command_knows_the_secrets_that_prefect_keeps(tmp_path):
    key = {"key": "${prefect:demo-key}"}
    pacs = {"port": 1, "called_aet": "X"}
    folder = write_project(tmp_path / "p", pacs=pacs, rows=[{"id": "a", "PatientID": "1"}], deid=key)
    environment = {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    words = [sys.executable, "-c", "from pacsflow.cli import main; main()", "validate", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
    assert "not usable here: ${prefect:demo-key}: no such Secret block" in done.stdout


def test_what_is_installed_without_a_checkout_has_the_demo_too():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"projects/demo": "pacsflow/demo"}, "where `pacsflow demo` looks for it"
    copied = re.findall(r"^COPY (\S+) \1$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert {*wheel["packages"], *wheel["force-include"]} == set(copied)
