"""Files appear whole or not at all."""

import hashlib
import os

import pytest

from pacsflow.staging import staging, sweep, write_all


def test_batches_are_reported_only_when_whole(tmp_path):
    told = []

    def settled(batch):
        assert all((tmp_path / name).is_file() for name, *_ in batch)
        told.extend(batch)

    with staging(settled) as stager:
        for n in range(130):
            parts = [b"a" * n, memoryview(b"b" * n)]
            stager.put(tmp_path / f"{n}.dcm", parts, lambda size, sha, n=n: (f"{n}.dcm", size, sha))
    assert len(told) == 130
    for name, size, sha in told:
        content = (tmp_path / name).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha)


def test_what_was_whole_before_an_error_is_kept_and_nothing_half_is_left(tmp_path):
    told = []

    def broken():
        with staging(told.extend) as stager:
            stager.put(tmp_path / "a", [b"x"], lambda *_: "a")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert told == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_refuses_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "taken" / "a").mkdir(parents=True)
    told = []
    with pytest.raises(OSError), staging(told.extend) as stager:  # noqa: PT011
        stager.put(tmp_path / "taken" / "a", [b"x"], lambda *_: "a")
    assert told == []
    assert [p.name for p in (tmp_path / "taken").iterdir()] == ["a"]


def test_writing_many_parts_gives_their_sum(tmp_path):
    parts = [bytes([n % 256]) * (n % 7) for n in range(5000)]
    descriptor = os.open(tmp_path / "f", os.O_CREAT | os.O_WRONLY)
    assert write_all(descriptor, parts) == sum(map(len, parts))
    os.close(descriptor)
    assert (tmp_path / "f").read_bytes() == b"".join(parts)


def test_sweep_removes_leftovers_only(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / f".{'0abc' * 8}-7.part").write_bytes(b"half")
    (tmp_path / "s" / "a.dcm").write_bytes(b"whole")
    (tmp_path / "s" / ".mine.part").write_bytes(b"somebody else's")
    sweep(tmp_path)
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == [".mine.part", "a.dcm"]
