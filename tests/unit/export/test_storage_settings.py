"""Storages: what is refused before anything is sent, and how fast it may go."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, bandwidth, open_target, read_series, storage, stores
from pacsflow.export.stores import opened_store
from schemas.export import Storage


def settings(url: str, **more) -> Storage:
    return Storage(kind="storage", url=url, **more)


@pytest.mark.parametrize(
    ("url", "instead"),
    [("ftp://h/x", "ftps://"), ("http://h/x", "webdavs://"), ("ssh://h/x", "sftp://"), ("nothing://h/x", "s3, gs")],
)
def test_addresses_that_are_not_taken_say_what_is(url, instead):
    with pytest.raises(TargetError) as caught:
        open_target(settings(url), Path()).deliver(StudyFolder(()))
    assert instead in caught.value.remedy


@pytest.mark.parametrize(("url", "package"), [("gs://b/x", "gcsfs"), ("abfs://b/x", "adlfs")])
def test_a_package_that_a_storage_needs_is_named(url, package):
    with pytest.raises(TargetError) as caught:
        open_target(settings(url), Path()).deliver(StudyFolder(()))
    assert caught.value.remedy == f"pip install {package}"
    assert not caught.value.transient


def test_an_unprotected_endpoint_is_not_taken():
    target = open_target(settings("s3://b/x", options={"endpoint_url": "http://s3.example.org"}), Path())
    with pytest.raises(TargetError, match="endpoint_url"):
        target.deliver(StudyFolder(()))


def test_a_password_in_the_address_or_in_plain_text_is_a_mistake():
    with pytest.raises(ValidationError):
        settings("sftp://me:word@h/x")
    with pytest.raises(ValidationError):
        settings("webdavs://h/x?key=word")
    for name in ("password", "Password", "aws_secret_access_key", "account_key", "connection_string", "passwd"):
        for value in ("word", "${env:A}word", "${word}", 12345):
            for options in ({name: value}, {"client_kwargs": {name: value}}):
                with pytest.raises(ValidationError, match=f"options.{name}: a secret is given by reference"):
                    settings("s3://b/x", options=options)
        assert settings("s3://b/x", options={"client_kwargs": {name: "${env:A}"}})
    with pytest.raises(ValidationError, match="no user and no password"):
        settings("s3://b/x", options={"endpoint_url": "https://me:word@s3.example.org"})


def test_secrets_are_looked_up_when_they_are_needed(monkeypatch):
    monkeypatch.setenv("STORE_WORD", "quiet")
    given = {}
    monkeypatch.setitem(stores._OPENERS, "s3", lambda _, o: given.update(o) or (None, ""))
    with opened_store("s3://b/x", {"secret": "${env:STORE_WORD}", "nested": {"token": "${env:STORE_WORD}"}}):
        pass
    assert given == {"secret": "quiet", "nested": {"token": "quiet"}}


def test_the_bandwidth_limit_is_kept(tmp_path, monkeypatch):
    from fsspec.implementations.local import LocalFileSystem

    source = tmp_path / "source"
    source.write_bytes(bytes(4 << 20))
    clock = [0.0]
    passing = SimpleNamespace(
        monotonic=lambda: clock[0], sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds)
    )
    monkeypatch.setattr(bandwidth, "time", passing)  # there alone: other threads sleep by the real one
    storage._send(LocalFileSystem(), source, str(tmp_path / "sink"), 2.0)
    assert clock[0] == pytest.approx((4 << 20) / 2e6)
    assert (tmp_path / "sink").read_bytes() == source.read_bytes()


def test_a_name_whose_claim_was_cut_off_is_claimed_again(tmp_path):
    files = write_files(make_study(series=1, images=1), tmp_path / "staged")
    study = StudyFolder((read_series(files),))
    target = open_target(settings(f"file://{tmp_path}/out"), Path())
    delivered = target.deliver(study)
    for claim in (tmp_path / "out/.pacsflow/claims").iterdir():
        claim.write_bytes(claim.read_bytes()[:7])
    assert target.deliver(study) == delivered
