"""Datasets, tables, masks, pictures: killed or failing at any step on the disk, and done again."""

import errno
import hashlib
import os
import shutil
import signal
from dataclasses import dataclass, replace
from typing import Any

import pytest

from factory import make_instance, write_files
from pacsflow.convert.masks import convert_masks
from pacsflow.convert.pictures import convert_pictures
from pacsflow.export import StudyFolder, open_target
from pacsflow.report.frames import write_frame
from pacsflow.staging import PRIVATE
from pacsflow.system import try_lock
from schemas.bids import Name
from schemas.export import BidsDataset
from unit.convert.test_masks import box, ct, structure_set
from unit.export.test_training import series, study, target

STEPS = ("link", "replace", "fsync")
"""Calls of the system by which a file comes to be, and to be whole."""


@dataclass
class Work:
    """What is done in a folder, `do(folder)`, after `before(folder)`."""

    do: Any
    before: Any = lambda _: None


def of_dataset(layout):
    def made(tmp_path):
        first, second = study(tmp_path, "A"), study(tmp_path, "B")
        return Work(
            lambda folder: target(folder, layout)[0].deliver(first),
            lambda folder: target(folder, layout)[0].deliver(second),
        )

    return made


def of_bids(tmp_path):
    name = {"image": Name(datatype="anat", suffix="T1w")}
    first, second = (StudyFolder((replace(series(tmp_path / one, one, 1), bids=name),)) for one in "AB")

    def deliver(what):
        return lambda folder: open_target(BidsDataset(kind="bids", path=str(folder), name="Set"), folder).deliver(what)

    return Work(deliver(first), deliver(second))


def of_table(_):
    def write(values):
        lines = [{"a": value, "b": "x" * 2000} for value in values]
        return lambda folder: write_frame(
            folder, ("series.csv", "series.parquet"), ("a", "b"), lines, numeric={"a"}, mode=PRIVATE
        )

    return Work(write([1, 2, 3]), write([1]))


def of_masks(tmp_path):
    slices, _, image = ct(tmp_path)
    files = structure_set(tmp_path, {"Liver": [box(one, 3, 5, 13, 25) for one in slices]})
    return Work(lambda folder: convert_masks(files, folder / "nifti", image))


def of_pictures(tmp_path):
    radiograph = make_instance(Modality="CR", WindowCenter="1", WindowWidth="9")
    files = write_files([radiograph], tmp_path / "cr")
    return Work(lambda folder: convert_pictures(files, folder / "nifti"))


WORKS = {"nnunet": of_dataset("nnunet"), "monai": of_dataset("monai"), "bids": of_bids, "header_table": of_table, "masks": of_masks,
         "images": of_pictures}  # fmt: skip


@pytest.fixture(params=WORKS)
def work(request, tmp_path):
    (tmp_path / "source").mkdir()
    return WORKS[request.param](tmp_path / "source")


def held(folder):
    """Path -> SHA-256 of what has its own name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path: path.relative_to(folder) for path in files}
    return {str(name): hashlib.sha256(path.read_bytes()).hexdigest()
            for path, name in names.items() if not any(part.startswith(".") for part in name.parts)}  # fmt: skip


def halves(folder):
    return [path for path in folder.rglob("*") if path.name.endswith((".part", ".converting"))]


def counted(number, end):
    """Have the call of that number, among `STEPS`, end as `end` does."""
    left = iter(range(number))

    def counting(do):
        def step(*words, **named):
            if next(left, None) is None:
                end()
            return do(*words, **named)

        return step

    return [(name, counting(getattr(os, name))) for name in STEPS]


def killed(do, folder, number):
    """Do the work in a process that is killed at such a step; whether it came so far."""
    child = os.fork()
    if child == 0:
        for name, step in counted(number, lambda: os.kill(os.getpid(), signal.SIGKILL)):
            setattr(os, name, step)
        try:
            do(folder)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def prepared(work, folder):
    folder.mkdir()
    work.before(folder)
    return held(folder)


def test_killed_at_any_step_all_that_has_its_name_is_whole_and_the_next_time_ends_it(work, tmp_path):
    before = prepared(work, tmp_path / "whole")
    work.do(tmp_path / "whole")
    after, number = held(tmp_path / "whole"), 0
    while killed(work.do, folder := folder_of(tmp_path, work), number):
        for name, digest in held(folder).items():
            assert digest in (before.get(name), after.get(name)), (number, name)
        work.do(folder)
        assert held(folder) == after, number
        assert not halves(folder), number
        shutil.rmtree(folder)
        number += 1
    assert number > len(before)


def folder_of(tmp_path, work):
    shutil.rmtree(tmp_path / "tried", ignore_errors=True)
    prepared(work, tmp_path / "tried")
    return tmp_path / "tried"


def test_failing_at_any_step_it_says_so_and_the_next_time_ends_it(work, tmp_path, monkeypatch):
    prepared(work, tmp_path / "whole")
    work.do(tmp_path / "whole")
    after = held(tmp_path / "whole")

    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in range(1000):
        folder = folder_of(tmp_path, work)
        with monkeypatch.context() as patched:
            for name, step in counted(number, full):
                patched.setattr(os, name, step)
            try:
                work.do(folder)
                break
            except Exception as error:  # noqa: BLE001 whatever it is, it is the disk's own word
                assert "No space left" in str(error)  # noqa: PT017
        work.do(folder)
        assert held(folder) == after, number
        assert not halves(folder), number
    assert number > 1


def test_while_a_study_is_copied_no_other_delivery_sweeps_the_folder(tmp_path, monkeypatch):
    place, root = target(tmp_path, "nnunet")
    first = study(tmp_path / "source", "A")
    copied, taken = shutil.copyfileobj, []

    def copying(*words):
        with (root / ".pacsflow" / "training.lock").open("r+b") as lock:
            taken.append(not try_lock(lock))
        copied(*words)

    def refuse(*_, **__):
        raise OSError(errno.EXDEV, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfileobj", copying)
    delivered = place.deliver(first)
    assert place.verify(delivered) == []
    assert taken == [True] * 4, "two channels, a label and dataset.json"
