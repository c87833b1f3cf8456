"""Killed at any moment and run again, a project comes to what an undisturbed run gives; then it asks for nothing."""

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from pacsflow.simpacs import SimPacs, phantom_archive
from project_folder import write_project

STUDIES = 6
NIFTI = {"nifti": [{"modality": "*", "converter": "dcm2niix"}]}


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(STUDIES, matrix=32, images=12)) as simulator:
        yield simulator


def project(folder: Path, pacs) -> Path:
    rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(sorted(pacs.archive.studies))]
    return write_project(folder / "p", pacs={"port": pacs.port, "called_aet": pacs.aet}, rows=rows, export=NIFTI)


def delivered(folder: Path) -> dict[str, str]:
    """Path below the output folder -> hash of the content, of all that was delivered."""
    out = folder / "data" / "out"
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and ".pacsflow" not in path.parts
    }


def run_killed(prefect, folder: Path, seconds: float) -> None:
    """Run, and kill the process, without warning, so many seconds after its ledger appeared."""
    process = prefect.start_pacsflow("run", str(folder))
    ledger = folder.parent / "data" / "private" / "ledger.sqlite"
    while not ledger.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def check_after_kills(prefect, pacs, tmp_path: Path, kills: int) -> None:
    undisturbed = project(tmp_path / "undisturbed", pacs)
    began = time.monotonic()
    prefect.pacsflow("run", str(undisturbed))
    seconds = time.monotonic() - began
    expected = delivered(tmp_path / "undisturbed")
    assert len([name for name in expected if name.endswith(".dcm")]) == STUDIES * 12
    assert any(name.endswith(".nii.gz") for name in expected)

    seed = int(os.environ.get("PACSFLOW_SEED", "") or time.time())
    print(f"PACSFLOW_SEED={seed}")  # noqa: T201, whoever repeats a failure needs it
    dice = random.Random(seed)
    disturbed = project(tmp_path / "disturbed", pacs)
    for _ in range(kills):
        run_killed(prefect, disturbed, dice.uniform(0, seconds * 0.6))
        assert delivered(tmp_path / "disturbed").items() <= expected.items(), "what is there is whole and right"
    prefect.pacsflow("run", str(disturbed))
    assert delivered(tmp_path / "disturbed") == expected
    assert not list((tmp_path / "disturbed" / "data").rglob("*.part")), "nothing half-written is left"


def test_ten_kills_change_nothing_in_the_end(prefect, pacs, tmp_path):
    check_after_kills(prefect, pacs, tmp_path, 10)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_kills_change_nothing_in_the_end(prefect, pacs, tmp_path):
    check_after_kills(prefect, pacs, tmp_path, 100)


def test_a_second_run_asks_for_nothing_and_delivers_the_same(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    prefect.pacsflow("run", str(folder))
    first, asked = delivered(tmp_path), pacs.counts.copy()
    assert asked["gets"] + asked["moves"] > 0
    prefect.pacsflow("run", str(folder))
    since = pacs.counts - asked
    assert since["gets"] == since["moves"] == since["images sent"] == since["finds"] == 0
    assert delivered(tmp_path) == first
