"""S3 servers that do not know checksums in trailers: objects are right, or the message says what is wrong."""

import pytest

from factory import make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from peers.certificates import Authority
from peers.old_s3 import OldS3
from schemas.export import Storage


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("OLD_S3_WORD", "word")
    authority = Authority(tmp_path / "authority")
    with OldS3(authority) as service:
        service.options = {
            "key": "${env:OLD_S3_WORD}", "secret": "${env:OLD_S3_WORD}", "endpoint_url": service.url,
            "ca": str(authority.ca),
        }  # fmt: skip
        yield service


@pytest.fixture
def study(tmp_path):
    return StudyFolder((read_series(write_files(make_study(series=1, images=3), tmp_path / "staged")),))


def target(server, tmp_path, **options):
    return open_target(Storage(kind="storage", url="s3://bucket/all", options={**server.options, **options}), tmp_path)


def test_objects_are_what_was_sent(server, study, tmp_path):
    delivered = target(server, tmp_path).deliver(study)
    assert server.framed == 0
    sent = {path.read_bytes() for _, path in study.series[0].dicom}
    assert sent <= set(server.objects.values())
    assert target(server, tmp_path).verify(delivered) == []


def test_what_is_stored_otherwise_is_told_in_words_of_its_own(server, study, tmp_path):
    asked = {"checksums": "when_supported"}
    with pytest.raises(TargetError, match="holds something else than it was sent") as caught:
        target(server, tmp_path, **asked).deliver(study)
    assert "when_required" in caught.value.fix
    assert "patient" not in str(caught.value)
    assert server.framed
