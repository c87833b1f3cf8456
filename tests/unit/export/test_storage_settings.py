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
from schemas.storages import OPTIONS


def settings(url: str, **more) -> Storage:
    return Storage(kind="storage", url=url, **more)


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("ftp://h/x", "ftps://"),
        ("http://h/x", "webdavs://"),
        ("ssh://h/x", "sftp://"),
        ("nothing://h/x", "s3://, gs://"),
    ],
)
def test_addresses_that_are_not_taken_say_what_is(url, instead):
    with pytest.raises(TargetError) as caught:
        open_target(settings(url), Path()).deliver(StudyFolder(()))
    assert instead in caught.value.fix


@pytest.mark.parametrize(("url", "package"), [("gs://b/x", "gcsfs"), ("abfs://b/x", "adlfs")])
def test_a_package_that_a_storage_needs_is_named(url, package):
    options = {"account_name": "lungct"} if url.startswith("abfs") else {}
    with pytest.raises(TargetError) as caught:
        open_target(settings(url, options=options), Path()).deliver(StudyFolder(()))
    assert caught.value.fix == f"pip install {package}"
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
    with opened_store("s3://b/x", {"secret": "${env:STORE_WORD}", "token": "${env:STORE_WORD}"}):
        pass
    assert given == {"secret": "quiet", "token": "quiet"}


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


UNSAFE = {
    "s3": [
        {"client_kwargs": {"verify": False}},
        {"client_kwargs": {"endpoint_url": "http://h"}},
        {"config_kwargs": {"proxies": {"https": "http://h"}}},
        {"endpoint_url": "HTTP://h"},
        {"endpoint_url": "https://h?x=${env:A}"},
        {"use_ssl": False},
        {"verify": False},
        {"anon": {"a": 1}},
        {"target_protocol": "ftp"},
        {"profile": "other"},
    ],
    "sftp": [
        {"host": "other"},
        {"sock": "x"},
        {"proxy_command": "sh"},
        {"host_key_policy": "auto"},
        {"temppath": "/tmp"},
    ],
    "ftps": [{"tls": False}, {"host": "other"}],
    "webdavs": [{"verify": False}, {"base_url": "http://h"}, {"headers": {"a": "b"}}, {"proxies": "http://h"}],
    "abfs": [{"connection_string": "${env:A}"}, {"account_host": "h"}],
    "gs": [{"endpoint_url": "http://h"}, {"session_kwargs": {"trust_env": True}}],
    "file": [{"auto_mkdir": True}],
}


@pytest.mark.parametrize(("scheme", "options"), [(s, o) for s, all_of in UNSAFE.items() for o in all_of], ids=str)
def test_options_that_would_open_the_way_are_not_taken(scheme, options):
    mistakes = [*settings(f"{scheme}://h/x", options=options).mistakes()]
    assert any(mistake.at[0] == "options" and mistake.fix for mistake in mistakes)
    if scheme != "file":
        with pytest.raises(TargetError), opened_store(f"{scheme}://h/x", options):
            pass


@pytest.mark.parametrize(
    "scheme",
    ["s3a", "webhdfs", "jupyter", "simplecache", "filecache", "generic", "reference", "github", "git", "smb", "local",
     "memory", "dav", "hdfs", "zip", "az", "abfss", "gcs", "data", "libarchive", "dask", "http", "ftp"],
)  # fmt: skip
def test_other_schemes_are_not_taken_whatever_fsspec_knows(scheme):
    [mistake] = settings(f"{scheme}://h/x").mistakes()
    assert mistake.at == ("url",)
    with pytest.raises(TargetError), opened_store(f"{scheme}://h/x", {}):
        pass


def test_what_is_handed_to_s3_is_made_by_us(monkeypatch):
    given = {}
    monkeypatch.setattr(stores, "filesystem", lambda scheme, **made: given.update(made))
    with opened_store("s3://b/x", {"key": "k", "region": "eu", "addressing": "path", "ca": "ours.pem"}):
        pass
    assert given["client_kwargs"] == {"verify": "ours.pem", "region_name": "eu"}
    assert given["use_ssl"] is True
    with opened_store("s3://b/x", {}):
        pass
    assert given["client_kwargs"] == {"verify": True}


def test_a_folder_by_its_address_is_written_as_a_folder_is(tmp_path):
    files = write_files(make_study(series=1, images=1), tmp_path / "staged")
    files[0].chmod(0o600)  # as in staging
    study = StudyFolder((read_series(files),))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    target = open_target(settings(f"file://{tmp_path}/out", layout="{patient}"), Path())
    [(path, _, _)] = target.deliver(study).files
    assert (tmp_path / "out" / path).stat().st_mode & 0o077 == 0
    other = open_target(settings(f"file://{tmp_path}/out", layout="linked/{patient}"), Path())
    (tmp_path / "out" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetError, match="symbolic link"):
        other.deliver(study)
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_each_option_stands_in_the_documentation():
    text = (Path(__file__).parents[3] / "docs" / "targets.md").read_text("utf-8")
    for scheme, model in OPTIONS.items():
        assert f"`{scheme}://`" in text
        assert [name for name in model.model_fields if f"`{name}`" not in text] == []
