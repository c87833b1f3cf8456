"""Deliveries to a DICOMweb server: Orthanc behind TLS on loopback, and one that says what Orthanc never says."""

import json
from pathlib import Path

import pytest

from factory import make_instance, make_study, write_files
from pacsflow.errors import TargetError
from pacsflow.export import Delivered, StudyFolder, open_target, read_series
from peers.certificates import Authority
from peers.secured import Quiet, Secured
from peers.tls_proxy import TlsProxy
from schemas.export import Dicomweb


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def study(tmp_path, request) -> StudyFolder:
    instances = make_study(series=1, images=3, AccessionNumber=f"web{hash(request.node.name) % 10**9}")
    return StudyFolder((read_series(write_files(instances, tmp_path / "staged")),))


def target(url, authority, **settings):
    return open_target(Dicomweb(kind="dicomweb", url=url, ca=str(authority.ca), **settings), Path())


def held(orthanc, study):
    """Transfer syntax and hash of the pixels would be Orthanc's own; the instances it lists are asked by REST."""
    found = orthanc.post(
        "/tools/find",
        json.dumps({"Level": "Series", "Query": {"SeriesInstanceUID": study.series[0].series_uid}}).encode(),
    )
    return {
        orthanc.get(f"/instances/{one}")["MainDicomTags"]["SOPInstanceUID"]
        for series in found
        for one in orthanc.get(f"/series/{series}")["Instances"]
    }


def uids(study):
    return {uid for uid, _ in study.series[0].dicom}


@pytest.mark.parametrize("settings", [{}, {"megabytes_per_request": 0.000001}, {"query_back": False}])
def test_all_instances_are_stored_and_asked_back(orthanc, authority, study, settings):
    with TlsProxy(orthanc.http_port, authority) as proxy:
        place = target(f"{proxy.url}/dicom-web", authority, **settings)
        assert place.verify(_expected(study)) == ([] if "query_back" in settings else sorted(_names(study)))
        delivered = place.deliver(study)
        assert held(orthanc, study) == uids(study)
        assert place.verify(delivered) == []
        before = proxy.passed
        assert place.deliver(study) == delivered
        resent = proxy.passed - before
    size = sum(path.stat().st_size for _, path in study.series[0].dicom)
    assert (resent > size) == ("query_back" in settings), "what is there is not sent again, where it can be asked"


def _names(study):
    (series,) = study.series
    return {f"{series.study_uid}/{series.series_uid}/{uid}" for uid, _ in series.dicom}


def _expected(study):
    return Delivered(tuple((name, "", 0) for name in sorted(_names(study))))


def test_a_connection_that_breaks_midway_is_tried_again_and_what_arrived_is_left(orthanc, authority, study):
    with TlsProxy(orthanc.http_port, authority, cut_after=3000) as proxy:
        place = target(f"{proxy.url}/dicom-web", authority, megabytes_per_request=0.000001)
        with pytest.raises(TargetError, match="broke off") as caught:
            place.deliver(study)
        assert caught.value.transient
        assert held(orthanc, study) < uids(study)
        place.deliver(study)
    assert held(orthanc, study) == uids(study)


def test_a_stranger_gets_nothing(orthanc, authority, study, tmp_path):
    with TlsProxy(orthanc.http_port, authority) as proxy:
        with pytest.raises(TargetError, match="not trusted") as caught:
            target(proxy.url, Authority(tmp_path / "other")).deliver(study)
        assert proxy.passed == 0
    assert not caught.value.transient


def test_our_certificate_opens_the_door(orthanc, authority, study):
    certificate, key = map(str, authority.issue("ours"))
    with TlsProxy(orthanc.http_port, authority, clients=authority) as proxy:
        with pytest.raises(TargetError):
            target(f"{proxy.url}/dicom-web", authority).deliver(study)
        auth = {"kind": "certificate", "certificate": certificate, "key": key}
        target(f"{proxy.url}/dicom-web", authority, auth=auth).deliver(study)
    assert held(orthanc, study) == uids(study)


def test_a_file_that_orthanc_refuses_is_reported(orthanc, authority, tmp_path):
    (file,) = write_files([make_instance(AccessionNumber="web-broken")], tmp_path)
    series = read_series([file])
    file.write_bytes(file.read_bytes()[:200])
    with TlsProxy(orthanc.http_port, authority) as proxy, pytest.raises(TargetError, match="dicomweb"):
        target(f"{proxy.url}/dicom-web", authority).deliver(StudyFolder((series,)))


def test_an_address_that_is_not_the_dicomweb_one_is_reported(orthanc, authority, study):
    with TlsProxy(orthanc.http_port, authority) as proxy, pytest.raises(TargetError, match="HTTP 404") as caught:
        target(f"{proxy.url}/elsewhere", authority, query_back=False).deliver(study)
    assert "address" in caught.value.fix
    assert not caught.value.transient


class Scripted(Quiet):
    """Answers STOW-RS by the script, and QIDO-RS with pages of one instance of what it was told to hold."""

    def do_POST(self):  # noqa: N802
        self.server.received.append(self.body())
        status, told = self.server.script
        self.answer(status, told)

    def do_GET(self):  # noqa: N802
        offset = int(self.path.partition("offset=")[2] or 0)
        page = self.server.holds[offset : offset + 1]
        if self.server.page:
            return self.answer(200, self.server.page)
        return self.answer(200, json.dumps([{"00080018": {"vr": "UI", "Value": [uid]}} for uid in page]).encode())


@pytest.fixture
def scripted(authority):
    with Secured(Scripted, authority) as server:
        server.received, server.holds, server.script, server.page = [], [], (200, b""), b""
        yield server


def module(**sequences):
    return json.dumps({tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items()}).encode()


def failed(reason):
    return module(**{"00081198": [{"00081197": {"vr": "US", "Value": [reason]}}]})


@pytest.mark.parametrize(
    ("script", "told", "transient"),
    [
        ((202, failed(0x0122)), "refused 1 of 3 instances: reason 0x0122", False),
        ((409, failed(0xA700)), "refused 1 of 3 instances: reason 0xA700", True),
        ((200, failed(0xC122)), "0xC122", False),
        ((409, b"<xml/>"), "refused 3 of 3 instances: reason not said", False),
        ((401, b"{}"), "HTTP 401", False),
        ((503, b""), "HTTP 503", True),
        ((413, b""), "HTTP 413", False),
        ((200, b""), "does not say that it stored 3 of 3", True),
        ((200, b"[" * 100_000), "does not say that it stored 3 of 3", True),
    ],
)
def test_what_a_server_refuses_is_reported(scripted, authority, study, script, told, transient):
    scripted.script = script
    with pytest.raises(TargetError, match=told) as caught:
        target(scripted.url, authority, query_back=False).deliver(study)
    assert caught.value.transient is transient


@pytest.mark.parametrize(("reason", "requests"), [(0x0122, 3), (0xA700, 1)])
def test_an_instance_that_is_refused_for_good_keeps_no_other_back(scripted, authority, study, reason, requests):
    scripted.script = 202, failed(reason)
    with pytest.raises(TargetError, match="refused 1 of 1 instance"):
        target(scripted.url, authority, query_back=False, megabytes_per_request=0.0001).deliver(study)
    assert len(scripted.received) == requests


def test_instances_that_are_not_listed_afterwards_are_an_error(scripted, authority, study):
    with pytest.raises(TargetError, match="3 of 3 instances were sent") as caught:
        target(scripted.url, authority).deliver(study)
    assert caught.value.transient


def test_answers_that_come_in_pages_are_read_to_the_end(scripted, authority, study):
    scripted.holds = ["1.2.3", *sorted(uids(study))]
    target(scripted.url, authority).deliver(study)
    assert scripted.received == []


def test_a_list_that_is_none_is_reported(scripted, authority, study):
    scripted.page = b"<html>"
    with pytest.raises(TargetError, match="no DICOM JSON"):
        target(scripted.url, authority).deliver(study)


def test_nothing_can_be_taken_back_and_what_is_gone_does_no_harm(scripted, authority):
    scripted.holds = ["1.2.3"]
    target(scripted.url, authority).remove([])
    target(scripted.url, authority).remove(["1/2/9.9"])
    target(scripted.url, authority, query_back=False).remove(["1/2/1.2.3"])
    with pytest.raises(TargetError, match="1 instance of an earlier delivery"):
        target(scripted.url, authority).remove(["1/2/1.2.3", "1/2/9.9"])
