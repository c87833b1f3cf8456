"""Deliveries to XNAT, as far as a small service written from its documentation stands in for it."""

import re

import pytest

from factory import make_study, write_files
from pacsflow.errors import SecretError, TargetError
from pacsflow.export import StudyFolder, open_target, read_series
from pacsflow.scratch import scratch
from peers.certificates import Authority
from peers.xnat import PASSWORD, USER, Xnat
from schemas import export


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path / "authority")


@pytest.fixture
def server(authority, monkeypatch):
    monkeypatch.setenv("XNAT_PASSWORD", PASSWORD)
    with Xnat(authority) as service:
        yield service
        assert not service.open, "every session was ended"
        assert not service.strays, "XNAT has no such route"


def study(folder, accession="X1"):
    instances = make_study(series=1, images=3, AccessionNumber=accession, PatientID="LUNG-1")
    return StudyFolder((read_series(write_files(instances, folder / accession)),))


@pytest.fixture
def target(server, authority, tmp_path):
    def opened(**settings):
        known = {"url": server.url, "project": "LUNG", "username": USER, "password": "${env:XNAT_PASSWORD}"}
        given = {**known, "ca": str(authority.ca), **settings}
        return open_target(export.Xnat(kind="xnat", **given), tmp_path / "work")

    return opened


@pytest.mark.parametrize("destination", ["archive", "prearchive"])
def test_a_study_becomes_a_session_and_is_counted_back(server, target, tmp_path, destination):
    one = study(tmp_path)
    place = target(destination=destination)
    with scratch(tmp_path / "work") as temporary:
        delivered = place.deliver(one)
        assert [path.name for path in temporary.iterdir()] == ["lock"]
    ((labels, session),) = server.sessions[destination].items()
    assert labels[0] == "LUNG-1"
    assert re.fullmatch("LUNG-1_20200102101112" + ("_[0-9a-f]{6}" if destination == "prearchive" else ""), labels[1])
    assert set(session) == {uid for uid, _ in one.series[0].dicom}
    assert place.verify(delivered) == []
    assert place.deliver(one) == delivered
    assert [asked["overwrite"] for asked in server.imports] == ["append"], "what is there is not sent again"
    session.pop(next(iter(session)))
    assert len(place.verify(delivered)) == 3
    place.deliver(one)
    assert len(session) == 3


@pytest.mark.parametrize("destination", ["archive", "prearchive"])
def test_two_studies_of_one_moment_are_two_sessions(server, target, tmp_path, destination):
    for number, accession in enumerate(("X1", "X2", "X1")):
        target(destination=destination).deliver(study(tmp_path / str(number), accession))
    assert [len(session) for session in server.sessions[destination].values()] == [3, 3]


def test_an_import_that_breaks_midway_is_tried_again(server, target, tmp_path):
    server.cut = 1
    with pytest.raises(TargetError, match="broke off") as caught:
        target().deliver(study(tmp_path))
    assert caught.value.transient
    target().deliver(study(tmp_path / "again"))
    assert [len(session) for session in server.sessions["archive"].values()] == [3]


def test_an_image_that_is_lost_is_noticed(server, target, tmp_path):
    server.lose = 1
    with pytest.raises(TargetError, match="3 instances were sent, and the session holds 2") as caught:
        target().deliver(study(tmp_path))
    assert caught.value.transient


def test_a_session_that_is_there_is_refused_where_nothing_may_be_added(server, target, tmp_path):
    server.lose = 1
    with pytest.raises(TargetError):
        target().deliver(study(tmp_path))
    with pytest.raises(TargetError, match="HTTP 409") as caught:
        target(overwrite="none").deliver(study(tmp_path / "again"))
    assert not caught.value.transient


@pytest.mark.parametrize(("status", "transient"), [(403, False), (500, True)])
def test_a_refused_import_is_reported_without_the_servers_words(server, target, tmp_path, status, transient):
    server.status = status
    with pytest.raises(TargetError, match=f"HTTP {status}") as caught:
        target().deliver(study(tmp_path))
    assert caught.value.transient is transient


def test_a_wrong_password_is_reported(server, target, tmp_path, monkeypatch):
    monkeypatch.setenv("XNAT_PASSWORD", "wrong")
    with pytest.raises(TargetError, match="HTTP 401") as caught:
        target().deliver(study(tmp_path))
    assert not caught.value.transient
    assert "credentials" in caught.value.fix
    monkeypatch.delenv("XNAT_PASSWORD")
    with pytest.raises(SecretError):
        target().deliver(study(tmp_path / "again"))


def test_nothing_follows_a_redirection(server, target, tmp_path, authority):
    """Images and the session's cookie go to the server that the project names, and to no other."""
    with Xnat(authority) as other:
        server.status, server.headers_of_imports = 307, {"Location": f"{other.url}/data/services/import"}
        with pytest.raises(TargetError, match="HTTP 307"):
            target().deliver(study(tmp_path))
        assert (other.imports, other.open) == ([], set())


def test_a_stranger_gets_nothing(server, target, tmp_path):
    stranger = Authority(tmp_path / "stranger")
    with pytest.raises(TargetError, match="not trusted") as caught:
        target(ca=str(stranger.ca)).deliver(study(tmp_path))
    assert not caught.value.transient
    assert server.imports == []
