"""Lines written for PACSMAN's commands work as they stand, and commands on files at hand speak of no PACS."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from commands import pacsflow
from factory import make_study, write_files


@pytest.fixture
def tree(tmp_path):
    write_files(make_study(series=1, images=3), tmp_path / "in/sub-EX0001/ses-20200102101112/00001-x")
    (tmp_path / "in/sub-EX0001/ses-20200102101112/dump.csv").write_text("a\n")
    (tmp_path / "ids.json").write_text(json.dumps({"EX0001": "P0001"}))
    (tmp_path / "query.csv").write_text("PatientID\nEX0001\n")
    (tmp_path / "map.csv").write_text("EX0001,P0001\n")
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "dicomdir --in_folder in --out_folder cd",
        "dicomdir -d in -o cd",
        "move-info --data_folder in --info_folder info",
        "karnak-tag --in_folder in --new_ids ids.json --album_name lung",
        "karnak-tag -d in -n ids.json -a lung",
        "pseudonyms --queryfile query.csv --mode custom --mappingfile map.csv --project_name lung --out_directory out",
        "pseudonyms -q query.csv -m custom -mf map.csv -a lung -d out",
    ],
)
def test_old_options_are_taken(line, tree, monkeypatch):
    monkeypatch.chdir(tree)
    pacsflow(*line.split())


@pytest.mark.parametrize("line", ["dicomdir in cd --in_folder in", "dicomdir in", "move-info", "karnak-tag -n ids.json -a l",
                                  "pseudonyms -q query.csv -a x -m de-id -mf map.csv"])  # fmt: skip
def test_what_is_missing_or_given_twice_is_told(line, tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert "->" in pacsflow(*line.split(), expect=2)


def test_an_empty_folder_takes_a_file_set_and_a_full_one_does_not(tree, monkeypatch):
    monkeypatch.chdir(tree)
    Path("cd").mkdir()
    pacsflow("dicomdir", "in", "cd")
    assert Path("cd/DICOMDIR").is_file()
    assert not [
        path for path in Path().iterdir() if path.name.startswith("cd") and path.name not in ("cd", "cd.names.csv")
    ]
    assert "is there already" in pacsflow("dicomdir", "in", "cd", expect=2)


@pytest.mark.parametrize(("line", "asked"), [("dicomdir in in", False), ("validate in", True)])
def test_commands_on_files_at_hand_speak_of_no_pacs(line, asked, tree):
    program = Path(sys.executable).with_name("pacsflow")
    done = subprocess.run([program, *line.split()], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert ("nothing was asked of the PACS" in done.stdout + done.stderr) is asked
