"""Deliveries to storages that run on loopback."""

import gc
import hashlib
import math
import os
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.export.stores import opened_store
from peers.certificates import Authority
from peers.storages import KINDS, PASSWORD, Storage, look_at_log_ins, make_bucket
from schemas.export import Storage as Settings

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*utcnow.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module", params=list(KINDS))
def storage(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    authority, stranger = Authority(folder / "ca"), Authority(folder / "stranger")
    kind: Storage = KINDS[request.param](folder / "server", authority, stranger)
    with patch.dict(os.environ, STORAGE_WORD=PASSWORD, STORAGE_WRONG="wrong"), kind.server:
        if request.param == "s3":
            make_bucket(kind)
        yield kind


@pytest.fixture
def study(tmp_path) -> StudyFolder:
    files = write_files(make_study(series=1, images=3, SeriesDescription="T1"), tmp_path / "staged")
    converted = tmp_path / "image.nii.gz"
    converted.write_bytes(b"volume")
    return StudyFolder((read_series(files, [converted]),), ("A-001",))


def target(storage: Storage, folder: str, **settings):
    options = settings.pop("options", storage.options)
    return open_target(Settings(kind="storage", url=f"{storage.url}/{folder}", options=options, **settings), Path())


def stored(storage: Storage, folder: str) -> dict[str, str]:
    """Path -> SHA-256 of all that a storage has below a folder, pacsflow's own books left out."""
    with opened_store(f"{storage.url}/{folder}", storage.options) as (store, root):
        store.invalidate_cache()
        found = {}
        for path in store.find(root):
            name = path.removeprefix(root).lstrip("/")
            if not name.startswith(".pacsflow"):
                found[name] = hashlib.sha256(store.cat_file(path)).hexdigest()
        return found


def test_all_files_arrive_under_their_names(storage, study):
    delivered = target(storage, "arrive").deliver(study)
    assert stored(storage, "arrive") == {path: digest for path, digest, _ in delivered.files}
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for _, path in study.series[0].dicom}
    assert sent < {digest for _, digest, _ in delivered.files}
    assert sum(path.endswith("T1.nii.gz") for path, _, _ in delivered.files) == 1


def test_again_is_the_same_and_what_is_gone_or_changed_is_noticed_and_replaced(storage, study):
    place = target(storage, "again")
    delivered = place.deliver(study)
    assert place.verify(delivered) == []
    gone, changed = delivered.files[0][0], delivered.files[1][0]
    with opened_store(f"{storage.url}/again", storage.options) as (store, root):
        store.rm_file(f"{root}/{gone}")
        store.pipe_file(f"{root}/{changed}", b"something else")
    assert set(place.verify(delivered)) == {gone, changed}
    assert place.deliver(study) == delivered
    assert place.verify(delivered) == []


def test_what_is_not_part_of_a_delivery_any_more_goes(storage, study):
    place = target(storage, "less")
    delivered = place.deliver(study)
    first, *others = [path for path, _, _ in delivered.files]
    place.remove([first, "sub-X/never-there.dcm"])
    assert set(stored(storage, "less")) == set(others)


def test_that_all_was_taken_away_is_known_from_an_address_where_nothing_ever_was(storage, study):
    place = target(storage, "emptied")
    paths = [path for path, _, _ in place.deliver(study).files]
    assert place.present(paths) == paths
    place.remove(paths)
    assert place.present(paths) == []
    with pytest.raises(TargetError, match="another one than was delivered to"):
        target(storage, "never").present(paths)


def test_two_series_of_one_name_have_folders_of_their_own(storage, tmp_path):
    one, two = (
        StudyFolder((read_series(write_files(make_study(series=1, images=1, AccessionNumber=name), tmp_path / name)),))
        for name in ("one", "two")
    )
    place = target(storage, "names", layout="all-{series_number}")
    first, second = place.deliver(one), place.deliver(two)
    assert {path.split("/")[0] for path, _, _ in first.files} == {"all-1"}
    assert {path.split("/")[0] for path, _, _ in second.files} != {"all-1"}
    assert place.deliver(one) == first


def test_a_server_that_is_not_trusted_gets_nothing(storage, study):
    with pytest.raises(TargetError) as caught:
        target(storage, "distrusted", options=storage.distrusted).deliver(study)
    assert stored(storage, "distrusted") == {}
    assert str(caught.value).startswith("storage: ")


@pytest.fixture
def refused(storage):
    """Options whose log-in is refused; moto, which takes every one, is told to look at them."""
    if storage.refused:
        yield storage.refused
        return
    look_at_log_ins(storage, from_request=0)
    yield storage.options
    look_at_log_ins(storage, from_request=math.inf)


def test_a_refused_log_in_is_an_error_without_its_words(storage, refused, study):
    with pytest.raises(TargetError) as caught:
        target(storage, "refused", options=refused).deliver(study)
    assert "wrong" not in str(caught.value)
    assert not caught.value.transient


def broken(storage, study):
    """Whether what a delivery ends with may pass; nothing of it is left open."""
    try:
        target(storage, "midway", megabytes_per_second=1).deliver(study)
    except TargetError as error:
        gc.collect()  # webdav4 uploads once more when it forgets a file
        return error.transient
    return False


def test_a_server_that_dies_midway_and_comes_back_has_everything_once(storage, study, monkeypatch):
    sent = []

    def dies(_):
        sent.append("a piece")
        if len(sent) == 2:
            storage.server.kill()

    monkeypatch.setattr("pacsflow.export.bandwidth.time", SimpleNamespace(monotonic=time.monotonic, sleep=dies))
    assert broken(storage, study)
    assert len(sent) == 2, "one file was whole, and there was another"
    storage.server.start()
    if storage.url.startswith("s3"):
        make_bucket(storage)
    delivered = target(storage, "midway").deliver(study)
    assert stored(storage, "midway") == {path: digest for path, digest, _ in delivered.files}


def test_what_was_sent_of_a_file_that_broke_off_never_has_its_name(storage, study, monkeypatch):
    with study.series[0].dicom[0][1].open("ab") as staged:
        staged.write(bytes(1 << 20))

    def breaks(_):
        raise ConnectionError

    monkeypatch.setattr("pacsflow.export.bandwidth.time", SimpleNamespace(monotonic=time.monotonic, sleep=breaks))
    with pytest.raises(TargetError):
        target(storage, "half", megabytes_per_second=1).deliver(study)
    monkeypatch.undo()
    gc.collect()
    assert [path for path in stored(storage, "half") if not path.endswith(".part")] == []
    delivered = target(storage, "half").deliver(study)
    assert stored(storage, "half") == {path: digest for path, digest, _ in delivered.files}


def test_what_a_killed_delivery_left_half_goes_with_the_next(storage, study):
    if storage.url.startswith("s3"):
        return  # shows nothing that is half
    place = target(storage, "killed")
    delivered = place.deliver(study)
    with opened_store(f"{storage.url}/killed", storage.options) as (store, root):
        store.pipe_file(f"{root}/{delivered.files[0][0].rpartition('/')[0]}/.{'0' * 32}.part", b"half")
    place.deliver(study)
    assert set(stored(storage, "killed")) == {path for path, *_ in delivered.files}
