"""What will not fit is not begun: the run says how much is needed where, before it asks for the first image."""

import shutil
from contextlib import suppress
from typing import NamedTuple

import pytest

from pacsflow.errors import RoomError
from pacsflow.run import room
from pacsflow.run.local import run_locally
from pacsflow.run.opening import open_session
from pacsflow.run.reporting.plan import plan_file
from peers.disk import disk
from whole_run import lying, project


class Usage(NamedTuple):
    total: float
    used: float
    free: float


def fill(file):
    """Write a file until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as others:
        while others.write(bytes(1 << 12)):
            pass


def outcome(folder):
    with open_session(str(folder), action="run") as run:
        return run_locally(run)


def test_a_run_that_does_not_fit_ends_before_the_first_image_and_one_that_fits_goes_on(tmp_path, monkeypatch):
    free = [10e6]
    monkeypatch.setattr(room.shutil, "disk_usage", lambda place: Usage(1e12, 0, free[0]))
    targets = [
        {"kind": "folder", "path": "${project.workdir}/out"},
        {"kind": "dicomdir", "path": "${project.workdir}/sets"},
    ]
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, export={"targets": targets})
        with pytest.raises(RoomError, match="GB are needed for staging and folder 1 and dicomdir 2") as refused:
            outcome(folder)
        assert pacs.counts["gets"] == pacs.counts["moves"] == 0
        assert "room: ignore" in refused.value.fix
        assert "are free" in plan_file(tmp_path / "data").read_text()
        free[0] = 1e12
        assert outcome(folder).state == "done"
        free[0] = 1e6
        assert outcome(folder).state == "done", "nothing is left, nothing is needed"


def test_a_disk_that_is_really_too_small_is_told_before_the_first_image(tmp_path):
    with lying() as (pacs, node), disk(tmp_path / "data", 4096) as make_room:
        folder = project(tmp_path, pacs, node)
        with pytest.raises(RoomError, match=r"are needed for staging .*, 0\.0 GB are free"):
            outcome(folder)
        assert pacs.counts["gets"] == pacs.counts["moves"] == 0
        make_room(1 << 20)
        assert outcome(folder).state == "done"


def test_a_disk_that_is_full_of_others_files_is_told_too(tmp_path):
    with lying() as (pacs, node), disk(tmp_path / "out", 512) as make_room:
        targets = [{"kind": "folder", "path": str(tmp_path / "out")}]
        folder = project(tmp_path, pacs, node, export={"targets": targets})
        fill(tmp_path / "out" / "others")
        with pytest.raises(RoomError, match=r"are needed for folder 1 .*, 0\.0 GB are free"):
            outcome(folder)
        assert pacs.counts["gets"] == pacs.counts["moves"] == 0
        make_room(1 << 20)
        assert outcome(folder).state == "done"
        assert (tmp_path / "out" / "others").stat().st_size >= 256 << 10, "nothing of others is deleted"


def test_who_says_so_goes_on_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(room.shutil, "disk_usage", lambda place: Usage(1e12, 0, 0))
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node, number=1, project={"room": "ignore"})
        assert outcome(folder).state == "done"


def test_own_images_are_measured_and_what_is_held_is_not_counted_again(tmp_path):
    with lying() as (pacs, node):
        folder = project(tmp_path, pacs, node)
        with open_session(str(folder), action="run") as run:
            run_locally(run)
            [held] = room.rooms(run, run.remaining.plans())
            assert held.needed == 0
            assert held.fits
            assert held.free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2)
