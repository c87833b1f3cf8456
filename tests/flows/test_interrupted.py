"""Killed at any moment and run again, a project comes to what an undisturbed run gives; then it asks for nothing."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from pacsflow.simpacs import Faults, SimPacs, phantom_archive
from peers.prefect import Prefect
from project_folder import write_project
from whole_run import delivered

STUDIES, IMAGES = 3, 80
"""More images than are settled at once, so that a study can be half in the ledger."""
STRIDE = 80
"""Images that come at most between a run's beginning and a kill that counts images."""
NIFTI = {"nifti": [{"modality": "*", "converter": "dcm2niix"}]}
SLOW = Faults.model_validate({"faults": [{"kind": "slow", "answer": 0.02, "image": 0.005}]})
"""The work takes longer than what surrounds it, so that kills strike the work."""


@pytest.fixture
def pacs():
    with SimPacs(phantom_archive(STUDIES, matrix=16, images=IMAGES), SLOW) as simulator:
        yield simulator


def project(folder: Path, pacs) -> Path:
    rows = [{"id": f"r{n}", "StudyInstanceUID": uid} for n, uid in enumerate(sorted(pacs.archive.studies))]
    return write_project(folder / "p", pacs={"port": pacs.port, "called_aet": pacs.aet}, rows=rows, export=NIFTI)


def asked(folder: Path, query: str) -> list[tuple]:
    """Answer of the ledger of a project to SQL, without a write; empty before there is a ledger."""
    ledger = folder.parent / "data" / "private" / "ledger.sqlite"
    try:
        with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.OperationalError:
        return []


def begun(folder: Path) -> int:
    """Number of the runs that began."""
    return len(asked(folder, "SELECT id FROM runs"))


def work_took(folder: Path) -> float:
    """Seconds that the first run took, its start and end by Prefect apart."""
    [(seconds,)] = asked(folder, "SELECT ended - started FROM runs")
    return seconds


def between_images(folder: Path) -> bool:
    """Whether a study stands half-done: some of its instances held and some not, or on disk and not settled."""
    half = "SELECT study_key FROM instances GROUP BY study_key HAVING COUNT(DISTINCT status) > 1"
    return bool(asked(folder, half)) or any((folder.parent / "data" / "staging").rglob("*.part"))


def over(folder: Path) -> bool:
    """Whether the last run came to its end."""
    return asked(folder, "SELECT ended FROM runs ORDER BY started DESC LIMIT 1")[-1:] not in ([], [(None,)])


@dataclass
class Kills:
    """Where kills struck: what each waited for in a begun run, and the number that struck between two images."""

    struck: list[str] = field(default_factory=list)
    between: int = 0

    def note(self, folder: Path, moment: str) -> None:
        self.struck.append(moment)
        self.between += between_images(folder)


@dataclass
class Disturber:
    """Runs a project and kills it, by turns at a random moment and when a random number of images has come."""

    prefect: Prefect
    pacs: SimPacs
    work: float
    dice: random.Random
    kills: Kills = field(default_factory=Kills)

    def run_killed(self, folder: Path) -> bool:
        """Run, and kill the process without warning after the run began; whether that was before its end."""
        before, moment, waited = begun(folder), *self._moment()
        process = self.prefect.start_pacsflow("run", str(folder))
        while begun(folder) == before and process.poll() is None:
            time.sleep(0.01)
        came = waited()
        while process.poll() is None and not came():
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate()
        if over(folder):
            assert process.returncode in (0, -signal.SIGKILL), output
            return False
        assert (process.returncode, begun(folder)) == (-signal.SIGKILL, before + 1), output
        self.kills.note(folder, moment)
        return True

    def _moment(self) -> tuple[str, Callable[[], Callable[[], bool]]]:
        """When to kill, in words, and what begins to wait for it."""
        if len(self.kills.struck) % 2:
            images = self.dice.randrange(1, STRIDE)
            return f"{images} images", lambda: partial(self._sent, self.pacs.counts["images sent"] + images)
        seconds = self.dice.uniform(0, self.work / 2)
        return f"{seconds:.2f} s", lambda: partial(_passed, time.monotonic() + seconds)

    def _sent(self, images: int) -> bool:
        return self.pacs.counts["images sent"] >= images


def _passed(moment: float) -> bool:
    return time.monotonic() >= moment


def check_after_kills(prefect, pacs, tmp_path: Path, number: int) -> None:
    """Kill begun runs so often, each project until it is done, then a further one; all give the same."""
    undisturbed = project(tmp_path / "undisturbed", pacs)
    prefect.pacsflow_here("run", str(undisturbed))
    expected, work = delivered(undisturbed), work_took(undisturbed)
    assert len([name for name in expected if name.endswith(".dcm")]) == STUDIES * IMAGES
    assert any(name.endswith(".nii.gz") for name in expected)

    seed = int(os.environ.get("PACSFLOW_SEED", "") or time.time())
    print(f"PACSFLOW_SEED={seed}, the work takes {work:.1f} s")  # noqa: T201, whoever repeats a failure needs it
    disturber, projects = Disturber(prefect, pacs, work, random.Random(seed)), 0
    kills = disturber.kills
    while len(kills.struck) < number:
        projects += 1
        disturbed = project(tmp_path / f"disturbed{projects}", pacs)
        while len(kills.struck) < number and disturber.run_killed(disturbed):
            assert delivered(disturbed).items() <= expected.items(), "what is there is whole and right"
        if not over(disturbed):
            prefect.pacsflow_here("run", str(disturbed))
        assert delivered(disturbed) == expected
        assert not list((disturbed.parent / "data").rglob("*.part")), "nothing half-written is left"
        shutil.rmtree(disturbed.parent)
    told = f"{number} kills in {projects} projects, {kills.between} between images: {', '.join(kills.struck)}"
    print(told)  # noqa: T201
    assert len(kills.struck) == number
    assert kills.between >= number // 4, told


@pytest.mark.timeout(1200)
def test_ten_kills_change_nothing_in_the_end(prefect, pacs, tmp_path):
    check_after_kills(prefect, pacs, tmp_path, 10)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_hundred_kills_change_nothing_in_the_end(prefect, pacs, tmp_path):
    check_after_kills(prefect, pacs, tmp_path, 100)


def test_a_second_run_asks_for_nothing_and_delivers_the_same(prefect, pacs, tmp_path):
    folder = project(tmp_path, pacs)
    prefect.pacsflow_here("run", str(folder))
    first, asked = delivered(folder), pacs.counts.copy()
    assert asked["gets"] + asked["moves"] > 0
    prefect.pacsflow_here("run", str(folder))
    since = pacs.counts - asked
    assert since["gets"] == since["moves"] == since["images sent"] == since["finds"] == 0
    assert delivered(folder) == first
