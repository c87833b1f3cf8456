"""A test that fails once is named and does not end the suite; one that fails twice, and many that fail, do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "tools" / "suite.py"
UNSTABLE = """
import pathlib
def test_{0}():
    seen = pathlib.Path(__file__).with_suffix(".seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""
BROKEN = "def test_{0}(): assert False"
FINE = "def test_{0}(): pass"
NONE_FOUND = 5


def suite(folder, *tests):
    (folder / "tools").mkdir()
    shutil.copy(SCRIPT, folder / "tools")
    for number, text in enumerate(tests):
        (folder / f"test_{number}.py").write_text(text.format(number))
    command = [sys.executable, "tools/suite.py", "-q", "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("tests", "code", "again"),
    [
        ([FINE], 0, False),
        ([FINE, UNSTABLE, UNSTABLE, UNSTABLE], 0, True),
        ([FINE, UNSTABLE, BROKEN], 1, True),
        ([FINE, *[UNSTABLE] * 4], 1, False),
        ([], NONE_FOUND, False),
        (["import what_is_not_there"], 2, False),
    ],
)
def test_what_failed_once_is_run_again_alone(tmp_path, tests, code, again):
    ended, told = suite(tmp_path, *tests)
    assert ended == code
    assert ("Run again, alone" in told) == again
    assert ("UNSTABLE" in told) == (again and code == 0)
    for number, text in enumerate(tests):
        if again and code == 0:
            assert (f"  test_{number}.py::test_{number}" in told) == (text is UNSTABLE)
