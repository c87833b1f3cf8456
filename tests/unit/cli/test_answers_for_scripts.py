"""--json: one shape for all commands, also where they fail, without identifiers; -q, -v and --log-file."""

import json
import os
import re
import subprocess
import sys

import pytest

from commands import pacsflow
from documents import ROOT
from pacsflow.cli.app import COMMANDS
from pacsflow.cli.door import loaded
from project_folder import write_project
from whole_run import by_uid, lying, run_once

HEAD = {"version", "command", "project", "state", "exit", "counts"}
DOCUMENT = (ROOT / "docs" / "commands.md").read_text("utf-8")
PATIENT = "0004711"


@pytest.fixture
def folder(tmp_path):
    node = {"port": 1, "called_aet": "X"}
    return write_project(tmp_path / "p", pacs=node, rows=[{"id": "a", "PatientID": PATIENT}])


def process(*words, **environment):
    """`pacsflow WORDS` as a process of its own."""
    command = [sys.executable, "-c", "from pacsflow.cli import main; main()", *map(str, words)]
    told = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=told)


def checked(said, code=0):
    told = json.loads(said)
    assert told.keys() >= HEAD
    assert (told["version"], told["exit"]) == (1, code)
    return told


def test_every_command_with_an_answer_is_documented():
    named = {one.name for one in COMMANDS if "--json" in pacsflow(one.name, "--help")}
    assert {"validate", "plan", "status", "run", "probe", "verify", "audit", "trail", "sign-off", "receive"} == named
    assert named == set(re.findall(r"^\| `([\w-]+)(?: --state)?` \| `", DOCUMENT, re.MULTILINE))
    assert all(f"| `{field}` |" in DOCUMENT for field in HEAD)


def test_validate_and_status_answer_in_the_shape(folder):
    told = checked(pacsflow("validate", folder, "--json"))
    assert (told["state"], told["project"], told["counts"]["rows"]) == ("right", "p", 1)
    assert checked(pacsflow("status", folder, "--json"))["state"] == "not begun"
    (folder / "pacs.yaml").write_text("name: a\n")
    told = checked(pacsflow("validate", folder, "--json", expect=2), 2)
    assert told["state"] == "mistakes"
    assert told["counts"]["problems"] == len(told["problems"]) > 0


def test_status_of_a_project_that_is_done(tmp_path):
    with lying() as (pacs, node):
        folder = write_project(tmp_path / "p", pacs=node, rows=by_uid(pacs.archive, 1))
        run_once(folder, pacs)
        told = checked(pacsflow("status", folder, "--json"))
        assert told["state"] == "done"
        assert told["counts"]["rows"] == {"complete": 1}
        said = pacsflow("verify", tmp_path / "data" / "out", "--vault", folder, "--json", "--workers", 1)
        told = checked(said)
        assert (told["state"], told["findings"]) == ("clean", [])
        [study] = list(pacs.archive.studies.values())[:1]
        (tmp_path / "data" / "out" / "note.txt").write_text(study.attributes["PatientID"])
        said = pacsflow("verify", tmp_path / "data" / "out", "--vault", folder, "--json", "--workers", 1, expect=1)
        assert checked(said, 1)["counts"]["files with findings"] == 1
        assert study.attributes["PatientID"] not in said
        for place in ("a", "b"):  # both names are masked, and look alike
            (tmp_path / "data" / "out" / f"{study.attributes['PatientID']}{place}.txt").touch()
        said = pacsflow("verify", tmp_path / "data" / "out", "--vault", folder, "--json", "--workers", 1, expect=1)
        assert checked(said, 1)["counts"]["files with findings"] == 3


def test_a_command_that_cannot_do_its_work_answers_too(tmp_path):
    done = process("status", tmp_path / "nowhere", "--json")
    told = checked(done.stdout, 2)
    assert (told["command"], told["state"], told["error"]) == ("status", "error", "ProjectError")
    assert told["problems"][0]["fix"]
    assert done.returncode == 2
    assert "is not a folder" in done.stderr


def test_the_log_tells_begin_mistakes_and_end_and_no_value(folder, tmp_path):
    log = tmp_path / "runs.log"
    pacsflow("validate", folder, "--log-file", log)
    (folder / "query.yaml").write_text(
        json.dumps({"rows": [{"id": "a", "PatientID": f"{PATIENT}*"}, {"Modalty": PATIENT}]})
    )
    pacsflow("validate", folder, "--log-file", log, expect=2)
    pacsflow("status", folder, "--log-file", log, expect=2)
    pacsflow("status", tmp_path / f"sub-{PATIENT}", "--log-file", log, expect=2)
    text = log.read_text()
    assert PATIENT not in text
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d pacsflow ", line) for line in text.splitlines())
    assert "pacsflow validate begins, version" in text
    assert "pacsflow validate ends with exit code 0" in text
    assert "query.yaml:1" in text
    assert text.count("ends with exit code 2") == 3


def test_a_log_that_cannot_be_written_is_told(folder, tmp_path):
    said = pacsflow("validate", folder, "--log-file", tmp_path / "no" / "log", expect=2)
    assert "--log-file: cannot be written: No such file" in said


def test_quiet_says_errors_only(folder):
    assert pacsflow("validate", folder, "-q") == ""
    assert "is right" in pacsflow("validate", folder), "quiet for one call alone"
    assert checked(pacsflow("validate", folder, "-q", "--json"))["state"] == "right"


def test_every_command_has_the_options_and_keeps_its_own():
    for one in COMMANDS:
        command = loaded(one)
        for words in [(one.name, name) for name in getattr(command, "commands", [])] or [(one.name,)]:
            assert "--log-file" in pacsflow(*words, "--help"), words
    assert re.search(r"--query-file\W.*-q|-q.*--query-file", pacsflow("pseudonyms", "--help"))


def test_completion_is_installed_where_the_document_says(tmp_path):
    line = f"{sys.executable.rpartition('/')[0]}/pacsflow --install-completion; true"
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=True)
    assert "completion installed" in done.stdout, done.stderr
    assert "pacsflow" in (tmp_path / ".bashrc").read_text()
