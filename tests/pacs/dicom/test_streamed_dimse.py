"""Large instances from two makes of PACS, handed on while they come: the same bytes."""

import pytest

from factory import make_study, write_files
from pacsflow.dicom.contract import Request
from pacsflow.dicom.dimse import association, fastpath, receiver, takeover
from peers.certificates import Authority
from peers.nodes import Basket, lane_to
from peers.orthanc import Orthanc
from schemas.web import Tls

METHODS = pytest.mark.parametrize("method", ["c-get", "c-move"])


@pytest.fixture(scope="module")
def study(tmp_path_factory, orthanc, dcmqrscp):
    instances = make_study(series=1, images=3, PatientID="STREAM-1", AccessionNumber="STREAM-1", Rows=256, Columns=256)
    files = write_files(instances, tmp_path_factory.mktemp("streamed"))
    orthanc.load(files)
    dcmqrscp.load(files)
    return instances


class Counting(Basket):
    """A sink that says how many instances went on behind what it was given."""

    streamed = 0

    def __call__(self, received):
        self.streamed += received.rest is not None
        return super().__call__(received)


def fetched(lane, study):
    basket = Counting()
    lane.fetch(Request(study[0].StudyInstanceUID), basket)
    return basket


def low_thresholds(monkeypatch):
    for module in (association, receiver):
        monkeypatch.setattr(module, "MAXIMUM_PDU", 16384)
    monkeypatch.setattr(fastpath, "STREAMED_FROM", 20_000)


def same_both_ways(monkeypatch, peer, study, **options):
    with lane_to(peer, **options) as lane:
        whole = fetched(lane, study)
    low_thresholds(monkeypatch)
    with lane_to(peer, **options) as lane:
        streamed = fetched(lane, study)
    assert (whole.streamed, streamed.streamed) == (0, 3 if takeover.possible() else 0)
    assert whole.uids == streamed.uids == sorted(one.SOPInstanceUID for one in study)
    assert {one.sop_instance_uid: one for one in whole.received} == {
        one.sop_instance_uid: one for one in streamed.received
    }


@METHODS
@pytest.mark.parametrize("maker", ["orthanc", "dcmqrscp"])
def test_an_instance_that_is_handed_on_while_it_comes_is_the_same(request, monkeypatch, study, maker, method):
    same_both_ways(monkeypatch, request.getfixturevalue(maker), study, method=method)


@METHODS
def test_over_tls(tmp_path, monkeypatch, study, method):
    authority = Authority(tmp_path / "authority")
    certificate, key = authority.issue("orthanc")
    probe = Orthanc(
        tmp_path,
        DicomTlsEnabled=True,
        DicomTlsCertificate=str(certificate),
        DicomTlsPrivateKey=str(key),
        DicomTlsTrustedCertificates=str(authority.ca),
        DicomTlsRemoteCertificateRequired=True,
    )
    modality = {"AET": "PACSFLOW", "Host": "127.0.0.1", "Port": probe.move_port, "UseDicomTls": True}
    probe.configure(DicomModalities={"us": modality})
    certificate, key = authority.issue("pacsflow")
    ours = Tls(ca=str(authority.ca), certificate=str(certificate), key=str(key))
    with probe as peer:
        peer.load(write_files(study, tmp_path / "in"))
        same_both_ways(monkeypatch, peer, study, method=method, tls=ours)


@METHODS
def test_a_sink_that_reads_no_further_gets_all_the_others_too(monkeypatch, dcmqrscp, study, method):
    low_thresholds(monkeypatch)
    seen = []
    with lane_to(dcmqrscp, method=method) as lane:
        outcome = lane.fetch(Request(study[0].StudyInstanceUID), lambda received: seen.append(received) or 0)
    assert outcome.completed == len(seen) == 3
