"""Temporary files of libraries lie in a private place, and nothing of them outlasts the next run."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pacsflow.run.opening import open_session
from pacsflow.scratch import apart, scratch
from pacsflow.simpacs import phantom_archive
from whole_run import lying, project

DIES_IN_A_WORKBOOK = """
import os, signal, sys
from pathlib import Path
from pacsflow.report.sheets import Sheet, write_workbook
from pacsflow.scratch import scratch

class Last(list):
    def __iter__(self):
        os.kill(os.getpid(), signal.SIGKILL)

with scratch(Path(sys.argv[1])):
    rows = [*([f"QUISTGAARD^{n:06d}"] for n in range(20000)), Last(["end"])]
    write_workbook(Path(sys.argv[2]), [Sheet("rows", ["PatientName"], rows)])
"""


def killed_while_writing(tmp_path):
    """The private folder and TMPDIR of a process that was killed in the middle of a workbook."""
    private, temporary = tmp_path / "private", tmp_path / "tmp"
    temporary.mkdir()
    words = [sys.executable, "-c", DIES_IN_A_WORKBOOK, private, tmp_path / "report" / "plan.xlsx"]
    died = subprocess.run(words, check=False, env={**os.environ, "TMPDIR": str(temporary)})
    assert died.returncode == -signal.SIGKILL
    return private, temporary


def test_a_workbook_whose_writer_is_killed_leaves_what_it_names_in_the_private_place_only(tmp_path):
    private, temporary = killed_while_writing(tmp_path)
    named = [p for p in tmp_path.rglob("*") if p.is_file() and b"QUISTGAARD" in p.read_bytes()]
    assert named, "openpyxl had written some of it"
    assert all(path.is_relative_to(private) for path in named)
    assert list(temporary.iterdir()) == []
    for folder in (private, *(path.parent for path in named)):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_next_one_takes_it_away_and_leaves_what_the_living_have(tmp_path):
    private, _ = killed_while_writing(tmp_path)
    with scratch(private) as first, scratch(private) as second:
        assert first.is_dir(), "somebody lives there"
        assert {p for p in private.iterdir() if p.is_dir()} == {first, second}
        assert not [p for p in private.rglob("*") if p.is_file() and b"QUISTGAARD" in p.read_bytes()]
    assert not [p for p in private.iterdir() if p.is_dir()]


def test_a_place_that_goes_while_the_next_one_looks_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "glob", lambda folder, _: [folder / "went-just-now" / "lock"])
    with apart(tmp_path) as place:
        assert place.is_dir()


@pytest.mark.parametrize("first_out", [0, 1])
def test_temporary_files_go_where_they_went_before_whichever_ends_first(tmp_path, first_out):
    before = os.environ.get("TMPDIR"), tempfile.gettempdir()
    places = [scratch(tmp_path / name) for name in "ab"]
    paths = [place.__enter__() for place in places]
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(paths[1])
    places[first_out].__exit__(None, None, None)
    assert tempfile.gettempdir() == str(paths[1 - first_out])
    places[1 - first_out].__exit__(None, None, None)
    assert (os.environ.get("TMPDIR"), tempfile.gettempdir()) == before


def test_a_run_has_its_temporary_files_below_its_private_folder(tmp_path):
    with lying(archive=phantom_archive(1, matrix=16, images=1)) as (pacs, node):
        folder = project(tmp_path, pacs, node)
        with open_session(str(folder), action="plan") as run:
            private = run.project.workdir / "private"
            assert Path(tempfile.gettempdir()).is_relative_to(private)
            assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert [p.name for p in (private / "temporary").iterdir()] == ["lock"]
