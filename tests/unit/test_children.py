"""No process of ours runs what lies in the folder that somebody works in."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from factory import make_study, write_files

ROOT = Path(__file__).resolve().parents[2]
POISONED = (
    "nibabel",
    "numpy",
    "dicom2nifti",
    "pydicom",
    "json",
    "logging",
    "multiprocessing",
    "pickle",
    "deid",
    "pacsflow",
)
RAN = "import pathlib; pathlib.Path({!r}).write_text('ran')\nraise SystemExit(3)\n"
RECIPE = """
import sys
from pacsflow.deid.recipe.worker import Job, Workers
workers = Workers(Job([], [], [], {}, {}))
with workers._worker() as worker:
    print("started", worker.left)
workers.close()
"""


def poisoned(tmp_path):
    folder = tmp_path / "cwd"
    folder.mkdir()
    for name in POISONED:
        (folder / f"{name}.py").write_text(RAN.format(str(tmp_path / "ran")))
    return folder


@pytest.mark.parametrize("also", ["", f":{ROOT}:."], ids=["plain", "relative"])
@pytest.mark.parametrize("what", ["convert", "deid", "recipe"])
def test_a_poisoned_current_folder_is_not_imported_from(tmp_path, what, also):
    cwd = poisoned(tmp_path)
    write_files(make_study(series=1, images=70), tmp_path / "in")
    env = {
        **os.environ,
        "PACSFLOW_DEID_KEY": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "HOME": str(tmp_path),
    }
    words = {
        "convert": ["convert", str(tmp_path / "in"), "out", "--converter", "dicom2nifti", "--geometry", "warn"],
        "deid": ["deid", str(tmp_path / "in"), "out", "--workers", "2"],
    }.get(what)
    main = f"import os; os.environ['PYTHONPATH'] = {also!r}\n"
    main += (
        RECIPE if words is None else f"import sys; sys.argv[1:] = {words!r}\nfrom pacsflow.cli import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", main], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert not (tmp_path / "ran").exists(), "code of the current folder ran"
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "started" in done.stdout
        or list((cwd / "out").rglob("*.nii.gz"))
        or len(list((cwd / "out").rglob("*.dcm"))) == 70
    )


def test_children_are_started_in_one_place_only():
    started = {
        str(path.relative_to(ROOT))
        for room in ("pacsflow", "tasks", "flows", "schemas")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"Popen\(|\[sys\.executable", path.read_text("utf-8"))
    }
    assert started == {"pacsflow/children.py"}
