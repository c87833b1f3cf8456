"""The door answers fast: it does not load what only the work needs."""

import json
import os
import re
import subprocess
import sys
import tomllib

from documents import ROOT
from peers.ports import free_port
from project_folder import write_project

SLOW = {"deid", "fsspec", "nibabel", "openpyxl", "pandas", "paramiko", "prefect", "pynetdicom", "sqlalchemy"}


def test_help_and_commands_that_fail_early_load_no_library_of_the_work():
    told = "import json, sys, pacsflow.cli.app; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "typer" in loaded
    assert loaded & SLOW == set()


def test_a_server_of_prefect_that_is_not_there_is_no_fault_of_pacsflow(tmp_path):
    folder = write_project(tmp_path / "p", pacs={"port": 1, "called_aet": "X"}, rows=[{"id": "a", "PatientID": "1"}])
    environment = {**os.environ, "PREFECT_API_URL": f"http://127.0.0.1:{free_port()}/api"}
    words = [sys.executable, "-c", "from pacsflow.cli import main; main()", "plan", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 11, done.stderr
    assert "Prefect's server at PREFECT_API_URL does not answer" in done.stderr
    assert "mend: start it, or unset PREFECT_API_URL" in done.stderr


def test_a_place_that_cannot_be_written_to_is_no_fault_of_pacsflow(tmp_path):
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
