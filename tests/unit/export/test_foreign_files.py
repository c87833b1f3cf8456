"""Whatever stands where pacsflow writes, and is not its own, is still there afterwards."""

from dataclasses import replace
from pathlib import Path

import pytest

from commands import pacsflow
from factory import make_study, write_files
from pacsflow.export import Delivered, StudyFolder, open_target, read_series
from pacsflow.export.parcels import appearing
from pacsflow.scratch import scratch
from schemas.bids import Name
from schemas.export import Archive, BidsDataset, Dicomdir, Folder, Storage

MINE = b"somebody's only copy"


def targets(root: Path):
    path = str(root)
    yield Folder(kind="folder", path=path)
    yield Archive(kind="archive", path=path, format="zip", password="${env:ARCHIVE_WORD}")
    yield Archive(kind="archive", path=path, format="7z", password="${env:ARCHIVE_WORD}")
    yield BidsDataset(kind="bids", path=path, name="Set")
    yield Dicomdir(kind="dicomdir", path=path)
    yield Storage(kind="storage", url=root.as_uri())


KINDS = pytest.mark.parametrize("settings", range(6), ids=["folder", "zip", "7z", "bids", "dicomdir", "storage"])


@pytest.fixture
def study(tmp_path, monkeypatch) -> StudyFolder:
    monkeypatch.setenv("ARCHIVE_WORD", "Rund-um-die-Uhr-5")
    files = write_files(make_study(series=1, images=2), tmp_path / "staged")
    (tmp_path / "image.nii.gz").write_bytes(b"volume")
    named = {"image": Name(datatype="anat", entities={}, suffix="T1w")}
    return StudyFolder((replace(read_series(files, [tmp_path / "image.nii.gz"]), bids=named),))


def contents(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in root.rglob("*") if path.is_file()]


@pytest.fixture
def target(tmp_path, settings):
    return open_target(list(targets(tmp_path / "out"))[settings], tmp_path)


@KINDS
def test_a_foreign_file_of_a_name_that_is_written_is_kept(tmp_path, study, target):
    delivered = target.deliver(study)
    assert delivered.files
    for path, _, _ in delivered.files:
        (tmp_path / "out" / path).unlink()
        (tmp_path / "out" / path).write_bytes(MINE + path.encode())
    assert target.verify(target.deliver(study)) == []
    assert {MINE + path.encode() for path, _, _ in delivered.files} <= set(contents(tmp_path / "out"))


@KINDS
def test_a_foreign_file_beside_what_is_written_stays(tmp_path, study, target):
    delivered = target.deliver(study)
    folders = {(tmp_path / "out" / path).parent for path, _, _ in delivered.files}
    beside = [folder / name for folder in folders for name in (".mine.part", "notes.txt", ".a.b.1.part")]
    for path in beside:
        path.write_bytes(MINE)
    again = target.deliver(study)
    target.remove([path for path, _, _ in again.files])
    assert contents(tmp_path / "out").count(MINE) == len(beside)


@KINDS
def test_what_the_target_wrote_itself_is_replaced_and_leaves_nothing_behind(tmp_path, study, target):
    before = target.deliver(study)
    (tmp_path / "image.nii.gz").unlink()
    (tmp_path / "image.nii.gz").write_bytes(b"another volume")
    written = frozenset(digest for _, digest, _ in before.files)
    again = target.deliver(replace(study, written=written))
    assert target.verify(Delivered(again.files)) == []
    assert not list((tmp_path / "out").rglob("*.kept-*"))


def test_a_folder_that_appears_sets_a_foreign_one_aside(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "mine").write_bytes(MINE)
    with appearing(tmp_path / "place") as half:
        half.mkdir()
        (half / "ours").write_bytes(b"ours")
    assert [path.name for path in (tmp_path / "place").iterdir()] == ["ours"]
    assert MINE in contents(tmp_path)


def test_a_folder_with_a_lock_that_is_not_ours_is_not_a_temporary_place(tmp_path):
    for name, says in (("a", b""), ("b", MINE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").write_bytes(says)
        (tmp_path / name / "work").write_bytes(MINE)
    with scratch(tmp_path):
        pass
    assert contents(tmp_path).count(MINE) == 3


def test_commands_that_write_a_folder_leave_foreign_files(tmp_path):
    write_files(make_study(series=1, images=2), tmp_path / "in")
    (tmp_path / ".set.part").mkdir()
    (tmp_path / ".set.part" / "mine").write_bytes(MINE)
    (tmp_path / "set.names.csv").write_bytes(MINE)
    pacsflow("dicomdir", tmp_path / "in", tmp_path / "set")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / ".mine.part").write_bytes(MINE)
    pacsflow("extract", tmp_path / "in", tmp_path / "texts")
    assert contents(tmp_path).count(MINE) == 3
